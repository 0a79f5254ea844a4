# What ends a replay: its binding, its queue, its exchange, somebody who cancels it. What was copied
# stays.

exchange orders topic x-log=true
fill orders k 1 5
queue small x-max-length=2 x-overflow=reject-publish
bind orders small # x-replay-from=first
replays
> orders to small by '#': 3 left
# Of another binding it is not the end; the arguments of the replay do not matter.
unbind orders small k
replays
> orders to small by '#': 3 left
unbind orders small #
replays
consume small c no-ack
> c gets 1 replayed
> c gets 2 replayed
publish orders k 6
ready small
> ready 0

# Cancelled.
queue less x-max-length=2 x-overflow=reject-publish
bind orders less # x-replay-from=first
cancel-replay
replays
cancel-replay
> ERR_NOT_FOUND
consume less l no-ack
> l gets 1 replayed
> l gets 2 replayed
publish orders k 7

# A queue that was held is let go.
queue held
hold
bind orders held # x-replay-from=first
publish - held direct
cancel-replay
go
consume held h no-ack
> h gets direct
publish orders k 8
> h gets 8

# The queue goes; another of that name has nothing of it.
queue gone x-max-length=2 x-overflow=reject-publish
bind orders gone # x-replay-from=first
replays
> orders to gone by '#': 6 left
delete gone
replays
queue gone
ready gone
> ready 0

# The exchange goes, and its log.
queue last x-max-length=2 x-overflow=reject-publish
bind orders last # x-replay-from=first
delete-exchange orders
replays
exchange orders topic x-log=true
publish orders k 9
ready last
> ready 2
bind orders last # x-replay-from=first
consume last e no-ack
> e gets 1 replayed
> e gets 2 replayed
> e gets 9 replayed
wait 200
crash
replays
