# What is durable comes back in order, once; after a crash all of it counts as delivered before, after
# a clean stop only what was.

queue q
transient-queue gone
fill q 1 6
publish q lost transient
publish gone m
consume q a prefetch=3
> a gets 1
> a gets 2
> a gets 3
ack a 2
> a gets 4
crash
stats q
> ready 5 unacked 0 bytes 5 consumers 0 dead 0/0/0/0
stats gone
> no such queue
consume q b
> b gets 1 again
> b gets 3 again
> b gets 4 again
> b gets 5 again
> b gets 6 again
ack b 1
ack b 4
restart
consume q c prefetch=2
> c gets 3 again
> c gets 5 again
restart
# 3 and 5 were with c; 6 was with b before; nothing else is new.
fill q 7 8
consume q d
> d gets 3 again
> d gets 5 again
> d gets 6 again
> d gets 7
> d gets 8
ack d all
crash
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0

# A message shared by two queues lives until both are done with it.
queue r
fill q,r 10 11
consume q a
> a gets 10
> a gets 11
ack a all
crash
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
consume r b
> b gets 10 again
> b gets 11 again
ack b all
crash
stats r
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0

# Never delivered before a clean stop: not marked.
cancel b
> no consumer b
fill r 20 21
restart
consume r b
> b gets 20
> b gets 21
