# Exchanges bound in a ring: every queue once, and the walk ends.

exchange north fanout
exchange east topic
exchange south fanout
queue q
queue r
bind north @east #
bind east @south a.#
bind south @north -
bind north q -
bind south q -
bind south r -
publish north a.b
> to q r
publish north b
> to q
publish south b
> to q r

# An exchange with auto-delete goes with the last binding from it, and takes the one before along.
auto-exchange first fanout
auto-exchange second fanout
queue last
bind first @second -
bind second last -
publish first k
> to last
remove-queue last
> unbound 2
> deleted 2, last first
publish north a.b
> to q r
