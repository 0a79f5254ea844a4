# A star is one word, a hash any number of them, none included.

queue stars
queue logs
queue all
bind amq.topic stars *.critical
bind amq.topic logs log.#
bind amq.topic all #

publish amq.topic disk.critical
> to stars all
publish amq.topic log
> to logs all
publish amq.topic log.disk.critical
> to logs all
publish amq.topic log.critical
> to stars logs all
publish amq.topic -
> to all

# Three hashes are one too many.
bind amq.topic all #.a.#.b.#
> ERR_INVALID topic binding key has 3 words '#'; at most 2 are allowed

# A queue that goes takes its bindings along; those of others stay.
remove-queue logs
> unbound 1
publish amq.topic log.disk
> to all

# The same binding twice is one; unbinding it once is enough.
bind amq.topic stars *.critical
> ERR_EXISTS
unbind amq.topic stars *.critical
> unbound 1
unbind amq.topic stars *.critical
> ERR_NOT_FOUND
publish amq.topic disk.critical
> to all
