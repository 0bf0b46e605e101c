"""The built-in texts."""

import subprocess
import sys

import pytest

from explorer.errors import DataError
from explorer.text import CORPORA, corpus
from explorer.text.door import normal
from explorer.text.library import MOST

LEAST = {
    "story-en": 40_000,
    "story-zh": 10_000,
    "python-reference": 100_000,
    "python-source": 100_000,
}


@pytest.mark.parametrize("name", CORPORA)
def test_each_is_a_clean_text_of_some_length(name: str) -> None:
    text = corpus(name)
    assert len(text.content) >= LEAST[name]
    assert normal(text.content) == text.content
    assert text.name == CORPORA[name].title
    assert CORPORA[name].about.endswith(".")


def test_they_are_written_in_their_languages() -> None:
    assert {entry.language for entry in CORPORA.values()} == {"en", "zh", "python"}
    assert " the " in corpus("story-en").content
    assert "的" in corpus("story-zh").content
    assert "lambda" in corpus("python-reference").content
    source = corpus("python-source").content
    assert "def " in source
    assert len(source) <= MOST


def test_they_are_the_same_in_another_process() -> None:
    code = "from explorer.text import *\nprint(*[corpus(name).sha256 for name in CORPORA])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == [corpus(name).sha256 for name in CORPORA]


def test_an_unknown_one_names_those_that_there_are() -> None:
    with pytest.raises(DataError, match="“ulysses”; there are: story-en, story-zh"):
        corpus("ulysses")
