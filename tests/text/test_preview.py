"""The numbers beside an upload."""

from explorer.text import Text, Tokenisation, Tokenizer
from explorer.text.preview import summary


def test_counts_by_hand() -> None:
    how = Tokenisation(kind="character", min_frequency=2)
    made = Tokenizer.learn(Text("t", "aaaa bb q r"), how)
    found = summary(made, "aaaa bb q r")
    assert (found.characters, found.tokens, found.vocabulary) == (11, 11, 4)
    assert found.unknown == 2 / 11
    assert found.left_out == 2
    assert found.frequent == (("a", 4), (" ", 3), ("<unk>", 2), ("b", 2))


def test_sixty_thousand_words_are_cut_and_counted() -> None:
    text = Text("t", " ".join(f"w{i}" for i in range(60_000)))
    made = Tokenizer.learn(text, Tokenisation(kind="word", vocabulary=20_000))
    found = summary(made, text.content)
    assert found.vocabulary == 20_000
    assert found.left_out == 60_000 - 19_999
    assert found.unknown == found.left_out / 60_000


def test_bytes_have_no_unknowns() -> None:
    made = Tokenizer.learn(Text("t", "!!! abc"), Tokenisation(kind="bpe"))
    found = summary(made, "!\x00!")  # the first id of a byte-level vocabulary is "!"
    assert found.unknown == 0
    assert found.left_out == 0
    assert summary(made, "").tokens == 0
