# Consume and publish: what is staged happens at the commit, all of it or nothing, on the disk too.

queue tasks
queue results
fill - tasks 1 4
consume tasks w prefetch=4
> w gets 1
> w gets 2
> w gets 3
> w gets 4
tx-publish - results r1
tx-publish - none lost
tx-publish - none back mandatory
tx-ack w 1
tx-reject w 2
tx-requeue w 3
# Nothing of it is seen before.
ready results
> ready 0
tx-commit
> returned back
> settled 1
> settled 2
> settled 3
> w gets 3 again
> committed
consume results c no-ack
> c gets r1
ready tasks
> ready 0

# Rolled back, the deliveries are in his hands as before, and can be staged again.
tx-publish - results r2
tx-ack w 4
tx-rollback
> kept 4
tx-commit
> committed
tx-ack w 4
tx-commit
> settled 4
> committed
tx-ack w 3
tx-commit
> settled 3
> committed
cancel c

# What is published outside of it goes its own way.
tx-publish - results in
publish - results out
tx-commit
> committed
consume results d no-ack
> d gets out
> d gets in
cancel d

# Transient messages and transient queues are part of it.
transient-queue passing
tx-publish - passing p1
tx-publish - results p2 transient
tx-publish amq.fanout - p3
bind amq.fanout passing -
tx-publish amq.fanout - p4
ready passing
> ready 0
# Where it goes is decided at the commit: p3 was staged before the binding was there.
tx-commit
> committed
consume passing e no-ack
> e gets p1
> e gets p3
> e gets p4

# A queue that is full and says no: it is partial.
queue small x-max-length=1 x-overflow=reject-publish
tx-publish - small s1
tx-publish - small s2
tx-publish - results s3
tx-commit
> not committed: ERR_FULL
tx-rollback
ready small
> ready 1

# What is refused is refused when it is staged.
tx-publish none k x
> 404 no exchange 'none' in vhost '/'
