# What a stream lets go of, by age and by size; offsets stay what they are, and a queue beside it
# keeps what it has.

queue s x-queue-type=stream x-max-age=60s
queue w
publish s,w 0
wait 30000
publish s,w 1
wait 25000
consume s a prefetch=9 arguments: x-stream-offset=first
> a gets 0 @0
> a gets 1 @1
cancel a
# A minute is over for the first of them, and a moment in which ages are looked at.
wait 15000
consume s b prefetch=9 arguments: x-stream-offset=first
> b gets 1 @1
cancel b
# Nothing may be left; the next offset is what it would have been.
wait 40000
publish s,w 2
consume s c prefetch=9 arguments: x-stream-offset=0
> c gets 2 @2
cancel c
stats w
> ready 3 unacked 0 bytes 3 consumers 0 dead 0/0/0/0
# By size: the newest stays, whatever its size.
queue t x-queue-type=stream x-max-length-bytes=2500
publish t 0 size=1000
publish t 1 size=1000
publish t 2 size=1000
wait 6000
consume t d prefetch=9 arguments: x-stream-offset=first
> d gets 1 @1
> d gets 2 @2
publish t 3 size=9000
> d gets 3 @3
wait 6000
cancel d
consume t e prefetch=9 arguments: x-stream-offset=first
> e gets 3 @3
