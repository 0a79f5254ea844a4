# Publish, consume, ack, requeue, get, purge.

queue q
publish q m1
publish q m2
stats q
> ready 2 unacked 0 bytes 4 consumers 0 dead 0/0/0/0
consume q a prefetch=1
> a gets m1
ack a m1
> a gets m2
requeue a m2
> a gets m2 again
ack a m2
stats q
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/0
fill q 1 4
> a gets 1
ack a all
> a gets 2
ack a all
> a gets 3
ack a all
> a gets 4
ack a all
stats q
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/0
cancel a
fill q 1 3
get q
> get gets 1
> get: 2 left
get q no-ack
> get gets 2
> get: 1 left
reject get 1
get q
> get gets 3
> get: 0 left
get q
> get: empty
stats q
> ready 0 unacked 1 bytes 0 consumers 0 dead 1/0/0/0
requeue get 3
get q
> get gets 3 again
> get: 0 left
purge q
> purged 0
ack get all
purge q
> purged 0
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 1/0/0/0
