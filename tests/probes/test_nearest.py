"""The nearest states, as scikit-learn finds them."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from explorer.errors import DataError
from explorer.probes import Opened
from explorer.probes.capture import trace
from explorer.probes.corpus import Corpus
from explorer.probes.nearest import LISTED, nearest_states, read_states

SENTENCE = "the fat dog"


@pytest.fixture
def opened(ahead: Opened) -> Opened:
    """A text read from both ends has no states that depend on its past alone."""
    return ahead


def test_they_are_those_of_scikit_learn(opened: Opened) -> None:
    layer = opened.network.spec.layers - 1
    corpus = Corpus(opened, layer)
    corpus.go_on()
    theirs = NearestNeighbors(n_neighbors=LISTED, algorithm="brute")
    theirs.fit(corpus.at(np.arange(corpus.read)))
    state = trace(opened, SENTENCE)["hidden"].values[layer, 0, 6]
    distance, _ = theirs.kneighbors(state[None])
    found = nearest_states(opened, SENTENCE, 6, layer)
    np.testing.assert_allclose(found["distance"], distance[0], atol=1e-3)
    content = "".join(corpus.labels)
    at = found["start"].values
    assert [str(hit) for hit in found["hit"].values] == [content[t] for t in at]
    own = np.linalg.norm(corpus.at(at) - state, axis=1)
    np.testing.assert_allclose(found["distance"], own, atol=1e-4)


def test_the_text_itself_is_nearest_to_itself(lstm: Opened) -> None:
    beginning = "".join(lstm.corpus.labels[:40])
    found = nearest_states(lstm, beginning, 30)
    assert int(found["start"][0]) == 30
    assert float(found["distance"][0]) <= found.attrs["error"] * np.sqrt(12) + 1e-5
    assert found.attrs["median"] > float(found["distance"][0])


def test_reading_is_told_as_it_goes(lstm: Opened) -> None:
    told = read_states(lstm, seconds=60).attrs
    assert told["read"] == told["size"] == told["of"] == len(lstm.corpus)


@pytest.mark.parametrize("token", [-1, 11])
def test_a_token_outside_the_text_is_said(lstm: Opened, token: int) -> None:
    with pytest.raises(DataError, match=f"no token {token}"):
        nearest_states(lstm, SENTENCE, token)
