# Time to live: of the queue, of the message, the smaller of both; anywhere in the queue.

queue q x-message-ttl=100
publish q m1
wait 50
publish q m2
publish q m3 expiration=20
stats q
> ready 3 unacked 0 bytes 6 consumers 0 dead 0/0/0/0
wait 30
# m3 is gone from behind m1.
stats q
> ready 2 unacked 0 bytes 4 consumers 0 dead 0/1/0/0
wait 30
stats q
> ready 1 unacked 0 bytes 2 consumers 0 dead 0/2/0/0
wait 60
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/3/0/0

# Without a time of the queue, that of the messages, in any order.
queue p
publish p never
publish p late expiration=5000
publish p soon expiration=50
publish p sooner expiration=10
wait 20
stats p
> ready 3 unacked 0 bytes 13 consumers 0 dead 0/1/0/0
wait 50
stats p
> ready 2 unacked 0 bytes 9 consumers 0 dead 0/2/0/0
wait 6000
stats p
> ready 1 unacked 0 bytes 5 consumers 0 dead 0/3/0/0

# Zero: only who waits gets it.
publish p none expiration=0
stats p
> ready 1 unacked 0 bytes 5 consumers 0 dead 0/4/0/0
consume p a
> a gets never
publish p some expiration=0
> a gets some

# A basic.get in the same turn does not count as waiting.
queue z x-message-ttl=0
hold
publish z zero
get z
go
> get: empty

# What is in flight does not expire; when it comes back too late it does.
cancel a
ack a all
publish p held expiration=30
consume p b
> b gets held
wait 100
stats p
> ready 0 unacked 1 bytes 0 consumers 1 dead 0/4/0/0
requeue b held
stats p
> ready 0 unacked 0 bytes 0 consumers 1 dead 0/5/0/0

# The dates survive.
cancel b
publish p kept expiration=1000
publish p short expiration=100
crash
stats p
> ready 2 unacked 0 bytes 9 consumers 0 dead 0/0/0/0
wait 200
stats p
> ready 1 unacked 0 bytes 4 consumers 0 dead 0/1/0/0
wait 2000
stats p
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/2/0/0

# With a dead letter exchange the dead move on, and do not expire again.
queue dlq
queue t x-message-ttl=10 x-dead-letter-exchange= x-dead-letter-routing-key=dlq
publish t x1 expiration=5
publish t x2
wait 50
stats t
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/2/0/0
consume dlq c
> c gets x1 deaths t/expired/1
> c gets x2 deaths t/expired/1
