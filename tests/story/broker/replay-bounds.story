# Where a replay begins and ends: offsets and times of the log, whatever matches.

exchange orders topic x-log=true
publish orders a 0
wait 60000
publish orders b 1
wait 60000
publish orders a 2
publish orders b 3
wait 60000
queue q
consume q c no-ack

bind orders q # x-replay-from=2
> c gets 2 replayed
> c gets 3 replayed
unbind orders q #
# The last so many of the log, not of what matches.
bind orders q a x-replay-from=-3
> c gets 2 replayed
unbind orders q a
bind orders q # x-replay-from=-1000
> c gets 0 replayed
> c gets 1 replayed
> c gets 2 replayed
> c gets 3 replayed
unbind orders q #
bind orders q # x-replay-from=1000
publish orders a 4
> c gets 4
unbind orders q #

# Times, absolute and ago.
bind orders q # x-replay-from=t:1000000030
> c gets 1 replayed
> c gets 2 replayed
> c gets 3 replayed
> c gets 4 replayed
unbind orders q #
bind orders q # x-replay-from=90s
> c gets 2 replayed
> c gets 3 replayed
> c gets 4 replayed
unbind orders q #

# With an end it is a copy, once: no binding is made.
bind orders q # x-replay-from=first x-replay-until=2
> c gets 0 replayed
> c gets 1 replayed
publish orders a 5
bind orders q # x-replay-from=1 x-replay-until=t:1000000090
> c gets 1 replayed
bind orders q a x-replay-from=-3 x-replay-until=now
> c gets 4 replayed
> c gets 5 replayed
publish orders a 6
bind orders q # x-replay-from=first x-replay-until=90s
> c gets 0 replayed
> c gets 1 replayed
# Asked for again it comes again.
bind orders q # x-replay-from=first x-replay-until=1
> c gets 0 replayed
bind orders q # x-replay-from=first x-replay-until=1
> c gets 0 replayed
# What comes after `now` is not in the copy, also when it comes in the same turn.
hold
bind orders q # x-replay-from=5 x-replay-until=now
publish orders a 7
go
> c gets 5 replayed
> c gets 6 replayed
replays
bind orders q # x-replay-from=3 x-replay-until=3

# Of a log with partitions the bounds are those of each partition.
exchange parted topic x-log=true x-partitions=3
fill parted a 1 4
fill parted b 5 9
bind parted q # x-replay-from=1 x-replay-until=3
> c gets 2 replayed
> c gets 3 replayed
> c gets 6 replayed
> c gets 7 replayed

# What cannot be is refused.
bind orders q # x-replay-from=next
> 406 invalid arg 'x-replay-from' for queue 'q' in vhost '/': it takes "first", an offset, a timestamp, or a time ago as "2h"
bind orders q # x-replay-from=true
> 406 invalid arg 'x-replay-from' for queue 'q' in vhost '/': {invalid_stream_offset_arg,{unacceptable_type,bool}}
bind orders q # x-replay-until=3
> 406 invalid arg 'x-replay-until' for queue 'q' in vhost '/': it takes effect only beside x-replay-from
bind orders q # x-replay-from=first x-replay-until=-3
> 406 invalid arg 'x-replay-until' for queue 'q' in vhost '/': it takes an offset, a timestamp of the past, "now", or a time ago as "2h"
bind amq.topic q # x-replay-from=first
> 406 invalid arg 'x-replay-from' for binding of exchange 'amq.topic' in vhost '/': the exchange keeps no log; declare it with x-log
exchange hash x-consistent-hash x-log=true
bind hash q 1 x-replay-from=first
> 406 invalid arg 'x-replay-from' for binding of exchange 'hash' in vhost '/': only exchanges of type direct, fanout, topic and headers can be replayed
exchange other topic
bind orders @other # x-replay-from=first
> 406 invalid arg 'x-replay-from' for binding of exchange 'orders' in vhost '/': only a queue can get a replay
replays
