# A message that needs no store is handed over as it comes: the world stands still meanwhile.

queue q
consume q n no-ack
consume q m no-ack
hold
publish q 1 transient
> n gets 1
publish q 2 transient
> m gets 2
stats q
> ready 0 unacked 0 bytes 0 consumers 2 dead 0/0/0/0

# What is durable waits for the end of the turn, and so does all that comes behind it.
publish q 3
publish q 4 transient
go
> n gets 3
> m gets 4

# When nobody takes it, it is stored; the one who could not is not asked again.
stall n
stall m
hold
publish q 5 transient
publish q 6 transient
stats q
> ready 2 unacked 0 bytes 2 consumers 2 dead 0/0/0/0
go
resume n
> n gets 5
> n gets 6
cancel n
cancel m

# Who acknowledges gets it from the store. What a consumer waits for is his, not that of a basic.get.
consume q a
hold
publish q 7 transient
go
> a gets 7
ack a all
cancel a
hold
get q no-ack
consume q o no-ack
publish q 8 transient
> o gets 8
go
> get: empty
cancel o

# Of several queues each has its own way.
queue r
queue d x-max-length=1 x-overflow=reject-publish
consume q p no-ack
consume r b
consume d z no-ack
hold
publish q,r,d 9 transient
> p gets 9
> z gets 9
go
> b gets 9
ack b all
hold
publish q,r,d 10 transient size=5000
go
> p gets 10
> b gets 10
> z gets 10
ack b all
