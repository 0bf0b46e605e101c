import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.engine.contract import EngineStatus, Job
from explorer.engine.wire import (
    job_to_json,
    pack,
    pack_dataset,
    pack_experiment,
    status_from_json,
    status_to_json,
    unpack,
    unpack_dataset,
    unpack_experiment,
)
from explorer.errors import DataError, EngineError
from explorer.experiment import Experiment
from explorer.text import Text

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=5)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8)
DTYPES = st.sampled_from(["<f4", ">f4", "<f8", "<i8", ">i4", "|u1", "|b1", "<f2", "<c8"])


@given(st.dictionaries(st.text(), PLAIN), st.binary(max_size=50))
def test_any_message_comes_back(header, payload):
    assert unpack(pack(header, payload)) == (header, payload)


@given(st.data(), DTYPES, st.lists(st.integers(0, 4), min_size=1, max_size=3),
       st.dictionaries(WORDS, PLAIN, max_size=3))
def test_any_dataset_comes_back(data, dtype, shape, attrs):
    dims = [f"axis{n}" for n in range(len(shape))]
    values = data.draw(hnp.arrays(dtype, tuple(shape)))
    labels = data.draw(st.lists(WORDS, min_size=shape[0], max_size=shape[0]))
    sent = xr.Dataset(
        {"values": (dims, values, {"units": "nat"}), "scalar": ((), 3)},
        {"label": (dims[0], np.array(labels, dtype=str)), "axis0": np.arange(shape[0]) * 2},
        attrs)
    came = unpack_dataset(*unpack(pack_dataset(sent)))
    xr.testing.assert_identical(came, sent)
    assert came["values"].dtype == sent["values"].dtype.newbyteorder("=")
    assert came["values"].values.tobytes() == values.astype(came["values"].dtype).tobytes()
    assert list(came["label"].values) == labels


def test_nan_and_numpy_numbers_cross():
    sent = xr.Dataset({"loss": ("token", [np.nan, np.inf, -0.0])}, attrs={"step": np.int64(7)})
    came = unpack_dataset(*unpack(pack_dataset(sent)))
    assert came.attrs == {"step": 7}
    assert came["loss"].values.tobytes() == sent["loss"].values.tobytes()


def test_what_is_no_plain_data_is_refused_in_words():
    with pytest.raises(EngineError, match="cannot be sent"):
        pack({"parameters": {"f": print}})


@pytest.mark.parametrize("garbage", [b"", b"\x05\0\0\0hello", b"\x02\0\0\0[]", b"\x80\x04pickle"])
def test_garbage_is_refused(garbage):
    with pytest.raises(EngineError):
        unpack(garbage)


def test_an_answer_that_was_cut_short_is_refused():
    header, payload = unpack(pack_dataset(xr.Dataset({"x": ("t", [1.0, 2.0])})))
    with pytest.raises(EngineError, match="cut short"):
        unpack_dataset(header, payload[:-1])


def test_an_experiment_crosses_with_its_text():
    text = Text("线.txt", "to be or not to be, 生存还是毁灭 " * 30)
    experiment = Experiment.language_model(text, steps=3).changed(1, 0.5)
    header, payload = unpack(pack_experiment(experiment.with_text(text), op="submit"))
    came = unpack_experiment(header, payload)
    assert (came.key, came.text, header["op"]) == (experiment.key, text, "submit")
    with pytest.raises(DataError, match="differs"):
        unpack_experiment(header, payload + b"!")


def test_jobs_cross():
    job = Job("id", "key", "anna", "failed", 0, None, {"error": "EngineError", "template": "x"})
    status = EngineStatus((job,), (), 2, 64, 12.5)
    assert Job(**unpack(pack(job_to_json(job)))[0]) == job
    assert status_from_json(unpack(pack(status_to_json(status)))[0]) == status
