# Of a compacted stream the newest message of each key stays; offsets stay what they are.

queue s x-queue-type=stream x-compact=true
publish s a0 key=a
publish s b1 key=b
publish s a2 key=a
publish s c3 key=c
publish s a4 key=a
# Until it is compacted all of it is there.
consume s x prefetch=9 arguments: x-stream-offset=first
> x gets a0 @0
> x gets b1 @1
> x gets a2 @2
> x gets c3 @3
> x gets a4 @4
cancel x
# The sorter takes whole files: others fill this one up.
queue w
fill w 0 60 size=300
wait 10
fill w 0 60 size=300
wait 10
fill w 0 60 size=300
sort
wait 20000
consume s y prefetch=9 arguments: x-stream-offset=first
> y gets b1 @1
> y gets c3 @3
> y gets a4 @4
# What comes has the next offset, and is not compacted before it is seen.
publish s b5 key=b
> y gets b5 @5
cancel y
crash
consume s z prefetch=9 arguments: x-stream-offset=2
> z gets c3 @3
> z gets a4 @4
> z gets b5 @5
