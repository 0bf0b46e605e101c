"""Only memory can guess it."""

from explorer.text.recall import LETTERS, recall


def test_each_letter_comes_back_after_the_question_mark() -> None:
    content = recall(5, episodes=40, seed=3).content
    assert len(content) == 40 * 8
    for start in range(0, len(content), 8):
        letter = content[start]
        assert letter in LETTERS
        assert content[start : start + 8] == f"{letter}.....?{letter}"


def test_it_follows_from_its_seed() -> None:
    assert recall(3, 50, 1).content == recall(3, 50, 1).content != recall(3, 50, 2).content
