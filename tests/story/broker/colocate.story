# Over several partitions of the log messages come first and acks when those are safe; x-colocate
# makes one partition of it.

partitions 3
queue tasks
queue far
queue beside x-colocate=tasks
fill - tasks 1 2
consume tasks w
> w gets 1
> w gets 2

# Far away: nothing is settled while the messages are not safe.
tx-publish - far f1
tx-ack w 1
stall
tx-commit
wait 1000
unstall
> settled 1
> committed

# Cut between the two it is there twice, never lost.
tx-publish - far f2
tx-ack w 2
hold
tx-commit
until settled
> settled 2
> committed
crash
ready far
> ready 2
consume tasks w
> w gets 2 again
ack w 2

# Beside: one batch. It is settled at once, and cut there nothing of it has happened.
fill - tasks 3 4
> w gets 3
> w gets 4
consume tasks w
tx-publish - beside b3
tx-ack w 3
hold
tx-commit
> settled 3
crash
ready beside
> ready 0
consume tasks w
> w gets 3 again
> w gets 4 again
tx-publish - beside b3
tx-ack w 3
hold
tx-commit
> settled 3
until committed
> committed
crash
consume tasks w
> w gets 4 again
consume beside b
> b gets b3 again

# It stays where it is, and is compared when it is declared again.
queue beside x-colocate=tasks
queue beside
queue beside x-colocate=far
> 406 inequivalent arg 'x-colocate' for queue 'beside' in vhost '/': queue 'far' is on another partition
queue far x-colocate=tasks
> 406 inequivalent arg 'x-colocate' for queue 'far' in vhost '/': queue 'tasks' is on another partition
queue lonely x-colocate=none
> 406 invalid arg 'x-colocate' for queue 'lonely' in vhost '/': there is no queue 'none'; declare it first
queue odd x-colocate=i:5
> 406 invalid arg 'x-colocate' for queue 'odd' in vhost '/': {unacceptable_type,signedint}
# Beside a neighbour is beside all of them; a transient queue can be, too.
transient-queue third x-colocate=beside
tx-publish - third t
tx-ack w 4
stall
tx-commit
> settled 4
unstall
> committed
