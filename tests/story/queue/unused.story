# x-expires: a queue without consumers, declares and gets goes after a while. Auto-delete: with its
# last consumer.

queue q x-expires=1000
fill q 1 2
wait 900
queue q x-expires=1000
wait 900
stats q
> ready 2 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
get q
> get gets 1
> get: 1 left
wait 900
stats q
> ready 1 unacked 1 bytes 1 consumers 0 dead 0/0/0/0
consume q a
> a gets 2
wait 5000
stats q
> ready 0 unacked 2 bytes 0 consumers 1 dead 0/0/0/0
cancel a
wait 900
stats q
> ready 0 unacked 2 bytes 0 consumers 0 dead 0/0/0/0
wait 200
> unused q
stats q
> no such queue
ack a all

auto-queue x
wait 5000
consume x b
consume x c
cancel b
fill x 1 1
> c gets 1
cancel c
> unused x
stats x
> no such queue
ack c all

# The time starts anew with the broker.
queue y x-expires=1000
wait 500
restart
wait 900
stats y
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
wait 200
> unused y
stats y
> no such queue
