# Messages that wait until they are due, in a holder; then they go where their exchange leads.

holder h
queue q
route x q
consume q c prefetch=10
publish h third exchange=x headers: x-delay=3000
publish h first exchange=x headers: x-delay=1000
publish h second exchange=x headers: x-delay=2000
publish h equal exchange=x headers: x-delay=2000
stats h
> ready 4 unacked 0 bytes 21 consumers 0 dead 0/0/0/0
wait 990
wait 10
> c gets first
wait 1000
> c gets second
> c gets equal
# The wall clock of the machine moves no delay, and fires nothing early or all at once.
publish h slow exchange=x headers: x-delay=60000
publish h quick exchange=x headers: x-delay=10000
jump 86400000
wait 10
jump -172800000
wait 900
wait 200
> c gets third
wait 8700
wait 300
> c gets quick
# They survive, and jumps before a clean stop are known after it.
ack c all
restart
consume q d prefetch=10
wait 48000
wait 2000
> d gets slow
publish h crashed exchange=x headers: x-delay=5000
crash
consume q e prefetch=10
> e gets slow again
# The log's clock, which does not go back, still stands: after a crash it is up to three seconds late.
wait 4900
wait 3200
> e gets crashed
ack e all
# A crash does not make the broker forget what it saw of a jump, whether the clock goes on or back.
jump 345600000
wait 1100
publish h ahead exchange=x headers: x-delay=6000
jump 86400000
wait 1100
crash
consume q f prefetch=10
wait 4700
wait 300
> f gets ahead
ack f all
publish h back exchange=x headers: x-delay=6000
jump -86400000
wait 1100
publish h behind exchange=x headers: x-delay=6000
crash
consume q g prefetch=10
wait 4700
wait 3600
> g gets back
wait 2500
> g gets behind
cancel g
# A full queue that refuses is waited for.
queue full x-max-length=1 x-overflow=reject-publish
route y full
publish h a exchange=y headers: x-delay=100
publish h b exchange=y headers: x-delay=200
wait 2000
stats full
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/0/0/0
stats h
> ready 1 unacked 0 bytes 1 consumers 0 dead 0/0/0/0
purge full
> purged 1
wait 2000
get full
> get gets b
> get: 0 left
# Due, and nowhere to go.
publish h nowhere exchange=z headers: x-delay=100
wait 200
stats h
> ready 0 unacked 0 bytes 0 consumers 0 dead 0/0/0/0
