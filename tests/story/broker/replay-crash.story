# A replay survives: what is copied says so in the same record, so it goes on there, once.

exchange orders topic x-log=true
fill orders k 1 6
# A queue that is full and says no makes it wait, and tells where it is.
queue small x-max-length=2 x-overflow=reject-publish
bind orders small # x-replay-from=first
replays
> orders to small by '#': 4 left
ready small
> ready 2
crash
replays
> orders to small by '#': 4 left
publish orders k 7
consume small c prefetch=1
> c gets 1 again replayed
ack c 1
> c gets 2 again replayed
wait 200
ack c 2
> c gets 3 replayed
wait 200
crash
replays
> orders to small by '#': 2 left
consume small d no-ack
> d gets 3 again replayed
> d gets 4 again replayed
> d gets 5 again replayed
> d gets 6 replayed
> d gets 7 replayed
wait 500
replays
publish orders k 8
> d gets 8

# One that is cut before anything of it is on the disk never was.
queue late
stall
bind orders late # x-replay-from=first
crash
replays
consume late l no-ack
bind orders late # x-replay-from=first
> l gets 1 replayed
> l gets 2 replayed
> l gets 3 replayed
> l gets 4 replayed
> l gets 5 replayed
> l gets 6 replayed
> l gets 7 replayed
> l gets 8 replayed
crash
publish orders k 9
consume late l no-ack
> l gets 9

# Nor does a copy with an end begin anew.
queue copy x-max-length=3 x-overflow=reject-publish
bind orders copy # x-replay-from=2 x-replay-until=7
replays
> orders to copy by '#' once: 2 left
crash
replays
> orders to copy by '#' once: 2 left
consume copy e no-ack
> e gets 3 again replayed
> e gets 4 again replayed
> e gets 5 again replayed
> e gets 6 replayed
> e gets 7 replayed
wait 500
replays
crash
publish orders k 10
ready copy
> ready 0

# What was live when the power failed is behind the history.
queue held
hold
bind orders held # x-replay-from=8
publish orders k 11
publish - held direct
go
crash
publish orders k 12
consume held h no-ack
> h gets 9 again replayed
> h gets 10 again replayed
> h gets 11 again
> h gets direct again
> h gets 12
