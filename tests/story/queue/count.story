# x-delivery-limit: failures are counted, other returns are not; and what comes of too many.

queue q x-delivery-limit=2
publish q m1
consume q a
> a gets m1 failed 0 acquired 0
requeue a m1
> a gets m1 again failed 0 acquired 1
requeue a m1
> a gets m1 again failed 0 acquired 2
fail a m1
> a gets m1 again failed 1 acquired 3
fail a m1
> a gets m1 again failed 2 acquired 4
stats q
> ready 0 unacked 1 bytes 0 consumers 1 dead 0/0/0/0
fail a m1
stats q
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/1

# The broker's limit for quorum queues; a classic queue counts nothing.
queue k x-queue-type=quorum
publish k m2
consume k b
> b gets m2 failed 0 acquired 0
fail b m2
> b gets m2 again failed 1 acquired 1
crash
consume k b
> b gets m2 again failed 1 acquired 1
restart
queue c
publish c m3
consume c d
> d gets m3
fail d m3
> d gets m3 again
fail d m3
> d gets m3 again
ack d m3

# Counted across a crash, then dead-lettered.
queue dlq
queue r x-delivery-limit=1 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
publish r m4
consume r e
> e gets m4 failed 0 acquired 0
fail e m4
> e gets m4 again failed 1 acquired 1
crash
consume r e
> e gets m4 again failed 1 acquired 1
fail e m4
stats r
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/0/0/1
consume dlq f
> f gets m4 deaths r/delivery_limit/1
# None at all.
queue n x-queue-type=quorum x-delivery-limit=-1
publish n m5
consume n g
> g gets m5 failed 0 acquired 0
fail g m5
> g gets m5 again failed 1 acquired 1
fail g m5
> g gets m5 again failed 2 acquired 2
