# Arguments that are wrong, and redeclarations.

queue q x-message-ttl=-1
> invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue q x-message-ttl=abc
> invalid arg 'x-message-ttl' for queue 'q' in vhost '/': "expected integer, got longstr"
> ERR_INVALID
queue q x-message-ttl=315360000001
> invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_too_large,315360000001}
> ERR_INVALID
queue q x-expires=0
> invalid arg 'x-expires' for queue 'q' in vhost '/': {value_zero,0}
> ERR_INVALID
queue q x-expires=-5
> invalid arg 'x-expires' for queue 'q' in vhost '/': {value_negative,-5}
> ERR_INVALID
queue q x-max-length=-1
> invalid arg 'x-max-length' for queue 'q' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue q x-max-length-bytes=true
> invalid arg 'x-max-length-bytes' for queue 'q' in vhost '/': "expected integer, got bool"
> ERR_INVALID
queue q x-overflow=drop-tail
> invalid arg 'x-overflow' for queue 'q' in vhost '/': invalid_overflow
> ERR_INVALID
queue q x-overflow=5
> invalid arg 'x-overflow' for queue 'q' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
queue q x-dead-letter-exchange=1
> invalid arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
queue q x-dead-letter-routing-key=k
> invalid arg 'x-dead-letter-routing-key' for queue 'q' in vhost '/': routing_key_but_no_dlx_defined
> ERR_INVALID
queue q x-dead-letter-strategy=often
> invalid arg 'x-dead-letter-strategy' for queue 'q' in vhost '/': invalid_dlx_strategy
> ERR_INVALID
queue q x-max-priority=256
> invalid arg 'x-max-priority' for queue 'q' in vhost '/': {max_value_exceeded,256}
> ERR_INVALID
queue q x-max-priority=-1
> invalid arg 'x-max-priority' for queue 'q' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue q x-single-active-consumer=yes
> invalid arg 'x-single-active-consumer' for queue 'q' in vhost '/': {unacceptable_type,longstr}
> ERR_INVALID
queue q x-delivery-limit=many
> invalid arg 'x-delivery-limit' for queue 'q' in vhost '/': "expected integer, got longstr"
> ERR_INVALID
queue q x-consumer-timeout=-1
> invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/': {value_negative,-1}
> ERR_INVALID
queue q x-queue-type=magic
> invalid arg 'x-queue-type' for queue 'q' in vhost '/': "unsupported queue type 'magic'"
> ERR_INVALID
queue q x-queue-mode=fast
> invalid arg 'x-queue-mode' for queue 'q' in vhost '/': "unsupported queue mode 'fast'"
> ERR_INVALID
queue q x-queue-version=0
> invalid arg 'x-queue-version' for queue 'q' in vhost '/': {value_zero,0}
> ERR_INVALID
queue q x-queue-leader-locator=here
> invalid arg 'x-queue-leader-locator' for queue 'q' in vhost '/': invalid_queue_locator_arg
> ERR_INVALID
queue q x-queue-mode=lazy x-queue-version=2 x-queue-leader-locator=balanced x-something=else
queue q x-something=other
queue q x-queue-type=classic
queue q x-message-ttl=5
> inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received the value '5' of type 'long' but current is none
> ERR_EXISTS
queue t x-message-ttl=60000 x-max-priority=3
queue t x-message-ttl=i:60000 x-max-priority=3
queue t x-message-ttl=60001 x-max-priority=3
> inequivalent arg 'x-message-ttl' for queue 't' in vhost '/': received '60001' but current is '60000'
> ERR_EXISTS
queue t x-message-ttl=60000
> inequivalent arg 'x-max-priority' for queue 't' in vhost '/': received none but current is the value '3' of type 'long'
> ERR_EXISTS
queue t x-message-ttl=60000 x-max-priority=3 x-queue-type=quorum
> inequivalent arg 'x-queue-type' for queue 't' in vhost '/': received the value 'quorum' of type 'longstr' but current is none
> ERR_EXISTS

# Names that are sent must fit.
queue u x-dead-letter-exchange= x-dead-letter-routing-key=kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
queue v x-dead-letter-exchange= x-dead-letter-routing-key=kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
> invalid arg 'x-dead-letter-routing-key' for queue 'v' in vhost '/': {value_too_long,256}
> ERR_INVALID
queue v x-dead-letter-exchange=kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
> invalid arg 'x-dead-letter-exchange' for queue 'v' in vhost '/': {value_too_long,256}
> ERR_INVALID
