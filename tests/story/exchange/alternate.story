# What matches nothing goes to the alternate exchange, as soon as there is one.

exchange orders direct alternate-exchange=unrouted
queue eu
queue lost
bind orders eu eu
publish orders us
> to nothing
exchange unrouted fanout
bind unrouted lost -
publish orders us
> to lost
publish orders eu
> to eu

# Extra keys (CC, BCC): one that matches is enough.
publish orders us|eu
> to eu

# Another alternate exchange is another exchange.
exchange orders direct alternate-exchange=elsewhere
> inequivalent alternate-exchange: received 'elsewhere', current 'unrouted'
exchange orders direct
> inequivalent alternate-exchange: received '', current 'unrouted'
exchange orders topic alternate-exchange=unrouted
> inequivalent type: received 'topic', current 'direct'

# Chains may come back to where they began.
exchange a direct alternate-exchange=b
exchange b direct alternate-exchange=a
publish a k
> to nothing
