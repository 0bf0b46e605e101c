import pytest

from explorer.engine import probing
from explorer.engine.probing import Desk
from explorer.engine.wire import unpack
from explorer.errors import RunError
from explorer.store import Store
from explorer.work import work
from tests.engine.contract import experiment


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("store")))
    asked = experiment()
    work(store, asked)
    return store, asked.key


def test_networks_stay_open_until_others_are_used_more(trained, monkeypatch):
    monkeypatch.setattr(probing, "KEPT", 2)
    store, key = trained
    desk = Desk(store)
    last = desk.open(key, -1)
    assert last.step == 30
    first = desk.open(key, 0)
    assert desk.open(key, 30) is last
    desk.open(key, 3)  # the one used longest ago goes
    assert desk.open(key, -1) is last
    assert desk.open(key, 0) is not first


def test_a_step_that_was_not_kept_is_refused(trained):
    store, key = trained
    with pytest.raises(RunError, match="no snapshot of step 4; it has: 0, 3, 13, 30"):
        Desk(store).open(key, 4)


def test_an_error_whose_values_are_no_plain_data_still_crosses(trained, monkeypatch, tmp_path):
    store, key = trained

    def lost(opened):
        raise RunError("{path} is gone", path=tmp_path)

    monkeypatch.setitem(probing.PROBES, "lost", lost)
    header, _ = unpack(Desk(store).answer({"probe": "lost", "key": key, "parameters": {}}))
    assert str(RunError.from_json(header["error"])) == f"{tmp_path} is gone"
