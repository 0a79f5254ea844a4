# Single active consumer: the first is served; the next when it is gone.

queue q x-single-active-consumer=true
consume q a
consume q b
fill q 1 2
> a gets 1
> a gets 2
consume q x exclusive
> ERR_BUSY
cancel a
fill q 3 3
> b gets 3
ack a all
ack b all

# A higher priority takes over once the active one has nothing in flight.
fill q 4 4
> b gets 4
consume q c priority=10
fill q 5 5
stats q
> ready 1 unacked 1 bytes 1 consumers 2 dead 0/0/0/0
ack b 4
> c gets 5
ack c all
fill q 6 6
> c gets 6
cancel c
fill q 7 7
> b gets 7
ack b all
ack c all

# A lower priority does not.
consume q d priority=-1
fill q 8 8
> b gets 8
ack b all
cancel b
fill q 9 9
> d gets 9
requeue d 9
> d gets 9 again
cancel d
stats q
> ready 0 unacked 1 bytes 0 consumers 0 dead 0/0/0/0

# An exclusive consumer is alone.
queue e
consume e f exclusive
consume e g
> ERR_BUSY
cancel f
consume e g
consume e h exclusive
> ERR_BUSY
