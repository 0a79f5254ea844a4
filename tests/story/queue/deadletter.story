# Dead letters: where they go and what is written on them.

queue dlq
queue q x-dead-letter-exchange= x-dead-letter-routing-key=dlq
publish q m1 exchange=orders key=eu cc=a,b
consume q a
> a gets m1
reject a m1
consume dlq d prefetch=1
> d gets m1 deaths q/rejected/1
ack d m1

# Without a key of its own the message keeps its keys.
route dead dlq
queue k x-dead-letter-exchange=dead
publish k m2 key=x cc=y
consume k b
> b gets m2
reject b m2
> d gets m2 deaths k/rejected/1
ack d m2

# No place to go: dropped.
queue n x-dead-letter-exchange=nowhere
publish n m3
consume n c
> c gets m3
reject c m3
stats n
> ready 0 unacked 0 bytes 0 consumers 1 dead 1/0/0/0

# A ring: rejected goes round and is counted, expired is dropped when it comes back.
queue ring1 x-dead-letter-exchange= x-dead-letter-routing-key=ring2
queue ring2 x-dead-letter-exchange= x-dead-letter-routing-key=ring1
publish ring1 m4
consume ring1 r1
> r1 gets m4
consume ring2 r2
reject r1 m4
> r2 gets m4 deaths ring1/rejected/1
reject r2 m4
> r1 gets m4 deaths ring2/rejected/1,ring1/rejected/1
reject r1 m4
> r2 gets m4 deaths ring1/rejected/2,ring2/rejected/1
reject r2 m4
> r1 gets m4 deaths ring2/rejected/2,ring1/rejected/2
ack r1 m4
cancel r1
cancel r2
queue old1 x-message-ttl=5 x-dead-letter-exchange= x-dead-letter-routing-key=old2
queue old2 x-message-ttl=5 x-dead-letter-exchange= x-dead-letter-routing-key=old1
publish old1 m5
wait 100
stats old1
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/1/0/0
stats old2
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/1/0/0

# One turn round by rejection between: it may come back.
queue retry x-message-ttl=10 x-dead-letter-exchange= x-dead-letter-routing-key=work
queue work x-dead-letter-exchange= x-dead-letter-routing-key=retry
publish work m6
consume work w
> w gets m6
reject w m6
wait 20
> w gets m6 deaths retry/expired/1,work/rejected/1
reject w m6
wait 20
> w gets m6 deaths retry/expired/2,work/rejected/2
ack w m6

# Two targets are two messages.
queue e1
queue e2
route both e1,e2
queue f x-dead-letter-exchange=both
publish f m7
consume f g
> g gets m7
reject g m7
stats e1
> ready 1 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
stats e2
> ready 1 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
crash
stats f
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
stats e1
> ready 1 unacked 0 bytes 2 consumers 0 dead 0/0/0/0
stats e2
> ready 1 unacked 0 bytes 2 consumers 0 dead 0/0/0/0

# A target that refuses: dropped; with at-least-once kept and tried again.
queue full x-max-length=1 x-overflow=reject-publish
publish full first
queue amo x-dead-letter-exchange= x-dead-letter-routing-key=full
publish amo m8
consume amo h
> h gets m8
reject h m8
stats amo
> ready 0 unacked 0 bytes 0 consumers 1 dead 1/0/0/0
stats full
> ready 1 unacked 0 bytes 5 consumers 0 dead 0/0/0/0
queue alo x-dead-letter-exchange= x-dead-letter-routing-key=full x-dead-letter-strategy=at-least-once x-overflow=reject-publish
publish alo m9
consume alo i
> i gets m9
reject i m9
stats alo
> ready 0 unacked 0 bytes 0 consumers 1 dead 1/0/0/0
wait 3000
stats alo
> ready 0 unacked 0 bytes 0 consumers 1 dead 1/0/0/0
purge full
> purged 1
wait 3000
stats alo
> ready 0 unacked 0 bytes 0 consumers 1 dead 1/0/0/0
consume full j
> j gets m9 deaths alo/rejected/1
