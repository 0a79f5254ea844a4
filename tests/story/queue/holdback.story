# x-delayed-retry-type: what comes back is held back, longer each time; it is neither ready nor
# unacked meanwhile.

queue h x-queue-type=quorum x-delayed-retry-type=failed x-delayed-retry-min=100 x-delayed-retry-max=250
publish h h1
publish h h2
consume h a
> a gets h1 failed 0 acquired 0
> a gets h2 failed 0 acquired 0
requeue a h2
> a gets h2 again failed 0 acquired 1
fail a h1
stats h
> ready 0 unacked 1 bytes 0 consumers 1 dead 0/0/0/0
wait 90
wait 20
> a gets h1 again failed 1 acquired 1
fail a h1
wait 150
wait 60
> a gets h1 again failed 2 acquired 2
fail a h1
wait 230
wait 40
> a gets h1 again failed 3 acquired 3
ack a all
cancel a

# Only what came back without a failure; always for as long as the first time. A classic queue
# counts, too, when it is to hold back.
queue r x-delayed-retry-type=returned x-delayed-retry-min=50
publish r r1
consume r b
> b gets r1 failed 0 acquired 0
fail b r1
> b gets r1 again failed 1 acquired 1
requeue b r1
wait 40
wait 20
> b gets r1 again failed 1 acquired 2
requeue b r1
wait 60
> b gets r1 again failed 1 acquired 3
ack b r1
cancel b

# All, at their old places when they are due; others go on meanwhile, and limits count the ready.
queue k x-delayed-retry-type=all x-delayed-retry-min=100 x-max-length=2 x-max-priority=3
publish k k1 priority=1
publish k k2 priority=2
consume k c
> c gets k2 failed 0 acquired 0
> c gets k1 failed 0 acquired 0
requeue c all
cancel c
publish k k3 priority=1
publish k k4
stats k
> ready 2 unacked 0 bytes 4 consumers 0 dead 0/0/0/0
get k
> get gets k3 failed 0 acquired 0
> get: 1 left
wait 110
stats k
> ready 2 unacked 1 bytes 4 consumers 0 dead 0/0/1/0

# The delivery limit comes first; a purge leaves alone what is held; a deleted queue forgets it.
queue l x-queue-type=quorum x-delivery-limit=1 x-delayed-retry-type=all x-delayed-retry-min=1000
publish l l1
consume l d
> d gets l1 failed 0 acquired 0
fail d l1
purge l
> purged 0
wait 1100
> d gets l1 again failed 1 acquired 1
fail d l1
stats l
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/1
publish l l2
> d gets l2 failed 0 acquired 0
fail d l2
delete l
> d is cancelled: deleted

# Too old while it was held: it dies when its time of waiting is over.
queue t x-queue-type=quorum x-delayed-retry-type=all x-delayed-retry-min=100
publish t t1 expiration=50
consume t e
> e gets t1 failed 0 acquired 0
requeue e t1
wait 60
stats t
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/0
wait 60
stats t
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/1/0/0
cancel e

# After a restart it is ready at once, and known to have been delivered.
queue s x-queue-type=quorum x-delayed-retry-type=all x-delayed-retry-min=100000
publish s s1
publish s s2
consume s f
> f gets s1 failed 0 acquired 0
> f gets s2 failed 0 acquired 0
fail f s1
restart
consume s f
> f gets s1 again failed 1 acquired 1
> f gets s2 again failed 0 acquired 1
fail f s1
crash
consume s f
> f gets s1 again failed 2 acquired 2
> f gets s2 again failed 0 acquired 1

# Without a shortest time nothing is held.
queue n x-queue-type=quorum x-delayed-retry-type=all
publish n n1
consume n g
> g gets n1 failed 0 acquired 0
fail g n1
> g gets n1 again failed 1 acquired 1
