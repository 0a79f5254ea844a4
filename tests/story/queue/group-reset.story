# Offsets of groups are set, while nobody is there or by force.

queue s x-queue-type=stream x-partitions=2
fill s 0 3 headers: x-partition-key=a
wait 5000
fill s 4 7 headers: x-partition-key=a
fill s 8 9 headers: x-partition-key=c
consume s m prefetch=9 arguments: x-group=g x-group-start=first
> m gets 0 @0
> m gets 1 @1
> m gets 2 @2
> m gets 3 @3
> m gets 4 @4
> m gets 5 @5
> m gets 6 @6
> m gets 7 @7
> m gets 8 @8
ack m all
> m gets 9 @9
groups s
> g has 1 members
> s-0 m offset 0 end 0 lag 0 unacked 0
> s-1 m offset 9 end 10 lag 1 unacked 1
reset s g earliest
> ERR_BUSY
cancel m
reset s g earliest dry
> s-0 from 0 to 0
> s-1 from 9 to 0
groups s
> g has 0 members
> s-0 nobody offset 0 end 0 lag 0 unacked 0
> s-1 nobody offset 9 end 10 lag 1 unacked 1
reset s g earliest
> s-0 from 0 to 0
> s-1 from 9 to 0
groups s
> g has 0 members
> s-0 nobody offset 0 end 0 lag 0 unacked 0
> s-1 nobody offset 0 end 10 lag 10 unacked 0
reset s g latest
> s-0 from 0 to 0
> s-1 from 0 to 10
reset s g offset 3
> s-0 from 0 to 0
> s-1 from 10 to 3
reset s g offset 1000
> s-0 from 0 to 0
> s-1 from 3 to 10
reset s g shift -2
> s-0 from 0 to 0
> s-1 from 10 to 8
reset s g shift -100
> s-0 from 0 to 0
> s-1 from 8 to 0
reset s g shift 1
> s-0 from 0 to 0
> s-1 from 0 to 1
reset s g ago 3
> s-0 from 0 to 0
> s-1 from 1 to 4
reset s g ago 100
> s-0 from 0 to 0
> s-1 from 4 to 0
reset s g ago -100
> s-0 from 0 to 0
> s-1 from 0 to 10
reset s g offset 5
> s-0 from 0 to 0
> s-1 from 10 to 5
crash
groups s
> g has 0 members
> s-0 nobody offset 0 end 0 lag 0 unacked 0
> s-1 nobody offset 5 end 10 lag 5 unacked 0
consume s n prefetch=9 arguments: x-group=g
> n gets 5 again @5
> n gets 6 again @6
> n gets 7 again @7
> n gets 8 again @8
> n gets 9 again @9
# What was delivered before a reset means nothing any more.
cancel n
reset s g offset 6
> s-0 from 0 to 0
> s-1 from 5 to 6
consume s o prefetch=9 arguments: x-group=g
> o gets 6 again @6
> o gets 7 again @7
> o gets 8 again @8
> o gets 9 again @9
ack n all
groups s
> g has 1 members
> s-0 o offset 0 end 0 lag 0 unacked 0
> s-1 o offset 6 end 10 lag 4 unacked 4
# A forced one does not mind who is there: he goes on from there, and what he holds means nothing.
reset s g offset 8
> ERR_BUSY
reset s g offset 8 forced
> o gets 8 again @8
> o gets 9 again @9
> s-0 from 0 to 0
> s-1 from 6 to 8
ack o all
groups s
> g has 1 members
> s-0 o offset 0 end 0 lag 0 unacked 0
> s-1 o offset 10 end 10 lag 0 unacked 0
cancel o
# A time is looked for in the lane too.
queue t x-queue-type=stream
fill t 0 9 size=3000
wait 9000
fill t 10 19 size=3000
wait 30000
consume t p prefetch=1 arguments: x-group=g
cancel p
reset t g ago 35
> t from 20 to 10
reset t g ago 100
> t from 10 to 0
delete t
