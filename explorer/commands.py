"""The command line. Results go to stdout, progress and messages to stderr; bad input ends with
exit code 2 and one line, Ctrl-C with 130.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from explorer.defaults import usual_cut, usual_translator
from explorer.errors import DataError, ExplorerError, RunError
from explorer.experiment import Experiment, Training
from explorer.models import Model
from explorer.spec import Spec
from explorer.store import Run, Store
from explorer.store.store import SHIPPED
from explorer.tasks.masked import Masked
from explorer.tasks.translation import Translation
from explorer.text import CORPORA, Text, Tokenisation, corpus
from explorer.text.cropped import cropped
from explorer.text.door import normal
from explorer.text.pair_corpora import PAIR_CORPORA, pair_corpus
from explorer.text.pairs import Pairs
from explorer.words import N_, _


class Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help shows what there is)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given = ["serve", *given]
    options = parser().parse_args(given)
    try:
        COMMANDS[options.command](options)
    except ExplorerError as error:
        return _complain(str(error), 2)
    except OSError as error:
        return _complain(str(error), 2)
    except KeyboardInterrupt:
        return _complain(_(STOPPED[options.command]), 130)
    return 0


def _complain(message: str, code: int) -> int:
    print(f"explorer: {' '.join(message.split())}", file=sys.stderr)
    return code


def serve(options: argparse.Namespace) -> None:
    from explorer.serve import serve

    serve(options.port, options.address, options.store, options.browser)


def train(options: argparse.Namespace) -> None:
    from explorer.library import train

    pairs = options.pairs or options.pair_corpus
    experiment = (_of_pairs if pairs else _of_text)(options)
    with _patient() as stop:
        run = train(experiment, Store(options.store), stop=stop)
    if run.status == "paused":
        raise KeyboardInterrupt
    result = summary(run)
    print(json.dumps(result) if options.json else
          "\n".join(f"{name}: {value}" for name, value in result.items()))


def _of_text(options: argparse.Namespace) -> Experiment:
    text = Text.read(options.text) if options.text else corpus(options.corpus)
    tokens = {"kind": options.tokens or "character"} | _given(options, Tokenisation)
    if options.fill:
        return Experiment.masked(text, tokens, task=_given(options, Masked),
                                 **_common(options, "transformer"))
    return Experiment.language_model(text, tokens, **_common(options, "lstm"))


def _of_pairs(options: argparse.Namespace) -> Experiment:
    pairs = Pairs.read(options.pairs) if options.pairs else pair_corpus(options.pair_corpus)
    usual = usual_cut(pairs, options.tokens)
    cut = usual.model_dump() | _given(options, Tokenisation)
    given = _common(options, "seq2seq")
    model = given["model"]
    given["model"] = usual_translator(pairs, model.get("attention", ""), model["kind"]) | model
    return Experiment.translation(pairs, cut, task=_given(options, Translation), **given)


def _common(options: argparse.Namespace, model: str) -> dict[str, Any]:
    """What texts and pairs have in common. model: the kind of architecture that is usual."""
    return {"model": {"kind": options.model or model} | _given(options, *Model.family.values()),
            "steps": options.steps, "seed": options.seed, "quality": options.quality,
            "held_out": options.held_out, **_given(options, Training)}


@contextmanager
def _patient() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks training to stop after its step, with a snapshot (an exception at any
    place might be lost in a destructor); a second one is the usual one."""
    asked = threading.Event()

    def hear(_number: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def trace(options: argparse.Namespace) -> None:
    store = Store(options.store)
    run = store.run(options.run)
    text = Text.read(options.text_file).content if options.text_file else options.text
    if not options.out.endswith(".nc"):
        raise DataError(N_("A trace is written as NetCDF: end “{name}” with .nc."),
                        name=options.out)
    from explorer.library import trace

    found = trace(run, text, step=options.step)
    _write(options.out, bytes(found.to_netcdf(engine="h5netcdf")))
    count = found.sizes["token"]
    if found.attrs.get("of", count) > count:
        _complain(_("The first {count} of {of} tokens were read.", count=count,
                    of=found.attrs["of"]), 0)
    print(json.dumps({"run": run.key, "step": found.attrs["step"], "tokens": count,
                      "out": options.out}))


def _write(name: str, data: bytes) -> None:
    """Raises DataError, in words, when the file cannot be written."""
    folder = Path(name).parent
    if not folder.is_dir():
        raise DataError(N_("There is no folder “{folder}”: make it first, or choose another one "
                           "with --out."), folder=str(folder))
    try:
        Path(name).write_bytes(data)
    except OSError as error:
        raise DataError(N_("“{name}” cannot be written ({reason}): choose another file with "
                           "--out."), name=name, reason=(error.strerror or str(error)).lower(),
                        ) from error


def translate(options: argparse.Namespace) -> None:
    """A line of stdout for each line of stdin, as it comes; empty lines stay empty. On stderr what
    of a line was not read as it stands there."""
    from explorer.library import searches

    run = Store(options.store).run(options.run)
    found = searches(run, map(normal, sys.stdin), options.width, options.length_penalty,
                     options.step)
    for number, one in enumerate(found, 1):
        for said in [] if one is None else _unread(one.attrs):
            _complain(_("line {line}: {reason}", line=number, reason=said), 0)
        print("" if one is None else one.attrs["text"], flush=True)


def _unread(attrs: Mapping[Any, Any]) -> list[str]:
    """What of a source was read as <unk>, and what was cut off."""
    unknown = [_("Never seen in training, and read as <unk>: {words}.",
                 words=", ".join(attrs["unknown"]))] if attrs["unknown"] else []
    return [*unknown, *cropped(attrs)]


def pretrain(options: argparse.Namespace) -> None:
    from explorer.pretrain import pretrain

    folder = options.store or str(SHIPPED)
    if (Path(folder) / "owners").exists():
        raise RunError(N_("“{folder}” holds runs of your own, which would be replaced: choose "
                          "another folder."), folder=folder)
    print("\n".join(pretrain(folder, names=options.names)))


COMMANDS = {"serve": serve, "train": train, "trace": trace, "translate": translate,
            "pretrain": pretrain}
STOPPED = {
    "serve": N_("stopped."),
    "train": N_("stopped; the same command goes on from the last snapshot."),
    "trace": N_("stopped; nothing was written."),
    "translate": N_("stopped."),
    "pretrain": N_("stopped; the same command goes on from the last snapshot."),
}


def summary(run: Run) -> dict[str, Any]:
    """What a run came to; None where nothing was measured. loss and perplexity: of the text
    trained on, smoothed over the last steps."""
    last = run.history.iloc[-1]
    scored = run.history["validation_perplexity"].dropna()
    return {
        "run": run.key,
        "loss": _number(math.log(last["perplexity"])),
        "perplexity": _number(last["perplexity"]),
        "validation_perplexity": _number(scored.iloc[-1]) if len(scored) else None,
        "tokens_per_second": _number(last["tokens_per_second"]),
        "seconds": run.seconds,
        "parameters": run.experiment.model.parameters(*run.tokenizer.sizes),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def parser() -> argparse.ArgumentParser:
    """All commands and their options; the settings are those of Experiment."""
    whole = Parser("python -m explorer", description="Train sequence models on your own text, and "
                                                     "look inside them.")
    commands = whole.add_subparsers(dest="command", required=True)
    for name, about in (("serve", "open the app in a browser (the default)"),
                        ("train", "train a network on a text"),
                        ("trace", "write down every gate of a network while it reads a text"),
                        ("translate", "translate the sentences on stdin, one in each line"),
                        ("pretrain", "rebuild the runs that are shipped")):
        command = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        command.add_argument("--store", metavar="URL", help="where runs are kept: a folder or any "
                             "fsspec URL (default: EXPLORER_STORE, else your data folder)")
        _OPTIONS[name](command)
    return whole


def _serve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, default=8501, help="default: 8501")
    command.add_argument("--address", default="localhost",
                         help="who may connect: localhost (default) or an address of this machine")
    command.add_argument("--no-browser", dest="browser", action="store_false",
                         help="open no browser window")


def _train_options(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", metavar="FILE", help="the text to learn")
    source.add_argument("--corpus", choices=CORPORA, help="or a built-in one")
    source.add_argument("--pairs", metavar="FILE", help="or sentence pairs: a sentence, a tab and "
                        "its translation on each line")
    source.add_argument("--pair-corpus", choices=PAIR_CORPORA, help="or built-in pairs")
    command.add_argument("--fill", action="store_true", help="learn to fill the gaps of the text, "
                         "instead of what comes next")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--tokens", metavar="KIND", help="character (the default for a text), "
                         "word (for pairs of sentences), bpe or wordpiece")
    command.add_argument("--model", metavar="KIND", help=", ".join(sorted(Model.family))
                         + "; default: lstm for a text, seq2seq for pairs")
    command.add_argument("--steps", type=int, help="default: a budget by the size of the text")
    command.add_argument("--quality", default="good", choices=("quick", "good", "best"),
                         help="how much time that budget takes: about 4, 15, 60 s on two cores")
    command.add_argument("--seed", type=int, default=0, help="where chance begins")
    command.add_argument("--held-out", type=float, default=0.1,
                         help="the share of the text, at its end, that is kept back")
    known: set[str] = set()
    for spec in _specs():
        for name in _settings(spec):
            about = spec.model_fields[name].description or ""
            if name not in known:
                known.add(name)
                command.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE",
                                     help=about.replace("%", "%%"))


def _trace_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="its key, 32 hex digits")
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help="what the network reads")
    source.add_argument("--text-file", metavar="FILE", help="or a file of it")
    command.add_argument("--step", type=int, default=-1, help="a snapshot; -1 (default) the last")
    command.add_argument("--out", required=True, metavar="FILE.nc", help="the NetCDF file to write")


def _translate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="its key, 32 hex digits")
    command.add_argument("--width", type=int, default=1, help="of the beam; 1 (default) takes the "
                         "likeliest token at each step")
    command.add_argument("--length-penalty", type=float, default=0.75, metavar="ALPHA",
                         help="log P is divided by length^ALPHA; default: 0.75")
    command.add_argument("--step", type=int, default=-1, help="a snapshot; -1 (default) the last")


def _pretrain_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("names", metavar="NAME", nargs="*",
                         help="only these, by the name on their card (default: all)")


_OPTIONS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "serve": _serve_options, "train": _train_options, "trace": _trace_options,
    "translate": _translate_options, "pretrain": _pretrain_options}


def _specs() -> list[type[Spec]]:
    return [*Model.family.values(), Tokenisation, Translation, Masked, Training]


def _settings(spec: type[Spec]) -> list[str]:
    """The fields of a spec that are options of `train` by their own name."""
    return [name for name in spec.model_fields if name not in ("kind", "changes", "steps")]


def _given(options: argparse.Namespace, *specs: type[Spec]) -> dict[str, str]:
    """The settings that were given, of those specs."""
    names = dict.fromkeys(name for spec in specs for name in _settings(spec))
    return {name: value for name in names if (value := getattr(options, name)) is not None}
