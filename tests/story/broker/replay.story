# A queue is bound to an exchange that keeps a log: history comes first, then what is live, in one
# order, without a gap and without a message twice.

exchange orders topic x-log=true
queue audit
consume audit a prefetch=100
publish orders order.eu 1
publish orders order.us 2
publish orders order.eu 3
bind orders audit order.eu x-replay-from=first
> a gets 1 replayed
> a gets 3 replayed
publish orders order.eu 4
> a gets 4
publish orders order.us 5
replays
# It binds as any binding does: to do so again is nothing new.
bind orders audit order.eu x-replay-from=first
bind orders audit order.eu
publish orders order.eu 6
> a gets 6
ack a all
cancel a

# Publishers do not wait for the seam, nor the seam for them: what is published in the turn of the
# bind, and while the history is copied, is behind it.
queue late
consume late l no-ack
hold
publish orders x 7
bind orders late # x-replay-from=first
publish orders x 8
go
> l gets 1 replayed
> l gets 2 replayed
> l gets 3 replayed
> l gets 4 replayed
> l gets 5 replayed
> l gets 6 replayed
> l gets 7 replayed
> l gets 8
publish orders x 9
> l gets 9
cancel l

# What comes by another binding while a new queue gets its history waits for it, too.
queue held
hold
bind orders held # x-replay-from=first
publish - held direct
go
consume held h no-ack
> h gets 1 replayed
> h gets 2 replayed
> h gets 3 replayed
> h gets 4 replayed
> h gets 5 replayed
> h gets 6 replayed
> h gets 7 replayed
> h gets 8 replayed
> h gets 9 replayed
> h gets direct
cancel h

# A queue that has other bindings is in use, and one with a limit may have to say no: neither is
# held, and what comes by another way does not wait for the history. By this one nothing is missed.
# A transient queue that is empty can be held as others.
queue used
bind amq.topic used k
consume used u no-ack
queue limited x-max-length=100
consume limited m no-ack
transient-queue passing
consume passing t no-ack
hold
bind orders used order.* x-replay-from=first
bind orders limited order.* x-replay-from=first
bind orders passing order.* x-replay-from=first
publish amq.topic k live
publish - limited direct
publish orders order.eu 10
go
> u gets live
> u gets 1 replayed
> u gets 2 replayed
> u gets 3 replayed
> u gets 4 replayed
> u gets 5 replayed
> u gets 6 replayed
> u gets 10 replayed
> m gets direct
> m gets 1 replayed
> m gets 2 replayed
> m gets 3 replayed
> m gets 4 replayed
> m gets 5 replayed
> m gets 6 replayed
> m gets 10 replayed
> t gets 1 replayed
> t gets 2 replayed
> t gets 3 replayed
> t gets 4 replayed
> t gets 5 replayed
> t gets 6 replayed
> t gets 10
publish orders order.eu 11
> t gets 11
> u gets 11
> m gets 11

# An exchange in which nothing was published yet.
exchange empty topic x-log=true
queue new
bind empty new # x-replay-from=first
replays
publish empty x first
consume new n no-ack
> n gets first
cancel n

# An order of its own for each key is what a log with partitions has.
exchange parted topic x-log=true x-partitions=4
publish parted a a1
publish parted b b1
publish parted a a2
publish parted b b2
publish parted a a3
queue parts
bind parted parts a x-replay-from=first
publish parted a a4
consume parts p no-ack
> p gets a1 replayed
> p gets a2 replayed
> p gets a3 replayed
> p gets a4
cancel p
