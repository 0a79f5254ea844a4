# An exchange with a log: everything that comes through it is in the log, and nothing else changes.

exchange orders topic
queue eu
queue orders.log
log orders orders.log
bind orders eu eu.#
publish orders eu.1
> to eu orders.log
publish orders us.1
> to orders.log

# The log is no match: the alternate exchange gets what nobody else does.
exchange bills direct alternate-exchange=unrouted
exchange unrouted fanout
queue lost
queue bills.log
bind unrouted lost -
log bills bills.log
publish bills k
> to lost bills.log

# What comes through a binding from another exchange is in both logs, once in each.
exchange all fanout
queue all.log
log all all.log
bind all @orders -
bind all @bills -
publish all eu.2
> to eu orders.log lost bills.log all.log
bind all @orders again
publish all us.2
> to orders.log lost bills.log all.log

# A binding to the log from elsewhere does not double it.
bind orders all.log #
publish all eu.3
> to eu orders.log lost bills.log all.log
publish orders eu.3
> to eu orders.log all.log

# It does not keep the exchange, and goes its own way.
unbind orders all.log #
> unbound 1
exchange short direct
queue short.log
log short short.log
delete short if-unused
> deleted 1, last short
remove-queue orders.log
publish orders eu.4
> to eu
