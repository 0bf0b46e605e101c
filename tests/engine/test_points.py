from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from explorer.engine.points import Points


def point(step, validated=False):
    return {"step": step, "metrics": {"validation_perplexity": 2.0} if validated else {}}


def steps(points, since=-1):
    return [kept["step"] for kept in points.since(since)]


@given(st.integers(1, 3000), st.integers(20, 100))
def test_thinned_evenly_and_never_more_than_asked(count, most):
    points = Points(most)
    for step in range(1, count + 1):
        points.add([point(step)])
    kept = steps(points)
    assert len(kept) <= most
    assert kept[-1] == count
    gaps = {b - a for a, b in pairwise(kept[:-1])}
    assert len(gaps) <= 1  # even, but for the last one
    if count < most:
        assert kept == list(range(1, count + 1))


def test_validated_steps_stay():
    points = Points(20)
    points.add(point(step, validated=step in (7, 501, 993)) for step in range(1, 1001))
    assert {7, 501, 993, 1000} <= set(steps(points))


def test_since_gives_only_what_is_new():
    points = Points()
    points.add(map(point, range(1, 11)))
    assert steps(points, 8) == [9, 10]
    assert steps(points, 10) == []


def test_a_run_that_goes_on_from_an_earlier_step_writes_over_what_came_after():
    points = Points()
    points.add(map(point, range(1, 11)))
    points.add(map(point, range(6, 8)))
    assert steps(points) == [1, 2, 3, 4, 5, 6, 7]
