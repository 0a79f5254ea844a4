# Queues that an exchange has for itself: where messages wait, and what knows the keys of those
# that came.

exchange later x-delayed-message x-delayed-type=direct
holder later waiting
queue work
bind later work k
publish later k
> to work
publish-delayed later k
> to waiting

# All that the exchange does happens when the message is due: its log, its alternate exchange.
queue later.log
log later later.log
publish-delayed later k
> to waiting
publish later k
> to work later.log

# What stands before a delayed exchange does not wait for it.
exchange all fanout
queue audit
bind all @later k
bind all audit -
publish-delayed all k
> to waiting audit
publish all k
> to work later.log audit

# An exchange that is not delayed knows no delay.
exchange now direct
bind now work k
publish-delayed now k
> to work

# A cache is told of what has a key, and is no match.
exchange once x-message-deduplication x-cache-size=10 alternate-exchange=other
exchange other fanout
queue rest
bind other rest -
cache once known
publish once k
> to rest
publish-keyed once k
> to rest known
bind once work -
publish-keyed once k
> to work known
