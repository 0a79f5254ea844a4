# The four modes of x-match, side by side.

queue all
queue any
queue all-x
queue any-x
bind amq.headers all - x-match=all format=pdf x-size=4
bind amq.headers any - x-match=any format=pdf x-size=4
bind amq.headers all-x - x-match=all-with-x format=pdf x-size=4
bind amq.headers any-x - x-match=any-with-x format=pdf x-size=4

publish amq.headers k format=pdf
> to all any any-x
publish amq.headers k x-size=4
> to any-x
publish amq.headers k format=pdf x-size=i:4
> to all any all-x any-x
publish amq.headers k format=zip x-size=5
> to nothing
publish amq.headers k
> to nothing

# Void asks only whether the header is there.
queue there
bind amq.headers there - trace=void
publish amq.headers k trace=anything
> to there
publish amq.headers k trace=void
> to there

bind amq.headers all - x-match=maybe
> ERR_INVALID Invalid x-match field value <<"maybe">>; expected all, any, all-with-x, or any-with-x
