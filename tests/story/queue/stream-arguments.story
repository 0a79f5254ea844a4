# Arguments of streams.

queue s x-queue-type=stream x-max-age=7D x-max-length-bytes=1000000 x-stream-max-segment-size-bytes=50000 x-stream-filter-size-bytes=16 x-initial-cluster-size=3 x-queue-leader-locator=balanced x-compact=true x-tombstone-age=60000 x-something=else
queue s x-queue-type=stream x-max-age=8D
> inequivalent arg 'x-max-length-bytes' for queue 's' in vhost '/': received none but current is the value '1000000' of type 'long'
> ERR_EXISTS
queue t x-queue-type=stream x-max-age=7W
> invalid arg 'x-max-age' for queue 't' in vhost '/': invalid_max_age
> ERR_INVALID
queue t x-queue-type=stream x-max-age=7
> invalid arg 'x-max-age' for queue 't' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
queue t x-queue-type=stream x-max-length-bytes=-1
> invalid arg 'x-max-length-bytes' for queue 't' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue t x-queue-type=stream x-stream-max-segment-size-bytes=0
> invalid arg 'x-stream-max-segment-size-bytes' for queue 't' in vhost '/': {value_zero,0}
> ERR_INVALID
queue t x-queue-type=stream x-stream-max-segment-size-bytes=3000000001
> invalid arg 'x-stream-max-segment-size-bytes' for queue 't' in vhost '/': {max_value_exceeded,3000000001}
> ERR_INVALID
queue t x-queue-type=stream x-stream-filter-size-bytes=15
> invalid arg 'x-stream-filter-size-bytes' for queue 't' in vhost '/': {value_out_of_range,15,16,255}
> ERR_INVALID
queue t x-queue-type=stream x-initial-cluster-size=0
> invalid arg 'x-initial-cluster-size' for queue 't' in vhost '/': {value_zero,0}
> ERR_INVALID
queue t x-queue-type=stream x-partitions=0
> invalid arg 'x-partitions' for queue 't' in vhost '/': {value_zero,0}
> ERR_INVALID
queue t x-queue-type=stream x-partitions=1025
> invalid arg 'x-partitions' for queue 't' in vhost '/': {max_value_exceeded,1025}
> ERR_INVALID
queue t x-queue-type=stream x-partitions=many
> invalid arg 'x-partitions' for queue 't' in vhost '/': "expected integer, got longstr"
> ERR_INVALID
queue t x-queue-type=stream x-compact=1
> invalid arg 'x-compact' for queue 't' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
queue t x-queue-type=stream x-tombstone-age=soon
> invalid arg 'x-tombstone-age' for queue 't' in vhost '/': invalid_tombstone_age
> ERR_INVALID
queue t x-queue-type=stream x-tombstone-age=-1
> invalid arg 'x-tombstone-age' for queue 't' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue t x-queue-type=stream x-max-priority=3
> invalid arg 'x-max-priority' for queue 't' in vhost '/' of queue type rabbit_stream_queue
> ERR_INVALID
queue t x-queue-type=stream x-message-ttl=3
> invalid arg 'x-message-ttl' for queue 't' in vhost '/' of queue type rabbit_stream_queue
> ERR_INVALID
queue t x-queue-type=stream x-dead-letter-exchange=x
> invalid arg 'x-dead-letter-exchange' for queue 't' in vhost '/' of queue type rabbit_stream_queue
> ERR_INVALID
queue t x-queue-type=stream x-single-active-consumer=true
> invalid arg 'x-single-active-consumer' for queue 't' in vhost '/' of queue type rabbit_stream_queue
> ERR_INVALID
queue t x-partitions=3
> invalid arg 'x-partitions' for queue 't' in vhost '/' of queue type rabbit_classic_queue
> ERR_INVALID
queue t x-queue-type=quorum x-compact=true
> invalid arg 'x-compact' for queue 't' in vhost '/' of queue type rabbit_quorum_queue
> ERR_INVALID
