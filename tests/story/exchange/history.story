# The last messages are kept; a new binding's queue is to get them, oldest first.

exchange talk x-recent-history x-recent-history-length=3
keep talk 101
keep talk 102
keep talk 103
keep talk 104
> let go 1, last 101
kept talk
> 102
> 103
> 104
exchange bad x-recent-history x-recent-history-length=0
> ERR_INVALID Invalid argument, 'x-recent-history-length' must be a positive integer
queue late
bind talk late -
publish talk k
> to late
delete talk if-unused
> ERR_BUSY
delete talk
> unbound 1
> deleted 1, last talk
> let go 3, last 104
