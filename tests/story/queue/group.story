# Consumers of a group share the partitions of a stream, and go on where they stopped.

queue s x-queue-type=stream x-partitions=3
consume s m1 prefetch=100 arguments: x-group=g x-group-start=first
groups s
> g has 1 members
> s-0 m1 offset 0 end 0 lag 0 unacked 0
> s-1 m1 offset 0 end 0 lag 0 unacked 0
> s-2 m1 offset 0 end 0 lag 0 unacked 0
publish s a1 headers: x-partition-key=a
> m1 gets a1 @0
publish s b1 headers: x-partition-key=b
> m1 gets b1 @0
publish s c1 headers: x-partition-key=c
> m1 gets c1 @0
publish s a2 headers: x-partition-key=a
> m1 gets a2 @1
groups s
> g has 1 members
> s-0 m1 offset 0 end 1 lag 1 unacked 1
> s-1 m1 offset 0 end 2 lag 2 unacked 2
> s-2 m1 offset 0 end 1 lag 1 unacked 1
consume s m2 prefetch=100 arguments: x-group=g
groups s
> g has 2 members
> s-0 m1 offset 0 end 1 lag 1 unacked 1
> s-1 m1 offset 0 end 2 lag 2 unacked 2
> s-2 m1 moving offset 0 end 1 lag 1 unacked 1
ack m1 c1
groups s
> g has 2 members
> s-0 m1 offset 1 end 1 lag 0 unacked 0
> s-1 m1 offset 0 end 2 lag 2 unacked 2
> s-2 m1 moving offset 0 end 1 lag 1 unacked 1
ack m1 a2
groups s
> g has 2 members
> s-0 m1 offset 1 end 1 lag 0 unacked 0
> s-1 m1 offset 0 end 2 lag 2 unacked 1
> s-2 m1 moving offset 0 end 1 lag 1 unacked 1
ack m1 a1
groups s
> g has 2 members
> s-0 m1 offset 1 end 1 lag 0 unacked 0
> s-1 m1 offset 2 end 2 lag 0 unacked 0
> s-2 m1 moving offset 0 end 1 lag 1 unacked 1
publish s a3 headers: x-partition-key=a
> m1 gets a3 @2
publish s c2 headers: x-partition-key=c
> m1 gets c2 @1
groups s
> g has 2 members
> s-0 m1 offset 1 end 2 lag 1 unacked 1
> s-1 m1 offset 2 end 3 lag 1 unacked 1
> s-2 m1 moving offset 0 end 1 lag 1 unacked 1
# A third one gets one of the first's.
consume s m3 prefetch=100 arguments: x-group=g
consume s m4 prefetch=100 arguments: x-group=g
ack m1 all
ack m2 all
> m2 does not hold all
groups s
> g has 4 members
> s-0 m1 offset 2 end 2 lag 0 unacked 0
> s-1 m3 offset 3 end 3 lag 0 unacked 0
> s-2 m2 offset 1 end 1 lag 0 unacked 0
# Who goes leaves his to who waits; what was with him comes again.
publish s a4 headers: x-partition-key=a
> m3 gets a4 @3
publish s b2 headers: x-partition-key=b
> m2 gets b2 @1
publish s c3 headers: x-partition-key=c
> m1 gets c3 @2
cancel m3
groups s
> g has 3 members
> s-0 m1 offset 2 end 3 lag 1 unacked 1
> s-1 nobody moving offset 3 end 4 lag 1 unacked 1
> s-2 m2 offset 1 end 2 lag 1 unacked 1
fail m3 all
> m4 gets a4 again @3
groups s
> g has 3 members
> s-0 m1 offset 2 end 3 lag 1 unacked 1
> s-1 m4 offset 3 end 4 lag 1 unacked 1
> s-2 m2 offset 1 end 2 lag 1 unacked 1
crash
groups s
> g has 0 members
> s-0 nobody offset 0 end 3 lag 3 unacked 0
> s-1 nobody offset 0 end 4 lag 4 unacked 0
> s-2 nobody offset 0 end 2 lag 2 unacked 0
consume s m5 prefetch=100 arguments: x-group=g x-group-start=first
> m5 gets c1 again @0
> m5 gets a1 again @0
> m5 gets b1 again @0
> m5 gets a2 again @1
> m5 gets c2 again @1
> m5 gets a3 again @2
> m5 gets c3 again @2
> m5 gets a4 again @3
> m5 gets b2 again @1
groups s
> g has 1 members
> s-0 m5 offset 0 end 3 lag 3 unacked 3
> s-1 m5 offset 0 end 4 lag 4 unacked 4
> s-2 m5 offset 0 end 2 lag 2 unacked 2
ack m5 all
wait 200
restart
groups s
> g has 0 members
> s-0 nobody offset 3 end 3 lag 0 unacked 0
> s-1 nobody offset 4 end 4 lag 0 unacked 0
> s-2 nobody offset 2 end 2 lag 0 unacked 0
forget s g
groups s
# What cannot be.
queue plain x-queue-type=stream
consume plain x prefetch=9 arguments: x-group=7
> invalid arg 'x-group' for queue 'plain' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
consume plain x prefetch=9 arguments: x-group-start=first
> invalid arg 'x-group-start' for queue 'plain' in vhost '/': {no_group}
> ERR_INVALID
consume plain x prefetch=9 arguments: x-group=g x-stream-offset=first
> invalid arg 'x-stream-offset' for queue 'plain' in vhost '/': {not_with_a_group}
> ERR_INVALID
consume plain x prefetch=9 arguments: x-group=g x-group-start=soon
> invalid arg 'x-group-start' for queue 'plain' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"soon">>}}
> ERR_INVALID
consume plain x prefetch=9 arguments: x-group=g x-group-start=true
> invalid arg 'x-group-start' for queue 'plain' in vhost '/': {invalid_stream_offset_arg,{unacceptable_type,bool}}
> ERR_INVALID
