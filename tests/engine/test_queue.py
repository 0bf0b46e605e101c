import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from explorer.engine.queue import Queue
from explorer.errors import QueueFull


def drain(queue: Queue) -> list[str]:
    """Serve everybody through one slot; the keys in the order of their turns."""
    served = [ticket.key for ticket in queue.running.values()]
    while True:
        for id in list(queue.running):
            queue.remove(id)
        ticket = queue.start()
        if ticket is None:
            return served
        served.append(ticket.key)


def test_one_behind_fifty_gets_the_second_free_slot():
    queue = Queue(slots=1, cap=100)
    for n in range(50):
        queue.admit(f"a{n}", f"a{n}", "anna", 10)
        queue.start()
    queue.admit("b", "b", "bert", 10)
    assert queue.position("b") == 2
    assert drain(queue)[:4] == ["a0", "a1", "b", "a2"]


def test_joining_moves_a_run_up_in_the_joiners_line():
    queue = Queue(slots=1, cap=100)
    for n in range(5):
        queue.admit(f"{n}", f"{n}", "anna", 10)
    assert queue.position("4") == 5
    assert queue.join("4", "bert").id == "4"
    assert queue.position("4") == 2
    assert drain(queue) == ["0", "4", "1", "2", "3"]


def test_a_newcomer_does_not_overtake_those_whose_turn_is_near():
    queue = Queue(slots=1)
    queue.admit("a", "a", "anna", 10)
    queue.start()
    queue.admit("a2", "a2", "anna", 10)
    for n in range(3):
        queue.admit(f"new{n}", f"new{n}", f"new{n}", 10)
    assert drain(queue) == ["a", "a2", "new0", "new1", "new2"]


def test_it_refuses_in_words_what_is_too_much():
    queue = Queue(slots=1, limit=3, cap=2)
    queue.admit("a", "a", "anna", 10)
    queue.admit("b", "b", "anna", 10)
    with pytest.raises(QueueFull, match=r"already have 2 runs .*cancel one"):
        queue.admit("c", "c", "anna", 10)
    queue.admit("d", "d", "bert", 10)
    with pytest.raises(QueueFull, match=r"full: 3 runs .*Try again"):
        queue.admit("e", "e", "cleo", 10)
    assert queue.join("d", "anna") is not None  # joining costs nothing, so it is never refused


def test_a_run_ends_only_when_its_last_owner_leaves():
    queue = Queue(slots=1)
    queue.admit("a", "key", "anna", 10)
    queue.join("key", "bert")
    assert queue.leave("a", "anna") is False
    assert queue.leave("a", "anna") is False  # nobody's ticket any more: nothing happens
    assert queue.ticket("a").owners == ["bert"]
    assert queue.leave("a", "bert") is True


def test_waiting_times_by_hand():
    queue = Queue(slots=2)
    for id, steps, weight in (("a", 100, 1.0), ("b", 300, 1.0), ("c", 50, 2.0), ("d", 10, 1.0)):
        queue.admit(id, id, id, steps, weight)
    queue.start()
    queue.start()
    assert queue.eta("c", 0.0) is None  # nothing was measured yet
    for id, left in (("a", 90), ("b", 290)):
        queue.measure(id, 0, left + 10, 0.0)
        queue.measure(id, 10, left, 1.0)  # 10 steps in a second
    assert queue.steps_per_second() == pytest.approx(20)
    assert queue.eta("a", 1.0) == pytest.approx(9)
    assert queue.eta("a", 3.0) == pytest.approx(7)
    assert queue.eta("c", 1.0) == pytest.approx(9)  # when a is done
    assert queue.eta("d", 1.0) == pytest.approx(9 + 50 * 2 / 10)  # when c is done, before b


def test_a_paused_run_that_goes_on_waits_for_its_turn_again():
    queue = Queue(slots=1)
    queue.admit("a", "a", "anna", 10)
    queue.start()
    queue.join("a", "bert")
    queue.admit("b", "b", "cleo", 10)
    queue.again("a", 4)
    assert [ticket.id for ticket in queue.order()] == ["b", "a"]
    assert queue.ticket("a").left == 4


OWNERS = st.sampled_from(["anna", "bert", "cleo", "dora"])


@given(st.lists(OWNERS, min_size=1, max_size=40), st.integers(1, 4))
def test_nobody_starves(owners, slots):
    """Whoever waits with n of their own runs before this one is served within n + 1 rounds, and a
    round holds everyone else at most once."""
    queue = Queue(slots, cap=100)
    for n, owner in enumerate(owners):
        queue.admit(str(n), str(n), owner, 10)
    order = [int(ticket.id) for ticket in queue.order()]
    assert sorted(order) == list(range(len(owners)))
    for n, owner in enumerate(owners):
        mine_before = owners[:n].count(owner)
        others = len(set(owners)) - 1
        assert order.index(n) <= mine_before + (mine_before + 1) * others


class Traffic(RuleBasedStateMachine):
    """Anyone submits, leaves and finishes in any order."""

    def __init__(self):
        super().__init__()
        self.queue = Queue(slots=2, limit=12, cap=6)
        self.count = 0

    @rule(owner=OWNERS, key=st.sampled_from("klmnopqrst"))
    def submit(self, owner, key):
        before = {ticket.key for ticket in self.queue.tickets()}
        ticket = self.queue.join(key, owner)
        assert (ticket is not None) == (key in before)
        if ticket is None:
            self.count += 1
            try:
                self.queue.admit(str(self.count), key, owner, 10)
            except QueueFull:
                mine = sum(owner in ticket.owners for ticket in self.queue.tickets())
                assert len(self.queue.tickets()) == 12 or mine >= 6

    @rule()
    def start(self):
        order = self.queue.order()
        ticket = self.queue.start()
        free = len(self.queue.running) < 2 or ticket is not None
        assert ticket is (order[0] if order and free else None)

    @precondition(lambda self: self.queue.running)
    @rule(data=st.data())
    def end(self, data):
        self.queue.remove(data.draw(st.sampled_from(sorted(self.queue.running))))

    @precondition(lambda self: self.queue.running)
    @rule(data=st.data())
    def again(self, data):
        self.queue.again(data.draw(st.sampled_from(sorted(self.queue.running))), 5)

    @precondition(lambda self: self.queue.tickets())
    @rule(data=st.data(), owner=OWNERS)
    def leave(self, data, owner):
        ticket = data.draw(st.sampled_from(self.queue.tickets()))
        if self.queue.leave(ticket.id, owner):
            self.queue.remove(ticket.id)

    @invariant()
    def nothing_is_doubled_or_lost(self):
        tickets = self.queue.tickets()
        assert len({ticket.key for ticket in tickets}) == len(tickets)
        assert all(ticket.owners for ticket in tickets)
        waiting = [t for t in tickets if t.id not in self.queue.running]
        assert [self.queue.position(t.id) for t in waiting] == list(range(1, len(waiting) + 1))
        assert all(self.queue.position(id) == 0 for id in self.queue.running)
        assert len(self.queue.running) <= 2


Traffic.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTraffic = Traffic.TestCase
