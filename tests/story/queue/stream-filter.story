# A consumer of a stream gets what it wants, and nothing else.

queue s x-queue-type=stream
publish s e1 key=eu.de.new headers: x-stream-filter-value=eu
publish s u1 key=us.ny.new headers: x-stream-filter-value=us
publish s n1 key=none
publish s e2 key=eu.fr.old headers: x-stream-filter-value=eu
publish s z1 key=eu headers: x-stream-filter-value=5
consume s eu prefetch=9 arguments: x-stream-offset=first x-stream-filter=eu
> eu gets e1 @0
> eu gets e2 @3
consume s both prefetch=9 arguments: x-stream-offset=first x-stream-filter=[us,eu]
> both gets e1 @0
> both gets u1 @1
> both gets e2 @3
consume s open prefetch=9 arguments: x-stream-offset=first x-stream-filter=us x-stream-match-unfiltered=true
> open gets u1 @1
> open gets n1 @2
> open gets z1 @4
consume s keys prefetch=9 arguments: x-stream-offset=first x-stream-filter-key=eu.#
> keys gets e1 @0
> keys gets e2 @3
> keys gets z1 @4
consume s words prefetch=9 arguments: x-stream-offset=first x-stream-filter-key=[*.*.new,none]
> words gets e1 @0
> words gets u1 @1
> words gets n1 @2
consume s narrow prefetch=9 arguments: x-stream-offset=first x-stream-filter-key=#.new x-stream-filter=eu
> narrow gets e1 @0
publish s e3 key=eu.it.new headers: x-stream-filter-value=eu
> eu gets e3 @5
> both gets e3 @5
> keys gets e3 @5
> words gets e3 @5
> narrow gets e3 @5
consume s x prefetch=1 arguments: x-stream-filter=5
> invalid arg 'x-stream-filter' for queue 's' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-filter=[a,5]
> invalid arg 'x-stream-filter' for queue 's' in vhost '/': {unacceptable_type,long}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-filter-key=true
> invalid arg 'x-stream-filter-key' for queue 's' in vhost '/': {unacceptable_type,bool}
> ERR_INVALID
consume s x prefetch=1 arguments: x-stream-match-unfiltered=yes
> invalid arg 'x-stream-match-unfiltered' for queue 's' in vhost '/': {unacceptable_type,longstr}
> ERR_INVALID
