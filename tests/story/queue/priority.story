# x-max-priority: higher first, first in first out within; above the highest is the highest.

queue q x-max-priority=5
publish q a1
publish q b1 priority=3
publish q c1 priority=9
publish q b2 priority=3
publish q c2 priority=5
publish q a2 priority=0
consume q c
> c gets c1
> c gets c2
> c gets b1
> c gets b2
> c gets a1
> c gets a2
requeue c b1
> c gets b1 again
requeue c a1
> c gets a1 again
stats q
> ready 0 unacked 6 bytes 0 consumers 1 dead 0/0/0/0
cancel c
ack c all
stats q
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0

# Back at the old place within the priority.
fill q 1 3 priority=2
get q
> get gets 1
> get: 2 left
get q
> get gets 2
> get: 1 left
requeue get 2
requeue get 1
get q
> get gets 1 again
> get: 2 left
ack get all
get q
> get gets 2 again
> get: 1 left
get q
> get gets 3
> get: 0 left
ack get all

# The limit drops from the head, and that is where the high ones are.
queue l x-max-priority=2 x-max-length=2
publish l low
publish l high priority=2
publish l middle priority=1
stats l
> ready 2 unacked 0 bytes 9 consumers 0 dead 0/0/1/0
consume l d
> d gets middle
> d gets low
ack d all
cancel d

# After a restart as before.
publish l h2 priority=2
publish l l2
crash
consume l e
> e gets h2 again
> e gets l2 again
ack e all
cancel e
publish q z1 priority=1
publish q z4 priority=4
get q
> get gets z4
> get: 1 left
requeue get z4
restart
consume q f
> f gets z4 again
> f gets z1
