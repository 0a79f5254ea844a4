# A stream with partitions: equal keys stay in order, each partition is a stream of its own.

queue s x-queue-type=stream x-partitions=3
publish s a1 headers: x-partition-key=a
publish s b1 headers: x-partition-key=b
publish s a2 headers: x-partition-key=a
publish s c1 key=c
publish s a3 key=c headers: x-partition-key=a
publish s c2 key=c
stats s
> ready 6 unacked 0 bytes 12 consumers 0 dead 0/0/0/0
consume s all prefetch=100 arguments: x-stream-offset=first
> all gets c1 @0
> all gets c2 @1
> all gets a1 @0
> all gets a2 @1
> all gets a3 @2
> all gets b1 @0
consume s-0 zero prefetch=100 arguments: x-stream-offset=first
> zero gets c1 @0
> zero gets c2 @1
crash
consume s one prefetch=2 arguments: x-stream-offset=first
> one gets c1 @0
> one gets a1 @0
ack one all
> one gets b1 @0
> one gets a2 @1
delete s
> one is cancelled: deleted
