# Arguments that meet.

queue dlq
# Time to live, a limit and a dead letter exchange: each death has its reason, in its order.
queue a x-message-ttl=100 x-max-length=2 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill a 1 4
wait 50
fill a 5 5
stats a
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/3/0
wait 60
stats a
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/1/3/0
wait 50
consume dlq d
> d gets 1 deaths a/maxlen/1
> d gets 2 deaths a/maxlen/1
> d gets 3 deaths a/maxlen/1
> d gets 4 deaths a/expired/1
> d gets 5 deaths a/expired/1
ack d all

# What comes back counts for the limit again, and goes first.
queue b x-max-length=2 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill b 1 2
consume b c prefetch=1
> c gets 1
fill b 3 3
requeue c 1
> c gets 1 again
stats b
> ready 2 unacked 1 bytes 2 consumers 1 dead 0/0/0/0
ack d all
> d does not hold all
ack c all
> c gets 2
ack c all
> c gets 3
cancel c

# Too many failures of a message that has a time to live, and of one over a limit.
queue e x-delivery-limit=1 x-message-ttl=1000 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
publish e m
consume e f
> f gets m failed 0 acquired 0
fail f m
> f gets m again failed 1 acquired 1
fail f m
> d gets m deaths e/delivery_limit/1
ack d all

# Priorities, a limit in bytes, dead letters: the head is what would be delivered next.
queue g x-max-priority=3 x-max-length-bytes=6 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
publish g l1 priority=0
publish g h1 priority=3
publish g m1 priority=1
publish g l2 priority=0
> d gets h1 deaths g/maxlen/1
ack d all
get g
> get gets m1
> get: 2 left
get g
> get gets l1
> get: 1 left
ack get all
get g
> get gets l2
> get: 0 left

# Priorities and times to live.
queue h x-max-priority=3
publish h low expiration=40
publish h high priority=3 expiration=20
wait 30
get h
> get gets low
> get: 0 left
wait 30
get h
> get: empty
ack get all

# Single active consumer, a limit and a time to live.
queue i x-single-active-consumer=true x-max-length=1 x-message-ttl=50
consume i j prefetch=1
consume i k prefetch=1
fill i 1 3
> j gets 1
stats i
> ready 1 unacked 1 bytes 1 consumers 2 dead 0/0/1/0
wait 100
stats i
> ready 0 unacked 1 bytes 0 consumers 2 dead 0/1/1/0
cancel j
fill i 4 4
> k gets 4
ack k all
ack j all
cancel k

# A dead letter exchange and a purge: a purge is no death.
queue l x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill l 1 3
purge l
> purged 3
delete l

# x-expires and a dead letter exchange: neither is the end of a queue.
queue n x-expires=100 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill n 1 1
wait 150
> unused n
stats dlq
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/0

# Transient messages in a durable queue, with everything.
queue o x-max-length=2 x-message-ttl=100 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
fill o 1 3 transient
> d gets 1 deaths o/maxlen/1
wait 150
> d gets 2 deaths o/expired/1
> d gets 3 deaths o/expired/1
ack d all
fill o 4 4 transient
fill o 5 5
crash
stats o
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/0/0/0
