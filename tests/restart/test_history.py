#!/usr/bin/env python3
# Tests of the history checker: good histories pass, each bad one is rejected by its name.
"""Histories here are written by hand; time is what the test says it is."""
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import history  # noqa: E402


class Story:
    """A history with a clock of its own: each event comes a millisecond behind the last."""

    def __init__(self):
        self.now = 0.0
        self.history = history.History(self.clock)
        self.history.start()
        self.session = 0

    def clock(self):
        self.now += 0.001
        return self.now

    def publish(self, sequence, queues=("q",), publisher=1, confirmed=True, transaction=None):
        self.history.publish((publisher, sequence), queues, transaction)
        if confirmed:
            self.history.confirm((publisher, sequence))

    def consume(self, *sequences, queue="q", publisher=1, marked=False, acked=True):
        """A session that is delivered these."""
        self.session += 1
        self.history.consume(self.session, queue)
        for sequence in sequences:
            self.deliver(sequence, publisher, marked, acked)

    def deliver(self, sequence, publisher=1, marked=False, acked=True, intact=True):
        self.history.deliver(self.session, (publisher, sequence), marked, intact)
        if acked:
            self.history.ack(self.session, (publisher, sequence))

    def give_back(self, sequence, publisher=1, failure=False):
        self.history.give_back(self.session, (publisher, sequence), failure)

    def restart(self, is_kill=True, pause=10.0):
        """By default so late that everything before is safe."""
        self.now += pause
        self.history.end(is_kill)
        self.history.start()

    def names(self):
        return [violation.name for violation in history.check(self.history)]


class Good(unittest.TestCase):
    def setUp(self):
        self.story = Story()

    def tearDown(self):
        self.assertEqual(self.story.names(), [])

    def test_what_is_given_back_comes_again_before_or_behind_others(self):
        for sequence in (1, 2, 3):
            self.story.publish(sequence)
        self.story.consume(1, 2, acked=False)
        self.story.give_back(1)
        self.story.deliver(1, marked=True)
        self.story.deliver(3)
        self.story.give_back(2)
        self.story.deliver(2, marked=True)

    def test_what_is_given_back_is_counted(self):
        self.story.publish(1)
        self.story.consume()
        history_of = self.story.history
        for failure, counts in ((False, (0, 0)), (True, (0, 1)), (False, (1, 2))):
            history_of.deliver(1, (1, 1), counts != (0, 0), counts=counts)
            self.story.give_back(1, failure=failure)
        history_of.deliver(1, (1, 1), True, counts=(1, 3))

    def test_a_queue_with_priorities_keeps_the_order_of_each(self):
        for sequence, priority in ((1, 0), (2, 3), (3, 0), (4, 3)):
            self.story.history.publish((1, sequence), ("q",), priority=priority)
        self.story.history.consume(1, "q", True)
        self.story.session = 1
        for sequence in (2, 4, 1, 3):
            self.story.deliver(sequence)

    def test_nothing_at_all(self):
        pass

    def test_all_that_was_published_comes_out_in_order(self):
        for sequence in (1, 2, 3):
            self.story.publish(sequence)
        self.story.consume(1, 2, 3)

    def test_an_unconfirmed_message_may_come_or_not(self):
        self.story.publish(1, confirmed=False)
        self.story.publish(2, confirmed=False)
        self.story.consume(2)

    def test_a_rejected_message_need_not_come(self):
        self.story.history.publish((1, 1), ("q",))
        self.story.history.confirm((1, 1), is_ack=False)

    def test_unacked_messages_come_again_with_the_mark(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.restart()
        self.story.consume(1, marked=True)

    def test_a_message_may_be_marked_when_its_delivery_was_lost_with_the_broker(self):
        self.story.publish(1)
        self.story.restart()
        self.story.consume(1, marked=True)

    def test_a_message_may_be_marked_when_an_earlier_session_can_have_had_it(self):
        self.story.consume()
        self.story.publish(1)
        self.story.consume(1, marked=True)

    def test_an_ack_just_before_the_kill_may_be_lost(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.restart(pause=0.0)
        self.story.consume(1, marked=True)

    def test_an_ack_just_before_a_stop_may_come_too_late(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.restart(is_kill=False, pause=0.0)
        self.story.consume(1, marked=True)

    def test_each_publisher_has_an_order_of_its_own(self):
        self.story.publish(1, publisher=1)
        self.story.publish(1, publisher=2)
        self.story.publish(2, publisher=1)
        self.story.consume()
        self.story.deliver(1, publisher=2)
        self.story.deliver(1, publisher=1)
        self.story.deliver(2, publisher=1)

    def test_requeued_messages_go_before_later_ones_in_the_next_session(self):
        for sequence in (1, 2, 3):
            self.story.publish(sequence)
        self.story.consume(1, 2, acked=False)
        self.story.consume(1, 2, marked=True)
        self.story.deliver(3)

    def test_a_message_of_many_queues_comes_from_each(self):
        self.story.publish(1, queues=("q", "r"))
        self.story.consume(1, queue="q")
        self.story.consume(1, queue="r")

    def test_an_uncommitted_transaction_may_come_whole_or_not(self):
        self.story.publish(1, confirmed=False, transaction=7)
        self.story.publish(2, confirmed=False, transaction=7, queues=("q", "r"))
        self.story.publish(3, confirmed=False, transaction=8)
        self.story.consume(1, 2)
        self.story.consume(2, queue="r")

    def test_an_uncommitted_transaction_may_be_seen_before_it_is_safe(self):
        self.story.publish(1, confirmed=False, transaction=7)
        self.story.publish(2, confirmed=False, transaction=7)
        self.story.consume(1)
        self.story.restart()

    def test_definitions_are_kept_and_unsure_ones_may_be_either(self):
        h = self.story.history
        h.define("queue a")
        h.define("queue b")
        h.undefine("queue b")
        h.unsure("queue c")
        h.define("queue d")
        h.unsure("queue d")
        self.story.restart()
        h.found("queue a", True)
        h.found("queue b", False)
        h.found("queue c", True)
        h.found("queue d", False)
        self.story.restart()
        h.found("queue c", True)


class Bad(unittest.TestCase):
    def setUp(self):
        self.story = Story()

    def rejected(self, *names):
        self.assertEqual(self.story.names(), list(names))

    def test_a_confirmed_message_that_never_comes(self):
        self.story.publish(1)
        self.rejected("lost")

    def test_a_confirmed_message_that_never_comes_behind_others_that_do(self):
        for sequence in (1, 2, 3):
            self.story.publish(sequence)
        self.story.consume(1, 3)
        self.rejected("lost")

    def test_a_confirmed_message_that_is_missing_in_one_of_its_queues(self):
        self.story.publish(1, queues=("q", "r"))
        self.story.consume(1, queue="q")
        self.rejected("lost")

    def test_a_message_lost_by_the_kill(self):
        self.story.publish(1)
        self.story.restart()
        self.story.consume()
        self.rejected("lost")

    def test_a_message_that_comes_again_more_often_than_it_was_given_back(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.give_back(1)
        self.story.deliver(1, marked=True, acked=False)
        self.story.deliver(1, marked=True)
        self.rejected("duplicated")

    def test_a_message_that_was_given_back_without_being_counted(self):
        self.story.publish(1)
        self.story.consume()
        self.story.history.deliver(1, (1, 1), counts=(0, 0))
        self.story.give_back(1, failure=True)
        self.story.history.deliver(1, (1, 1), True, counts=(0, 1))
        self.rejected("uncounted")

    def test_a_disorder_within_a_priority(self):
        for sequence in (1, 2):
            self.story.history.publish((1, sequence), ("q",), priority=2)
        self.story.history.consume(1, "q", True)
        self.story.session = 1
        self.story.deliver(2)
        self.story.deliver(1)
        self.rejected("reordered")

    def test_a_message_that_nobody_published(self):
        self.story.consume(7)
        self.rejected("unexpected")

    def test_a_message_that_comes_before_it_is_published(self):
        self.story.consume(1)
        self.story.publish(1)
        self.rejected("unexpected", "lost")

    def test_a_confirm_of_nothing(self):
        self.story.history.confirm((1, 1))
        self.rejected("unconfirmable")

    def test_two_confirms_of_one_message(self):
        self.story.publish(1)
        self.story.history.confirm((1, 1))
        self.story.consume(1)
        self.rejected("unconfirmable")

    def test_a_nack_behind_a_confirm(self):
        self.story.publish(1)
        self.story.history.confirm((1, 1), is_ack=False)
        self.story.consume(1)
        self.rejected("unconfirmable")

    def test_a_message_from_another_queue(self):
        self.story.publish(1, queues=("q",), confirmed=False)
        self.story.consume(1, queue="r")
        self.rejected("misrouted")

    def test_a_message_that_changed_on_the_way(self):
        self.story.publish(1, confirmed=False)
        self.story.consume()
        self.story.deliver(1, intact=False)
        self.rejected("altered")

    def test_a_message_that_changed_counts_as_lost(self):
        self.story.publish(1)
        self.story.consume()
        self.story.deliver(1, intact=False)
        self.rejected("altered", "lost")

    def test_a_message_twice_in_a_session(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.deliver(1, marked=True)
        self.rejected("duplicated")

    def test_a_message_twice_in_a_session_without_the_mark(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.deliver(1)
        self.rejected("duplicated", "unmarked")

    def test_messages_out_of_order(self):
        self.story.publish(1)
        self.story.publish(2)
        self.story.consume(2, 1)
        self.rejected("reordered")

    def test_one_message_behind_many_later_ones(self):
        for sequence in range(1, 6):
            self.story.publish(sequence)
        self.story.consume(2, 3, 4, 5, 1)
        self.rejected("reordered")

    def test_messages_out_of_order_behind_a_restart(self):
        self.story.publish(1)
        self.story.publish(2)
        self.story.restart()
        self.story.consume(2, 1, marked=True)
        self.rejected("reordered")

    def test_a_redelivery_without_the_mark(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.consume(1)
        self.rejected("unmarked")

    def test_a_redelivery_behind_a_restart_without_the_mark(self):
        self.story.publish(1)
        self.story.consume(1, acked=False)
        self.story.restart()
        self.story.consume(1)
        self.rejected("unmarked")

    def test_a_mark_on_a_message_that_nobody_had(self):
        self.story.publish(1)
        self.story.consume(1, marked=True)
        self.rejected("marked")

    def test_an_acked_message_in_the_same_life(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.consume(1, marked=True)
        self.rejected("resurrected")

    def test_an_acked_message_long_before_the_kill(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.restart()
        self.story.consume(1, marked=True)
        self.rejected("resurrected")

    def test_an_acked_message_long_before_a_stop_in_order(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.restart(is_kill=False)
        self.story.consume(1, marked=True)
        self.rejected("resurrected")

    def test_an_acked_message_two_kills_later(self):
        self.story.publish(1)
        self.story.consume(1)
        self.story.restart(pause=10.0)
        self.story.restart(pause=0.0)
        self.story.consume(1, marked=True)
        self.rejected("resurrected")

    def test_a_part_of_an_uncommitted_transaction(self):
        self.story.publish(1, confirmed=False, transaction=7)
        self.story.publish(2, confirmed=False, transaction=7)
        self.story.consume(2)
        self.rejected("torn")

    def test_an_uncommitted_transaction_in_one_of_its_queues(self):
        self.story.publish(1, confirmed=False, transaction=7, queues=("q", "r"))
        self.story.consume(1)
        self.rejected("torn")

    def test_a_part_of_an_uncommitted_transaction_behind_a_restart(self):
        self.story.publish(1, confirmed=False, transaction=7)
        self.story.publish(2, confirmed=False, transaction=7)
        self.story.consume(1, acked=False)
        self.story.restart()
        self.story.consume(1, marked=True)
        self.rejected("torn")

    def test_a_part_of_a_committed_transaction(self):
        self.story.publish(1, transaction=7)
        self.story.publish(2, transaction=7)
        self.story.consume(2)
        self.rejected("lost", "torn")

    def test_a_definition_that_is_gone(self):
        self.story.history.define("queue a")
        self.story.restart()
        self.story.history.found("queue a", False)
        self.rejected("forgotten")

    def test_a_definition_that_is_gone_two_restarts_later(self):
        self.story.history.define("queue a")
        self.story.restart()
        self.story.history.found("queue a", True)
        self.story.restart()
        self.story.history.found("queue a", False)
        self.rejected("forgotten")

    def test_a_deleted_definition_that_is_there(self):
        self.story.history.define("queue a")
        self.story.history.undefine("queue a")
        self.story.restart()
        self.story.history.found("queue a", True)
        self.rejected("undead")

    def test_an_unsure_definition_that_was_there_and_is_gone(self):
        self.story.history.unsure("queue a")
        self.story.restart()
        self.story.history.found("queue a", True)
        self.story.restart()
        self.story.history.found("queue a", False)
        self.rejected("forgotten")


class Bodies(unittest.TestCase):
    def test_a_body_tells_its_message(self):
        for size in (0, 40, 5000):
            body = history.make_body(42, (3, 17), size)
            self.assertEqual(history.read_body(42, body), ((3, 17), True))
            self.assertGreaterEqual(len(body), size)

    def test_every_changed_byte_is_seen(self):
        body = bytearray(history.make_body(42, (3, 17), 60))
        for place in range(len(body)):
            changed = bytes(body[:place]) + bytes([body[place] ^ 1]) + bytes(body[place + 1:])
            self.assertFalse(history.read_body(42, changed)[1], place)

    def test_a_cut_body_is_seen(self):
        body = history.make_body(42, (3, 17), 60)
        for size in range(len(body)):
            self.assertFalse(history.read_body(42, body[:size])[1], size)

    def test_a_body_of_another_run_is_seen(self):
        self.assertEqual(history.read_body(43, history.make_body(42, (3, 17), 60)), (None, False))


if __name__ == "__main__":
    unittest.main()
