import pytest

from explorer.engine import records
from explorer.engine.records import Record, Records
from explorer.errors import EngineError


def over(key="k", status="finished", reached=0):
    return Record(key, "anna", status, 10, reached)


def curve(count):
    return [{"step": step, "metrics": {}} for step in range(1, count + 1)]


def test_old_jobs_are_forgotten_but_never_those_that_wait_or_run(monkeypatch):
    monkeypatch.setattr(records, "FORGET", 3)
    kept = Records()
    waiting = over("first", "queued")
    kept.add(waiting)
    for n in range(6):
        kept.add(over(f"{n}"))
    assert [record.key for record in kept.all()] == ["first", "3", "4", "5"]
    assert kept.latest("2") is None
    assert kept.latest("5").key == "5"
    assert kept.get(waiting.id) is waiting


def test_the_curves_of_older_jobs_are_thinned(monkeypatch):
    monkeypatch.setattr(records, "IN_FULL", 1)
    kept = Records()
    for n in range(2):
        record = over(f"{n}")
        record.points.add(curve(1000))
        kept.add(record)
    assert len(kept.latest("0").points.since(-1)) <= records.BRIEF
    assert len(kept.latest("1").points.since(-1)) == 1000


def test_a_run_that_goes_on_keeps_the_curve_up_to_its_last_snapshot():
    kept = Records()
    first = over(status="cancelled")
    first.points.add(curve(8))
    kept.add(first)
    kept.add(over(status="queued", reached=5))
    assert [point["step"] for point in kept.latest("k").points.since(-1)] == [1, 2, 3, 4, 5]


def test_an_unknown_job_is_named():
    with pytest.raises(EngineError, match="no job abc"):
        Records().get("abc")
