"""The command line: results on stdout, everything else on stderr, and never a traceback."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

import explorer as ex
from explorer.commands import main
from explorer.store import Store
from tests.training.small import TEXT

ROOT = Path(__file__).parents[1]
SMALL = ["--hidden", "10", "--embedding", "6", "--window", "8", "--batch", "4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "story.txt").write_text(TEXT.content, encoding="utf-8")
    return folder


def call(folder, command, *arguments):
    return main([command, "--store", str(folder / "store"), *map(str, arguments)])


def train(folder, *more):
    return call(folder, "train", "--text", folder / "story.txt", *SMALL, "--steps", 20, *more)


class TestTrain:
    def test_it_prints_one_json_object(self, folder, capsys):
        assert train(folder, "--json") == 0
        out, err = capsys.readouterr()
        result = json.loads(out)
        assert set(result) == {"run", "loss", "perplexity", "validation_perplexity",
                               "tokens_per_second", "seconds", "parameters"}
        assert result["perplexity"] == pytest.approx(2.718281828 ** result["loss"])
        assert 1 < result["validation_perplexity"] < 25
        assert result["tokens_per_second"] > 0
        assert "20/20" in err

    def test_again_it_is_the_same_run_at_once(self, folder, capsys):
        results = []
        for _ in range(2):
            assert train(folder, "--json") == 0
            results.append(json.loads(capsys.readouterr().out))
        assert results[0] == results[1]

    def test_parameters_are_those_of_the_network(self, folder, capsys):
        train(folder, "--json", "--model", "gru", "--layers", 2)
        result = json.loads(capsys.readouterr().out)
        vocabulary = len(set(TEXT.content)) + 1  # and <unk>
        core = 3 * 10 * (6 + 10 + 2) + 3 * 10 * (10 + 10 + 2)
        assert result["parameters"] == vocabulary * 6 + core + vocabulary * 11

    def test_without_json_it_is_for_people(self, folder, capsys):
        assert train(folder) == 0
        assert "validation_perplexity: " in capsys.readouterr().out

    def test_nothing_held_out(self, folder, capsys):
        assert train(folder, "--json", "--held-out", 0) == 0
        assert json.loads(capsys.readouterr().out)["validation_perplexity"] is None

    @pytest.mark.parametrize("setting", [("--sampling", "sequential"), ("--optimizer", "sgd"),
                                         ("--tied", "true", "--embedding", 10), ("--seed", 3),
                                         ("--tokens", "word"), ("--lowercase", "true")])
    def test_every_setting_makes_another_run(self, folder, capsys, setting):
        train(folder, "--json")
        plain = json.loads(capsys.readouterr().out)
        assert train(folder, "--json", *setting) == 0
        assert json.loads(capsys.readouterr().out)["run"] != plain["run"]


class TestTrace:
    @pytest.fixture
    def key(self, folder, capsys):
        train(folder, "--json")
        return json.loads(capsys.readouterr().out)["run"]

    def test_it_writes_what_can_be_read_again(self, folder, key, capsys):
        out = folder / "trace.nc"
        assert call(folder, "trace", key, "--text", "the 猫", "--out", out, "--step", 0) == 0
        assert json.loads(capsys.readouterr().out) == {"run": key, "step": 0, "tokens": 5,
                                                       "out": str(out)}
        with xr.open_dataset(out, engine="h5netcdf") as trace:
            assert trace["forget"].dims == ("layer", "direction", "token", "unit")
            assert trace["forget"].sizes["token"] == 5
            assert trace.attrs["run"] == key

    def test_what_was_not_read_is_said(self, folder, capsys):
        call(folder, "train", "--text", folder / "story.txt", "--json", "--model", "transformer",
             "--hidden", 8, "--window", 8, "--batch", 4, "--steps", 2)
        key = json.loads(capsys.readouterr().out)["run"]
        for text, said in (("abc" * 100, "The first 256 of 300 tokens were read."), ("abc", "")):
            assert call(folder, "trace", key, "--text", text, "--out", folder / "long.nc") == 0
            out, errors = capsys.readouterr()
            assert json.loads(out)["tokens"] == min(256, len(text))
            assert errors.strip() == (f"explorer: {said}" if said else "")

    @pytest.mark.parametrize(("arguments", "said"), [
        (["--text", "", "--out", "x.nc"], "nothing to read"),
        (["--text", "a", "--out", "x.txt"], ".nc"),
        (["--text", "a", "--out", "/nowhere/x.nc"], "There is no folder “/nowhere”: make it"),
        (["--text", "a", "--step", "4", "--out", "x.nc"], "no snapshot of step 4"),
        (["--text-file", "/nowhere", "--out", "x.nc"], "no file"),
        (["--out", "x.nc"], "--text"),
    ])
    def test_bad_input(self, folder, key, capsys, arguments, said):
        complains(folder, capsys, ["trace", key, *arguments], said)

    def test_a_file_that_cannot_be_written(self, folder, key, capsys, tmp_path):
        out = tmp_path / "x.nc"
        out.mkdir()
        complains(folder, capsys, ["trace", key, "--text", "a", "--out", str(out)],
                  f"“{out}” cannot be written (is a directory): choose another file")


def complains(folder, capsys, arguments, said):
    """Exit code 2, nothing on stdout, beside the bar one line on stderr that says it."""
    try:
        code = call(folder, *arguments)
    except SystemExit as ending:
        code = ending.code
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    lines = [line for line in err.splitlines() if line.strip() and "step/s" not in line]
    assert len(lines) == 1
    assert said in lines[0]


def file(folder, content):
    path = folder / "bad.txt"
    path.write_bytes(content)
    return str(path)


class TestBadInput:
    @pytest.mark.parametrize(("arguments", "said"), [
        (["train"], "--text"),
        (["train", "--text", "/nowhere.txt"], "/nowhere.txt"),
        (["train", "--text", "/"], "/"),
        (["train", "--corpus", "nonsense"], "nonsense"),
        (["train", "--corpus", "story-en", "--text", "x"], "not allowed with"),
        (["train", "--corpus", "story-en", "--model", "nonsense"], "nonsense"),
        (["train", "--corpus", "story-en", "--tokens", "nonsense"], "nonsense"),
        (["train", "--corpus", "story-en", "--hidden", "0"], "hidden"),
        (["train", "--corpus", "story-en", "--hidden", "2000"], "hidden"),
        (["train", "--corpus", "story-en", "--hidden", "many"], "hidden"),
        (["train", "--corpus", "story-en", "--steps", "0"], "steps"),
        (["train", "--corpus", "story-en", "--steps", "x"], "steps"),
        (["train", "--corpus", "story-en", "--seed", "-1"], "seed"),
        (["train", "--corpus", "story-en", "--held-out", "0.9"], "held"),
        (["train", "--corpus", "story-en", "--learning-rate", "nan"], "learning"),
        (["train", "--corpus", "story-en", "--tied", "yes"], "tied"),
        (["train", "--corpus", "story-en", "--nonsense", "1"], "nonsense"),
        (["train", "--corpus", "story-en", "--activation", "relu"], "activation"),
        (["trace", "0" * 32, "--text", "a", "--out", "x.nc"], "There is no run"),
        (["trace", "../../etc/passwd", "--text", "a", "--out", "x.nc"], "There is no run"),
    ])
    def test_it_is_named_in_one_line(self, folder, capsys, arguments, said):
        complains(folder, capsys, arguments, said)

    @pytest.mark.parametrize(("content", "said"), [
        (b"", "empty"), (b"a", ""), (b"aaaaaaaaaa" * 50, ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "bad.txt"), (b"%PDF-1.7 \xe2\xe3", "bad.txt"),
        (b"ab" * 3_000_000, "limit"),
    ])
    def test_a_text_that_cannot_be_used(self, folder, capsys, content, said):
        complains(folder, capsys, ["train", "--text", file(folder, content)], said)

    def test_a_store_that_nobody_knows(self, capsys):
        assert main(["trace", "0" * 32, "--store", "nonsense://x", "--text", "a", "--out",
                     "x.nc"]) == 2
        assert "nonsense" in capsys.readouterr().err

    def test_divergence_is_said_in_one_line(self, folder, capsys):
        complains(folder, capsys, [
            "train", "--text", str(folder / "story.txt"), *SMALL, "--model", "rnn", "--activation",
            "relu", "--optimizer", "sgd", "--learning-rate", "1000", "--clip", "0", "--steps",
            "60"], "Lower the learning rate")


def run(folder, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "explorer", *arguments], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"EXPLORER_STORE": str(folder / "store")}, **more)


def test_help_names_every_command_and_setting(folder):
    process = run(folder, "train", "--help")
    out, err = process.communicate()
    assert process.returncode == 0
    assert err == ""
    assert {"--hidden", "--learning-rate", "--store", "--byte-fallback"} <= set(out.split())


def test_ctrl_c_ends_in_one_line_and_the_run_goes_on(folder, tmp_path):
    arguments = ["train", "--corpus", "story-en", "--hidden", "16", "--steps", "3000", "--json"]
    process = run(tmp_path, *arguments)
    seen = list((tmp_path / "store").glob("runs/*/snapshots/[1-9]*"))
    while not seen and process.poll() is None:
        time.sleep(0.1)
        seen = list((tmp_path / "store").glob("runs/*/snapshots/[1-9]*.safetensors"))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("explorer: stopped")
    status = json.loads(next((tmp_path / "store").glob("runs/*/status.json")).read_text())
    assert status["status"] == "paused"


PAIRS = "".join(f"{a} {b}\t{b.upper()} {a.upper()}\n" for a in ("one", "two", "red", "big")
                for b in ("cat", "dog", "bird", "fish", "cow"))


@pytest.fixture(scope="module")
def translator(folder):
    (folder / "pairs.tsv").write_text(PAIRS, encoding="utf-8")
    assert call(folder, "train", "--pairs", folder / "pairs.tsv", "--hidden", 12, "--embedding", 8,
                "--steps", 20, "--batch", 8, "--held-out", 0, "--forcing", "free") == 0
    store = Store(str(folder / "store"), pretrained="")
    return store.run(store.own("local")[0])


class TestTranslate:
    def test_pairs_are_trained_on(self, translator):
        assert translator.experiment.task.kind == "translation"
        assert translator.experiment.task.forcing == "free"
        assert translator.experiment.model.kind == "seq2seq"

    @pytest.mark.parametrize("width", [1, 3])
    def test_a_line_for_each_line(self, folder, translator, width, capsys, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("one cat\n\nred zebra"))
        capsys.readouterr()
        assert call(folder, "translate", translator.key, "--width", width) == 0
        first, empty, last = capsys.readouterr().out.split("\n")[:3]
        assert first == ex.search(translator, "one cat", width=width).attrs["text"]
        assert empty == ""
        assert set(last.split()) <= {*translator.tokenizer.labels}

    @pytest.mark.parametrize("width", [1, 3])
    def test_what_was_not_read_is_said(self, folder, translator, width, capsys, monkeypatch):
        lines = ["one cat", "zzz cat zzz yyy", "", "cat " * 40]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
        capsys.readouterr()
        assert call(folder, "translate", translator.key, "--width", width) == 0
        out, err = capsys.readouterr()
        assert out.splitlines() == [
            line and ex.search(translator, line, width=width).attrs["text"] for line in lines]
        assert err.splitlines() == [
            "explorer: line 2: Never seen in training, and read as <unk>: zzz, yyy.",
            "explorer: line 4: Of the source's 41 tokens only the first 32 are read."]

    @pytest.mark.parametrize(("more", "said"), [
        (["--width", 0], "width"), (["--width", 1000], "width"), (["--step", 4], "snapshot")])
    def test_bad_input_is_one_line(self, folder, translator, more, said, capsys, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("one cat"))
        capsys.readouterr()
        assert call(folder, "translate", translator.key, *more) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err.lower()

    def test_a_run_that_learnt_a_text_cannot(self, folder, capsys, monkeypatch):
        capsys.readouterr()
        train(folder, "--json")
        key = json.loads(capsys.readouterr().out)["run"]
        monkeypatch.setattr("sys.stdin", io.StringIO("one cat"))
        assert call(folder, "translate", key) == 2
        assert "translate" in capsys.readouterr().err
