# basic.get on a stream: one message at a place, as often as one likes.

queue s x-queue-type=stream
get s at=first
> get: empty
fill s 0 2
wait 5000
fill s 3 5
get s at=first
> get gets 0 @0
> get: 5 left
get s at=2 no-ack
> get gets 2 @2
> get: 3 left
get s at=last
> get gets 5 @5
> get: 0 left
get s at=-2
> get gets 4 @4
> get: 1 left
get s at=-100 no-ack
> get gets 0 @0
> get: 5 left
get s at=3s no-ack
> get gets 3 @3
> get: 2 left
get s at=1h no-ack
> get gets 0 @0
> get: 5 left
# Behind the last message there is nothing, and nobody waits for it.
get s at=6
> get: empty
get s at=1000
> get: empty
get s at=next
> get: empty
get s at=soon
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"soon">>}}
get s at=-
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"-">>}}
# Acks and rejects take nothing away.
ack get 0
reject get 5
stats s
> ready 6 unacked 1 bytes 6 consumers 0 dead 0/0/0/0
requeue get 4
get s at=first no-ack
> get gets 0 @0
> get: 5 left
# What is being committed is waited for.
hold
publish s 6
get s at=6 no-ack
get s at=last no-ack
get s at=7
go
> get: empty
> get gets 6 @6
> get: 0 left
> get gets 6 @6
> get: 0 left
# A consumer and gets do not know each other.
consume s a prefetch=1 arguments: x-stream-offset=5
> a gets 5 @5
get s at=5
> get gets 5 @5
> get: 1 left
stats s
> ready 7 unacked 2 bytes 7 consumers 1 dead 0/0/0/0
crash
get s at=6 no-ack
> get gets 6 @6
> get: 0 left
get s at=first
> get gets 0 @0
> get: 6 left
restart
get s at=4
> get gets 4 @4
> get: 2 left
# Whoever waits is answered when the stream goes.
hold
publish s 7
get s at=7
delete s
> get: empty
go
# One that waits for its answer does not keep consumers from hearing that the stream is gone.
queue gone x-queue-type=stream
publish gone m
hold
get gone at=next
consume gone c prefetch=9
delete gone
> c is cancelled: deleted
> get: empty
go
