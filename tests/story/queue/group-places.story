# Where a group begins, what it passes over, and what comes again.

queue s x-queue-type=stream
fill s 0 3
wait 5000
fill s 4 7
# Each group is for itself.
consume s next prefetch=9 arguments: x-group=next
consume s first prefetch=2 arguments: x-group=first x-group-start=first
> first gets 0 @0
> first gets 1 @1
consume s last prefetch=9 arguments: x-group=last x-group-start=last
> last gets 7 @7
consume s at prefetch=1 arguments: x-group=at x-group-start=5
> at gets 5 @5
consume s back prefetch=9 arguments: x-group=back x-group-start=-3
> back gets 5 @5
> back gets 6 @6
> back gets 7 @7
consume s ago prefetch=9 arguments: x-group=ago x-group-start=3s
> ago gets 4 @4
> ago gets 5 @5
> ago gets 6 @6
> ago gets 7 @7
consume s future prefetch=9 arguments: x-group=future x-group-start=t:99999999999
groups s
> next has 1 members
> s next offset 8 end 8 lag 0 unacked 0
> first has 1 members
> s first offset 0 end 8 lag 8 unacked 2
> last has 1 members
> s last offset 7 end 8 lag 1 unacked 1
> at has 1 members
> s at offset 5 end 8 lag 3 unacked 1
> back has 1 members
> s back offset 5 end 8 lag 3 unacked 3
> ago has 1 members
> s ago offset 4 end 8 lag 4 unacked 4
> future has 1 members
> s future offset 8 end 8 lag 0 unacked 0
# A start counts only once.
cancel at
fail at all
consume s at2 prefetch=1 arguments: x-group=at x-group-start=first
> at2 gets 5 again @5
ack at2 all
> at2 gets 6 @6
cancel at2
fail at2 all
# What is not wanted is done with.
queue f x-queue-type=stream
publish f 0 headers: x-stream-filter-value=a
publish f 1 headers: x-stream-filter-value=b
publish f 2 headers: x-stream-filter-value=b
consume f fm prefetch=9 arguments: x-group=g x-group-start=first x-stream-filter=a
> fm gets 0 @0
groups f
> g has 1 members
> f fm offset 0 end 3 lag 3 unacked 1
ack fm 0
groups f
> g has 1 members
> f fm offset 3 end 3 lag 0 unacked 0
# What is given back comes before what follows, in order; what is refused does not come again.
queue r x-queue-type=stream
fill r 0 5
consume r rm prefetch=4 arguments: x-group=g x-group-start=first
> rm gets 0 @0
> rm gets 1 @1
> rm gets 2 @2
> rm gets 3 @3
requeue rm 2
> rm gets 2 again @2
requeue rm 0
> rm gets 0 again @0
reject rm 1
> rm gets 4 @4
ack rm 3
> rm gets 5 @5
groups r
> g has 1 members
> r rm offset 0 end 6 lag 6 unacked 4
ack rm all
groups r
> g has 1 members
> r rm offset 6 end 6 lag 0 unacked 0
# Who cannot take it loses nothing.
fill r 6 7
> rm gets 6 @6
> rm gets 7 @7
stall rm
requeue rm 6
groups r
> g has 1 members
> r rm offset 6 end 8 lag 2 unacked 1
resume rm
> rm gets 6 again @6
# Members beyond the partitions wait, and who leaves with something in hand may still ack it.
consume r n prefetch=4 arguments: x-group=g
cancel rm
groups r
> g has 1 members
> r nobody moving offset 6 end 8 lag 2 unacked 2
ack rm 6
groups r
> g has 1 members
> r nobody moving offset 7 end 8 lag 1 unacked 1
ack rm 7
publish r 8
> n gets 8 @8
groups r
> g has 1 members
> r n offset 8 end 9 lag 1 unacked 1
ack n all
# What is gone is passed over.
queue small x-queue-type=stream x-max-age=4s
fill small 0 3
consume small sm prefetch=1 arguments: x-group=g x-group-start=first
> sm gets 0 @0
cancel sm
fail sm all
wait 12000
fill small 4 5
groups small
> g has 0 members
> small nobody offset 0 end 6 lag 2 unacked 0
consume small m2 prefetch=9 arguments: x-group=g x-group-start=first
> m2 gets 4 @4
> m2 gets 5 @5
groups small
> g has 1 members
> small m2 offset 4 end 6 lag 2 unacked 2
delete small
> m2 is cancelled: deleted
