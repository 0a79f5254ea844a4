# x-max-length and x-max-length-bytes count ready messages and the bytes of their bodies.

queue q x-max-length=3
fill q 1 5
stats q
> ready 3 unacked 0 bytes 3 consumers 0 dead 0/0/2/0
consume q a prefetch=1
> a gets 3
fill q 6 7
stats q
> ready 3 unacked 1 bytes 3 consumers 1 dead 0/0/3/0
ack a all
> a gets 5
cancel a
purge q
> purged 2

queue b x-max-length-bytes=10
publish b aaaa
publish b bbbb
publish b cc
stats b
> ready 3 unacked 0 bytes 10 consumers 0 dead 0/0/0/0
publish b d
stats b
> ready 3 unacked 0 bytes 7 consumers 0 dead 0/0/1/0
publish b much size=20
stats b
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/5/0

# reject-publish: the publisher is told.
queue r x-max-length=2 x-overflow=reject-publish
fill r 1 3
> 3 is refused by 1
stats r
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
consume r c
> c gets 1
> c gets 2
fill r 4 6
> c gets 4
> c gets 5
> c gets 6
ack c all
cancel c
stats r
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0

# What consumers take at the end of the turn does not fill the queue.
queue s x-max-length=2 x-overflow=reject-publish
consume s d prefetch=3
hold
fill s 1 6
> 6 is refused by 1
go
> d gets 1
> d gets 2
> d gets 3
stats s
> ready 2 unacked 3 bytes 2 consumers 1 dead 0/0/0/0
ack d all
> d gets 4
> d gets 5
ack d all

# reject-publish-dlx: told, and dead-lettered.
queue dlq
queue x x-max-length=1 x-overflow=reject-publish-dlx x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill x 1 3
> 2 is refused by 1
> 3 is refused by 1
stats x
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/0/2/0
consume dlq e
> e gets 2 deaths x/maxlen/1
> e gets 3 deaths x/maxlen/1
ack e all

# drop-head with a dead letter exchange.
queue y x-max-length=2 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill y 1 4
> e gets 1 deaths y/maxlen/1
> e gets 2 deaths y/maxlen/1
stats y
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/2/0
ack e all
crash
stats y
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
stats dlq
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0

# One message may go to a full queue and to one that is not.
queue z
fill y,z 8 8
stats y
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/1/0
stats z
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/0/0/0
queue w x-max-length=0 x-overflow=reject-publish
fill w,z 9 9
> 9 is refused by 1
stats w
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
stats z
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
