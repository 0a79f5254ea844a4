# Every way to say where to begin.

queue s x-queue-type=stream
fill s 0 2
wait 5000
fill s 3 5
wait 5000
fill s 6 8
consume s next prefetch=9
consume s next2 prefetch=9 arguments: x-stream-offset=next
consume s first prefetch=1 arguments: x-stream-offset=first
> first gets 0 @0
consume s last prefetch=9 arguments: x-stream-offset=last
> last gets 8 @8
consume s at prefetch=1 arguments: x-stream-offset=4
> at gets 4 @4
consume s behind prefetch=9 arguments: x-stream-offset=1000
consume s back prefetch=9 arguments: x-stream-offset=-3
> back gets 6 @6
> back gets 7 @7
> back gets 8 @8
consume s far-back prefetch=1 arguments: x-stream-offset=-1000
> far-back gets 0 @0
consume s ago prefetch=9 arguments: x-stream-offset=3s
> ago gets 6 @6
> ago gets 7 @7
> ago gets 8 @8
consume s longer-ago prefetch=1 arguments: x-stream-offset=8s
> longer-ago gets 3 @3
consume s all prefetch=1 arguments: x-stream-offset=1h
> all gets 0 @0
consume s none prefetch=1 arguments: x-stream-offset=0s
consume s future prefetch=1 arguments: x-stream-offset=t:99999999999
consume s long-ago prefetch=1 arguments: x-stream-offset=t:1
> long-ago gets 0 @0
consume s x prefetch=1 arguments: x-stream-offset=soon
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"soon">>}}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-offset=5w
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{longstr,<<"5w">>}}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-offset=true
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{unacceptable_type,bool}}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-offset=d:1
> invalid arg 'x-stream-offset' for queue 's' in vhost '/': {invalid_stream_offset_arg,{unacceptable_type,double}}
> ERR_INVALID
