"""What is said is true of the data, and "no" is said when nothing is there."""

import numpy as np

from explorer.text.annotations import classes, spans
from explorer.views import notices
from tests.views.conftest import make_trace

TEXT = list('so he said "come in, the door is open" and went on reading a while, then "no" (a lie)')


def test_annotations_by_hand() -> None:
    inside = spans(list('a "b" (c)'))
    quoted = inside["the inside of quotation marks"]
    assert quoted.astype(int).tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert inside["the inside of brackets"].astype(int).tolist() == [0] * 6 + [1, 1, 0]
    assert spans(list("plain")) == {}
    found = classes(list("A b1."))
    assert {name: mask.astype(int).tolist() for name, mask in found.items()} == {
        "spaces": [0, 1, 0, 0, 0],
        "capital letters": [1, 0, 0, 0, 0],
        "other letters": [0, 0, 1, 0, 0],
        "digits": [0, 0, 0, 1, 0],
        "punctuation": [0, 0, 0, 0, 1],
        "vowels": [1, 0, 0, 0, 0],
    }


def with_unit(unit: np.ndarray) -> list[str]:
    trace = make_trace(T=len(TEXT), H=20, layers=1)
    trace = trace.assign_coords(label=("token", TEXT))
    trace["forget"][0, 0, :, 7] = unit
    return notices.gates(trace, "forget")


def test_a_detector_is_found_and_named() -> None:
    mask = spans(TEXT)["the inside of quotation marks"]
    said = with_unit(mask * 0.9 + 0.05)
    assert any("Unit 7 follows the inside of quotation marks" in line for line in said)


def test_noise_is_called_noise() -> None:
    said = with_unit(np.random.default_rng(5).random(len(TEXT)))
    assert any("No unit follows the inside of quotation marks" in line for line in said)
    assert not any(line.startswith("Unit") for line in said)


def test_the_lowest_class_is_named() -> None:
    trace = make_trace(T=len(TEXT), H=20, layers=1).assign_coords(label=("token", TEXT))
    blanks = np.array([label == " " for label in TEXT])
    trace["forget"][0, 0] = np.where(blanks, 0.2, 0.9)[:, None]
    said = notices.gates(trace, "forget")
    assert any("lowest at spaces (mean 0.20)" in line for line in said)
    assert "0% of the time it is nearly open" in said[0]
