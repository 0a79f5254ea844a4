# What clients saw of a broker that was killed and restarted, and whether it kept its word.
"""A History is what happened, in order, as clients saw it; check() finds what must not have.

A *message* is (publisher, sequence). A *session* is one consumer of one queue, from basic.consume
to the end of its connection. A *life* is the time from one start of the broker to its end.

Names of violations, each with the rule it breaks:

    lost          a confirmed message comes out of every queue it was routed to, or was rejected
    unexpected    what comes out was published before
    unconfirmable what is confirmed was published before, and is confirmed once
    misrouted     a message comes out of no other queue
    altered       it comes out byte by byte as it went in
    duplicated    it is delivered once in a session, and once more for each time it is given back
    reordered     in a session, messages of one publisher come in the order of their publishing (of
                  one priority, if the queue has some), but for those that were given back
    uncounted     what a session has given back to a queue that counts says how often it was had,
                  and how often it was rejected
    unmarked      a message that was delivered before is marked as redelivered
    marked        one that cannot have been delivered before is not
    resurrected   an acked message does not come again, unless the broker ended just then
    torn          of a transaction all messages come out, or none, or only some before the broker
                  ended and none after that: consumers may see what is not safe yet
    forgotten     what was declared and answered is there after a restart
    undead        what was deleted and answered is not
"""
import collections
import zlib

RESURRECTION_WINDOW_S = 2.0


class Violation:
    def __init__(self, name, text):
        self.name, self.text = name, text

    def __repr__(self):
        return f"{self.name}: {self.text}"


class Event:
    def __init__(self, kind, at, values):
        self.kind, self.at = kind, at
        self.__dict__.update(values)

    def __repr__(self):
        fields = {k: v for k, v in self.__dict__.items() if k not in ("kind", "at")}
        return f"{self.at:.6f} {self.kind} {fields}"


class History:
    """Events in the order in which clients saw them. `clock` gives seconds."""

    def __init__(self, clock):
        self.clock = clock
        self.events = []

    def add(self, kind, at=None, **values):
        """Appending to a list is whole, so threads may do it at once."""
        self.events.append(Event(kind, self.clock() if at is None else at, values))

    # the kinds there are, so that a typing error is one
    def start(self, **values):
        self.add("start", **values)

    def end(self, is_kill, **values):
        self.add("end", is_kill=is_kill, **values)

    def publish(self, message, queues, transaction=None, priority=0, **values):
        self.add("publish", message=message, queues=tuple(queues), transaction=transaction,
                 priority=priority, **values)

    def confirm(self, message, is_ack=True, **values):
        self.add("confirm", message=message, is_ack=is_ack, **values)

    def consume(self, session, queue, has_priorities=False, **values):
        self.add("consume", session=session, queue=queue, has_priorities=has_priorities, **values)

    def deliver(self, session, message, is_redelivered=False, is_intact=True, counts=None,
                **values):
        """`counts`: (rejected, had) before, of a queue that counts."""
        self.add("deliver", session=session, message=message, is_redelivered=is_redelivered,
                 is_intact=is_intact, counts=counts, **values)

    def give_back(self, session, message, is_failure=False, **values):
        """It is requeued; by a rejection, which counts as a failure."""
        self.add("give_back", session=session, message=message, is_failure=is_failure, **values)

    def ack(self, session, message, **values):
        self.add("ack", session=session, message=message, **values)

    def define(self, name, **values):
        """`name` was declared, and the answer came."""
        self.add("define", name=name, **values)

    def undefine(self, name, **values):
        """`name` was deleted, and the answer came."""
        self.add("undefine", name=name, **values)

    def unsure(self, name, **values):
        """`name` is declared or deleted, and the answer has not come yet."""
        self.add("unsure", name=name, **values)

    def found(self, name, is_there, **values):
        """After a start somebody looked for `name`."""
        self.add("found", name=name, is_there=is_there, **values)


class Checker:
    """One pass over the events. Facts are kept by message and queue."""

    def __init__(self):
        self.violations = []
        self.life = 0
        self.life_end = {}  # life: when
        self.published = {}  # message: (life, queues)
        self.priority = {}  # message: of those that are published
        self.settled = {}  # message: was it an ack
        self.sessions = {}  # session: (queue, life)
        self.has_priorities = {}  # session: of its queue
        self.delivered = collections.defaultdict(list)  # (queue, message): sessions
        self.last_ack = {}  # (queue, message): (when, life)
        self.last_sequence = {}  # (session, publisher, priority): sequence
        self.session_has = collections.defaultdict(set)  # session: messages
        self.given_back = {}  # (session, message): the counts that it must come with, or None
        self.came_with = {}  # (session, message): counts
        self.transactions = collections.defaultdict(list)  # of each, (queue, message)
        self.exists = {}  # name of a definition: True, False; not there: unsure

    def violate(self, name, text):
        self.violations.append(Violation(name, text))

    def run(self, events):
        for event in events:
            getattr(self, "on_" + event.kind)(event)
        for message, is_ack in self.settled.items():
            for queue in self.published[message][1] if is_ack and message in self.published else ():
                if not self.delivered[queue, message]:
                    self.violate("lost", f"{message} was confirmed and never came out of {queue}")
        self.check_transactions()
        return self.violations

    def check_transactions(self):
        for transaction, parts in self.transactions.items():
            there = [part for part in parts if self.delivered[part]]
            lives = {self.sessions[session][1] for part in there
                     for session in self.delivered[part]}
            is_unsafe = lives == {self.published[parts[0][1]][0]} and lives <= set(self.life_end)
            if there and len(there) < len(parts) and not is_unsafe:
                self.violate("torn", f"of transaction {transaction} {len(there)} of {len(parts)} "
                                     f"messages came out")

    def on_start(self, _):
        self.life += 1

    def on_end(self, event):
        self.life_end[self.life] = event.at

    def on_publish(self, event):
        self.published[event.message] = self.life, event.queues
        self.priority[event.message] = event.priority
        if event.transaction is not None:
            self.transactions[event.transaction] += [(queue, event.message)
                                                     for queue in event.queues]

    def on_confirm(self, event):
        if event.message not in self.published:
            self.violate("unconfirmable", f"{event.message} was confirmed and never published")
        elif event.message in self.settled:
            self.violate("unconfirmable", f"{event.message} was confirmed twice")
        self.settled[event.message] = event.is_ack

    def on_consume(self, event):
        self.sessions[event.session] = event.queue, self.life
        self.has_priorities[event.session] = event.has_priorities

    def on_deliver(self, event):
        queue, _ = self.sessions[event.session]
        message = event.message
        if not event.is_intact:
            return self.violate("altered", f"{message} from {queue} is not what was published")
        if message not in self.published:
            return self.violate("unexpected", f"{message} came from {queue}, never published")
        if queue not in self.published[message][1]:
            return self.violate("misrouted", f"{message} came from {queue}")
        self.check_session(event, queue)
        self.check_mark(event, queue)
        self.check_ack(event, queue)
        self.delivered[queue, message].append(event.session)
        return None

    def check_session(self, event, queue):
        publisher, sequence = event.message
        if event.message in self.session_has[event.session]:
            self.violate("duplicated", f"{event.message} twice in session {event.session} of "
                                       f"{queue}")
            return
        self.session_has[event.session].add(event.message)
        self.came_with[event.session, event.message] = event.counts
        if (event.session, event.message) in self.given_back:
            wanted = self.given_back.pop((event.session, event.message))
            if wanted is not None and wanted != event.counts:
                self.violate("uncounted", f"{event.message} came from {queue} again with "
                                          f"{event.counts} instead of {wanted}")
            return
        line = (event.session, publisher,
                self.has_priorities[event.session] and self.priority[event.message])
        last = self.last_sequence.get(line, -1)
        if sequence < last:
            self.violate("reordered", f"{event.message} behind {last} in session {event.session} "
                                      f"of {queue}")
        self.last_sequence[line] = max(last, sequence)

    def check_mark(self, event, queue):
        before = self.delivered[queue, event.message]
        if before and not event.is_redelivered:
            self.violate("unmarked", f"{event.message} came from {queue} again without the mark")
        is_first = not any(owner == queue and life == self.life and session != event.session
                           for session, (owner, life) in self.sessions.items())
        if not before and event.is_redelivered and is_first and \
                self.published[event.message][0] == self.life:
            self.violate("marked", f"{event.message} came from {queue} with the mark, and nobody "
                                   f"can have had it")

    def check_ack(self, event, queue):
        if (queue, event.message) not in self.last_ack:
            return
        when, life = self.last_ack[queue, event.message]
        end = self.life_end.get(life)
        if end is None or when < end - RESURRECTION_WINDOW_S:
            self.violate("resurrected", f"{event.message} came from {queue} again, acked "
                                        f"{(end or event.at) - when:.3f} s before the end")

    def on_give_back(self, event):
        key = event.session, event.message
        counts = self.came_with.get(key)
        self.session_has[event.session].discard(event.message)
        self.given_back[key] = counts and (counts[0] + event.is_failure, counts[1] + 1)

    def on_ack(self, event):
        queue, _ = self.sessions[event.session]
        self.last_ack[queue, event.message] = event.at, self.life

    def on_define(self, event):
        self.exists[event.name] = True

    def on_undefine(self, event):
        self.exists[event.name] = False

    def on_unsure(self, event):
        self.exists.pop(event.name, None)

    def on_found(self, event):
        known = self.exists.get(event.name)
        if known is True and not event.is_there:
            self.violate("forgotten", f"{event.name} was declared and is gone")
        elif known is False and event.is_there:
            self.violate("undead", f"{event.name} was deleted and is there")
        self.exists[event.name] = event.is_there


def check(history):
    """All violations, in the order in which they show."""
    return Checker().run(history.events)


# ---- bodies that prove themselves ----

def make_body(run, message, size):
    """A body that says which run and message it belongs to, and carries its own checksum."""
    publisher, sequence = message
    head = f"{run} {publisher} {sequence} ".encode()
    room = max(size - len(head) - 9, 0)
    filler = (head * (room // len(head) + 1))[:room]
    text = head + filler
    return text + b" %08x" % zlib.crc32(text)


def read_body(run, body):
    """(message, is it intact): the message is None when it cannot be told."""
    text, mark, checksum = body[:-9], body[-9:-8], body[-8:]
    parts = text.split(b" ", 3)
    if len(parts) < 4 or mark != b" " or parts[0] != str(run).encode():
        return None, False
    try:
        message = int(parts[1]), int(parts[2])
        is_intact = int(checksum, 16) == zlib.crc32(text)
    except ValueError:
        return None, False
    return message, is_intact
