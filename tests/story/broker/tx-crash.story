# The power fails around a commit: all of it is there, or nothing.

queue tasks
queue results
fill - tasks 1 3
consume tasks w
> w gets 1
> w gets 2
> w gets 3
tx-publish - results r1
tx-publish - results r2
tx-ack w 1
tx-ack w 2
# Staged is not committed.
crash
ready tasks
> ready 3
ready results
> ready 0

# The acks happen with the messages, in one batch; it is not told before that is on the disk.
consume tasks w
> w gets 1 again
> w gets 2 again
> w gets 3 again
tx-publish - results r1
tx-publish - results r2
tx-ack w 1
tx-ack w 2
stall
tx-commit
> settled 1
> settled 2
wait 1000
crash
ready tasks
> ready 3
ready results
> ready 0

# Told, it is there.
consume tasks w
> w gets 1 again
> w gets 2 again
> w gets 3 again
tx-publish - results r1
tx-publish - results r2
tx-ack w 1
tx-ack w 2
hold
tx-commit
> settled 1
> settled 2
until committed
> committed
crash
consume tasks w
> w gets 3 again
consume results c
> c gets r1 again
> c gets r2 again
