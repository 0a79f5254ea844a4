# A purge takes what is ready and nothing else.

queue q
fill q 1 6
consume q a prefetch=2
> a gets 1
> a gets 2
ack a 1
> a gets 3
purge q
> purged 3
stats q
> ready 0 unacked 2 bytes 0 consumers 1 dead 0/0/0/0
fill q 7 8
requeue a 2
> a gets 2 again
ack a all
> a gets 7
> a gets 8
ack a all
crash
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
cancel a
> no consumer a
fill q 10 30
purge q
> purged 21
crash
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
queue p x-max-priority=3
fill p 1 4 priority=2
get p
> get gets 1
> get: 3 left
purge p
> purged 3
requeue get 1
get p
> get gets 1 again
> get: 0 left
