# A stream keeps what was consumed; every consumer has all of it, from where it wants.

queue s x-queue-type=stream
fill s 0 4
stats s
> ready 5 unacked 0 bytes 5 consumers 0 dead 0/0/0/0
consume s a prefetch=3 arguments: x-stream-offset=first
> a gets 0 @0
> a gets 1 @1
> a gets 2 @2
# Acks are credit, in any order.
ack a 1
> a gets 3 @3
requeue a 0
> a gets 4 @4
reject a 2
stats s
> ready 5 unacked 2 bytes 5 consumers 1 dead 0/0/0/0
# Another one has all of it too, and what comes goes to both.
consume s b prefetch=100 arguments: x-stream-offset=3
> b gets 3 @3
> b gets 4 @4
publish s 5 transient
> a gets 5 @5
> b gets 5 @5
cancel a
cancel b
ack a all
ack b all
# A message of delivery mode 1 is kept as the others are.
crash
consume s c prefetch=100 arguments: x-stream-offset=first
> c gets 0 @0
> c gets 1 @1
> c gets 2 @2
> c gets 3 @3
> c gets 4 @4
> c gets 5 @5
cancel c
restart
consume s d prefetch=1 arguments: x-stream-offset=-2
> d gets 4 @4
ack d 4
> d gets 5 @5
ack d 5
publish s 6
> d gets 6 @6
delete s
> d is cancelled: deleted
queue s x-queue-type=stream
consume s e prefetch=1 arguments: x-stream-offset=first
publish s new
> e gets new @0
# A consumer who is cancelled gets nothing twice.
publish s newer
cancel e
