# Round robin, one message each; prefetch; higher priorities first.

queue q
consume q a
consume q b
consume q c prefetch=1
fill q 1 6
> a gets 1
> b gets 2
> c gets 3
> a gets 4
> b gets 5
> a gets 6
ack a all
ack b all
ack c all
cancel a
cancel b
cancel c

consume q low prefetch=2
consume q high priority=5 prefetch=2
fill q 1 5
> high gets 1
> high gets 2
> low gets 3
> low gets 4
ack high 1
> high gets 5
ack low 3
ack low all
ack high all
cancel low
cancel high

# No acks: prefetch means nothing.
consume q n no-ack prefetch=1
fill q 1 3
> n gets 1
> n gets 2
> n gets 3
stats q
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/0
cancel n

# A limit shared by two consumers of a channel, in two queues.
queue r
credit 2
consume q x shared
consume r y shared
fill q 1 2
> x gets 1
> x gets 2
fill r 3 4
ack x 1
> y gets 3
ack y 3
> y gets 4
credit 3
ack x all
ack y all
credit 0
fill r 5 7
> y gets 5
> y gets 6
> y gets 7
cancel x
cancel y
ack y all

# They take turns, in one queue and in two; one without acks waits with them and uses up nothing.
credit 1
consume q i shared
consume q j shared
consume r k shared
fill q 1 4
> i gets 1
fill r 1 2
ack i 1
> j gets 2
ack j 2
> k gets 1
ack k 1
> i gets 3
ack i 3
> j gets 4
cancel i
cancel j
consume q free shared no-ack
fill q 5 6
ack j 4
> free gets 5
> free gets 6
> k gets 2
ack k 2
cancel free
cancel k
credit 0

# One that cannot take just now, and the others go on.
consume q s
consume q t
stall s
fill q 1 3
> t gets 1
> t gets 2
> t gets 3
resume s
fill q 4 5
> t gets 4
> s gets 5
stall s
ack t all
stall t
fill q 6 6
stats q
> ready 1 unacked 1 bytes 1 consumers 2 dead 0/0/0/0
resume t
> t gets 6
ack s all
ack t all

# A consumer that holds a message for too long.
queue slow x-consumer-timeout=1000
consume slow u
consume slow v timeout=3000
fill slow 1 2
> u gets 1
> v gets 2
wait 900
ack u all
fill slow 3 3
> u gets 3
wait 500
wait 600
> u timed out after 1000 ms
wait 1500
> v timed out after 3000 ms
ack u all
ack v all

# Deleted: who consumes hears of it, what is in flight is nobody's.
queue d
fill d 1 3
consume d w prefetch=1
> w gets 1
delete d
> w is cancelled: deleted
ack w all
requeue w 1
> w does not hold 1
stats d
> no such queue
