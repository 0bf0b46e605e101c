"""Export and import: what goes out comes in again; what was tampered with does not."""

import io
import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load, save

from explorer.errors import RunError
from explorer.experiment import Experiment
from explorer.store import Store, admit, export
from explorer.text import Text, Tokenizer
from explorer.training.loop import train
from explorer.work import work
from tests.training.small import MODELS, small

KEY = small().key
LAST = f"{KEY}/snapshots/20.safetensors"


@pytest.fixture
def zipped(finished):
    return export(finished, KEY)


@pytest.fixture
def other(tmp_path):
    return Store(str(tmp_path / "other"), pretrained="")


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rezipped(files, how=zipfile.ZIP_DEFLATED):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", how) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return sink.getvalue()


def changed(zipped, name, change):
    """The zip with one file's content changed."""
    files = unzipped(zipped)
    files[name] = change(files[name])
    return rezipped(files)


def changed_json(zipped, file, **more):
    return changed(zipped, f"{KEY}/{file}", lambda data: json.dumps(json.loads(data) | more))


def refused(store, data, said):
    """It is refused in words, and nothing is left behind."""
    with pytest.raises(RunError, match=said) as caught:
        admit(store, data, "me")
    assert len(str(caught.value)) < 500
    assert not list(Path(store.url).rglob("*.*"))
    assert store.own("me") == []


class TestThereAndBack:
    def test_it_is_the_same_run(self, finished, other, zipped):
        assert admit(other, zipped, "me") == KEY
        there, here = finished.run(KEY), other.run(KEY)
        assert here.experiment == there.experiment
        assert here.experiment.text.content == there.experiment.text.content
        assert here.snapshots == there.snapshots
        assert here.best == there.best
        assert here.status == "finished"
        assert here.seconds == there.seconds
        pd.testing.assert_frame_equal(here.history, there.history)
        for step in there.snapshots:
            assert here.weights(step) == there.weights(step)

    def test_it_holds_json_parquet_and_safetensors_only(self, zipped):
        assert {name.rpartition(".")[2] for name in unzipped(zipped)} == {
            "json", "parquet", "safetensors"}

    def test_it_stands_on_the_owners_list_only(self, other, zipped):
        admit(other, zipped, "me")
        assert other.own("me") == [KEY]
        assert other.own("you") == []

    def test_it_is_marked_and_training_it_here_replaces_it(self, finished, other, zipped):
        forged = changed(zipped, LAST, lambda data: save(
            {name: value * 0 for name, value in load(data).items()}))
        admit(other, forged, "me")
        assert other.run(KEY).imported
        assert not finished.run(KEY).imported
        assert work(other, small()) == "finished"
        assert not other.run(KEY).imported
        assert other.run(KEY).weights() == finished.run(KEY).weights()

    def test_a_run_that_is_there_already_is_left_as_it_is(self, finished, zipped):
        forged = changed(zipped, LAST, lambda data: save(
            {name: value * 0 for name, value in load(data).items()}))
        before = finished.run(KEY).weights()
        assert admit(finished, forged, "me") == KEY
        assert finished.run(KEY).weights() == before
        assert finished.own("me") == [KEY]

    def test_a_run_that_has_got_less_far_here_is_kept_too_and_that_is_said(self, other, zipped):
        work(other, small(), until=3)
        with pytest.raises(RunError, match=r"to step 3; .* to step 20\. It was left as it is"):
            admit(other, zipped, "me")
        assert other.run(KEY).snapshots[-1] == 3
        assert other.own("me") == [KEY]
        other.delete("me", KEY)
        admit(other, zipped, "me")
        assert other.run(KEY).status == "finished"

    def test_a_run_that_has_got_further_here_is_no_reason_to_complain(self, finished, other):
        work(other, small(), until=3)
        assert admit(finished, export(other, KEY), "me") == KEY
        assert finished.run(KEY).status == "finished"

    @pytest.mark.parametrize("model", MODELS)
    def test_every_architecture(self, store, other, model):
        experiment = small(model, steps=2)
        work(store, experiment)
        admit(other, export(store, experiment.key), "me")
        assert other.run(experiment.key).weights() == store.run(experiment.key).weights()

    def test_every_column_that_training_writes(self, store, other):
        text = Text("long", small().text.content * 60)
        experiment = Experiment.language_model(
            text, model={"kind": "rnn", "hidden": 4}, steps=200, window=16, batch=16, snapshots=2)
        work(store, experiment)
        assert "validation_along" in store.run(experiment.key).history
        admit(other, export(store, experiment.key), "me")
        pd.testing.assert_frame_equal(other.run(experiment.key).history,
                                      store.run(experiment.key).history)

    @pytest.mark.parametrize("tokens", ["word", "bpe", "wordpiece"])
    def test_every_tokenizer(self, store, other, tokens):
        experiment = small(steps=2, tokens={"kind": tokens, "vocabulary": 300})
        work(store, experiment)
        admit(other, export(store, experiment.key), "me")
        assert other.run(experiment.key).tokenizer.labels == store.run(
            experiment.key).tokenizer.labels

    def test_a_paused_run_comes_in_paused(self, store, other):
        work(store, small(), until=3)
        admit(other, export(store, KEY), "me")
        assert other.run(KEY).status == "paused"
        assert list(other.run(KEY).history["step"]) == [1, 2, 3]

    def test_a_shipped_run_can_be_exported(self, finished, other, tmp_path):
        admit(other, export(Store(str(tmp_path / "x"), finished.url), KEY), "me")
        assert KEY in other

    def test_an_unknown_run_cannot(self, store):
        with pytest.raises(RunError, match="There is no run"):
            export(store, KEY)


class TestHostileZips:
    @pytest.mark.parametrize("data", [b"", b"PK", b"\x89PNG", b"x" * 10_000])
    def test_no_zip_at_all(self, other, data):
        refused(other, data, "cannot be read")

    def test_an_empty_zip(self, other):
        refused(other, rezipped({}), "no single run")

    def test_one_that_was_cut_or_whose_bytes_were_changed(self, other, zipped):
        refused(other, zipped[: len(zipped) // 2], "cannot be read")
        middle = zipped.index(b"core.weight_hh_l0") + 2000
        refused(other, zipped[:middle] + bytes([zipped[middle] ^ 255]) + zipped[middle + 1 :],
                "cannot be read")

    @pytest.mark.parametrize("name", [
        "../evil.json", f"{KEY}/../../evil.json", "/etc/passwd", f"/{KEY}/text.json",
        f"{KEY}/snapshots/../../../x.safetensors", f"{KEY}\\..\\evil.json", "C:\\evil.json",
        f"{KEY}/resume.safetensors", f"{KEY}/card.json", f"{KEY}/evil.pickle", f"{KEY}/",
        f"{KEY}/snapshots/-1.safetensors", f"{KEY}/snapshots/007.safetensors",
        f"{KEY}/snapshots/9999999999.safetensors", f"{KEY}/text.json\n", "runs/x", f"{KEY}/é.json"])
    def test_names_that_are_no_part_of_a_run(self, other, zipped, name):
        refused(other, rezipped(unzipped(zipped) | {name: b"{}"}), "no part of a run")

    def test_two_runs_in_one(self, other, zipped):
        refused(other, rezipped(unzipped(zipped) | {f"{'0' * 32}/text.json": b"{}"}),
                "no single run")

    def test_a_symbolic_link(self, other, zipped):
        entry = zipfile.ZipInfo(f"{KEY}/snapshots/7.safetensors")
        entry.create_system = 3
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        files = unzipped(zipped)
        sink = io.BytesIO()
        with zipfile.ZipFile(sink, "w") as packed:
            packed.writestr(entry, "/etc/passwd")
            for name, data in files.items():
                packed.writestr(name, data)
        refused(other, sink.getvalue(), "no part of a run")

    def test_the_same_name_twice(self, other, zipped):
        sink = io.BytesIO(zipped)
        with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(sink, "a") as packed:
            packed.writestr(f"{KEY}/text.json", "{}")
        refused(other, sink.getvalue(), "no single run")

    def test_a_zip_bomb(self, other, zipped):
        bomb = changed(zipped, LAST, lambda data: b"\0" * 60_000_000)
        assert len(bomb) < 200_000
        refused(other, bomb, "far more than a run needs")

    def test_a_zip_bomb_that_lies_about_its_size(self, other, zipped):
        bomb = bytearray(changed(zipped, LAST, lambda data: b"\0" * 60_000_000))
        for size in (60_000_000).to_bytes(4, "little"), :
            while (at := bomb.find(size)) >= 0:
                bomb[at : at + 4] = (10).to_bytes(4, "little")
        refused(other, bytes(bomb), "cannot be read|far more")

    def test_too_many_files(self, other, zipped):
        many = {f"{KEY}/snapshots/{step}.safetensors": b"" for step in range(1000, 1400)}
        refused(other, rezipped(unzipped(zipped) | many), "no single run")

    def test_an_encrypted_entry(self, other, zipped):
        data = bytearray(zipped)
        at = data.rindex(b"PK\x01\x02")
        data[at + 8] |= 1
        refused(other, bytes(data), "cannot be read")


class TestAlteredContent:
    def test_a_text_that_is_not_the_experiments(self, other, zipped):
        refused(other, changed(zipped, f"{KEY}/text.json",
                               lambda data: data.replace(b"cat", b"dog", 1)), "its content differs")

    @pytest.mark.parametrize("more", [{"content": 7}, {"content": ""}, {"content": "x" * 6_000_000},
                                      {"content": "\0"}, {"content": None}])
    def test_a_text_that_is_none(self, other, zipped, more):
        refused(other, changed_json(zipped, "text.json", **more), "cannot be taken in")

    def test_a_name_with_markup_is_only_a_name(self, other, zipped):
        admit(other, changed_json(zipped, "text.json", name="<script>alert(1)</script>"), "me")
        assert other.run(KEY).experiment.data.name == "rhyme"

    @pytest.mark.parametrize("more", [{"seed": 7}, {"format": 0}, {"evil": 1}, {"data": None},
                                      {"model": "nonsense"}])
    def test_another_experiment(self, other, zipped, more):
        refused(other, changed_json(zipped, "experiment.json", **more),
                "experiment.json|another version")

    @pytest.mark.parametrize("name", ["experiment", "text", "tokenizer", "status", "best"])
    @pytest.mark.parametrize("content", [b"", b"{", b"null", b"[" * 200_000, b"\xff\xff", b"7"])
    def test_broken_json(self, other, zipped, name, content):
        refused(other, changed(zipped, f"{KEY}/{name}.json", lambda data: content),
                f"{name}.json")

    @pytest.mark.parametrize("name", ["experiment.json", "text.json", "tokenizer.json",
                                      "status.json", "history.parquet"])
    def test_a_missing_file(self, other, zipped, name):
        files = unzipped(zipped)
        del files[f"{KEY}/{name}"]
        refused(other, rezipped(files), f"{name}: it is missing")

    def test_no_snapshots(self, other, zipped):
        files = {name: data for name, data in unzipped(zipped).items() if "snapshots" not in name}
        refused(other, rezipped(files), "there are none")

    def test_a_snapshot_after_the_end(self, other, zipped):
        files = unzipped(zipped)
        files[f"{KEY}/snapshots/21.safetensors"] = files[LAST]
        refused(other, rezipped(files), "steps that the run does not have")

    def test_another_tokenizer(self, other, zipped):
        refused(other, changed(zipped, f"{KEY}/tokenizer.json",
                               lambda data: data.replace(b'"t"', b'"x"')), "tokenizer.json")

    @pytest.mark.parametrize("change", [
        lambda tensors: {k: v for k, v in tensors.items() if k != "decoder.bias"},
        lambda tensors: tensors | {"extra": np.zeros(3, np.float32)},
        lambda tensors: tensors | {"decoder.bias": np.zeros(3, np.float32)},
        lambda tensors: tensors | {"decoder.bias": tensors["decoder.bias"].astype(np.float64)},
        lambda tensors: tensors | {"decoder.bias": tensors["decoder.bias"].view(np.int32)},
        lambda tensors: tensors | {"decoder.weight": tensors["decoder.weight"].T.copy()},
        lambda tensors: tensors | {"decoder.bias": tensors["decoder.bias"] * np.float32("nan")},
        lambda tensors: tensors | {"decoder.bias": tensors["decoder.bias"] + np.float32("inf")},
    ])
    def test_tensors_of_another_network(self, other, zipped, change):
        refused(other, changed(zipped, LAST, lambda data: save(change(load(data)))),
                r"20.safetensors: it")

    @pytest.mark.parametrize("change", [
        lambda data: b"", lambda data: data[:-4], lambda data: data + b"more",
        lambda data: (2**63).to_bytes(8, "little") + data[8:],
        lambda data: data.replace(b'"shape":[', b'"shape":[-', 1),
        lambda data: data.replace(b'"data_offsets":[0,', b'"data_offsets":[8,'),
        lambda data: data.replace(b'"F32"', b'"X99"'), lambda data: data.replace(b"{", b"[", 1),
    ])
    def test_broken_tensors(self, other, zipped, change):
        refused(other, changed(zipped, LAST, change), r"20.safetensors")

    @pytest.mark.parametrize("table", [
        {"step": [1], "evil": [2.0]}, {"step": ["<b>"]}, {"step": [0]}, {"step": [21]},
        {"step": [2, 1]}, {"step": [1, 1]}, {"loss": [1.0]}, {"step": [[1]]},
        {"step": range(1, 30_000)}])
    def test_another_table(self, other, zipped, table):
        sink = io.BytesIO()
        pq.write_table(pa.table({name: list(values) for name, values in table.items()}), sink)
        refused(other, changed(zipped, f"{KEY}/history.parquet", lambda data: sink.getvalue()),
                "history.parquet")

    @pytest.mark.parametrize("change", [lambda data: b"", lambda data: data[:-30],
                                        lambda data: b"PAR1" + b"\xff" * 200 + b"PAR1"])
    def test_a_broken_table(self, other, zipped, change):
        refused(other, changed(zipped, f"{KEY}/history.parquet", change), "history.parquet")

    def test_words_of_somebody_else_stay_behind(self, other, zipped):
        said = {"status": "diverged", "message": "<script>", "error": {"template": "{x:>99999999}"},
                "seconds": 1e300, "evil": 1}
        admit(other, changed_json(zipped, "status.json", **said), "me")
        run = other.run(KEY)
        assert (run.message, run.status, run.seconds) == ("", "finished", 0.0)

    def test_a_run_that_says_it_is_finished_but_is_not(self, store, other):
        work(store, small(), until=3)
        admit(other, changed_json(export(store, KEY), "status.json", status="finished"), "me")
        assert other.run(KEY).status == "paused"


@pytest.mark.parametrize("model", MODELS)
def test_the_shapes_that_are_expected_are_those_of_the_network(model):
    experiment: Experiment = small(model, steps=1)
    tokenizer = Tokenizer.learn(experiment.text, experiment.tokens)
    first = next(train(experiment, tokenizer))
    found = {name: value.shape for name, value in load(first.weights).items()}
    assert found == experiment.model.shapes(tokenizer.size)
    assert sum(value.size for value in load(first.weights).values()) == (
        experiment.model.parameters(tokenizer.size))
