# What is published again is there once: numbers of publishers, and keys of messages in a queue.

queue q
queue r
publish q,r one headers: x-publisher-id=p x-publish-seq=1
publish q three headers: x-publisher-id=p x-publish-seq=3
publish q again headers: x-publisher-id=p x-publish-seq=3
publish q,r late headers: x-publisher-id=p x-publish-seq=2
publish q other headers: x-publisher-id=o x-publish-seq=1
publish q plain
consume q c no-ack
> c gets one
> c gets three
> c gets other
> c gets plain
# Each queue has its own memory; consumed or not makes no difference.
consume r d no-ack
> d gets one
> d gets late
publish q,r one headers: x-publisher-id=p x-publish-seq=1
crash
consume q c2 no-ack
consume r d2 no-ack
publish q,r three headers: x-publisher-id=p x-publish-seq=3
> d2 gets three
restart
consume q c3 no-ack
publish q three headers: x-publisher-id=p x-publish-seq=3
publish q four headers: x-publisher-id=p x-publish-seq=4
> c3 gets four
# What is remembered for days does not go by a clock that jumps.
jump 864000000
publish q more headers: x-publisher-id=o x-publish-seq=2
> c3 gets more
publish q four headers: x-publisher-id=p x-publish-seq=4
publish q five headers: x-publisher-id=p x-publish-seq=5
> c3 gets five
# A queue that takes no duplicate of what is in it.
queue v x-message-deduplication=true
publish v a headers: x-deduplication-header=k1
publish v b headers: x-deduplication-header=k1
publish v c headers: x-deduplication-header=k2
publish v d
publish v e
stats v
> ready 4 unacked 0 bytes 4 consumers 0 dead 0/0/0/0
consume v w prefetch=1
> w gets a
# Unacked ones are in it; done with, they are not.
publish v f headers: x-deduplication-header=k1
ack w a
> w gets c
publish v g headers: x-deduplication-header=k1
stats v
> ready 3 unacked 1 bytes 3 consumers 1 dead 0/0/0/0
crash
publish v h headers: x-deduplication-header=k1
publish v i headers: x-deduplication-header=k2
stats v
> ready 4 unacked 0 bytes 4 consumers 0 dead 0/0/0/0
