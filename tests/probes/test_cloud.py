"""Principal components as scikit-learn's; UMAP as umap-learn's; a path as the states it shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from explorer.errors import DataError
from explorer.models import Model
from explorer.probes import Opened, umap
from explorer.probes.capture import trace
from explorer.probes.cloud import SAMPLED, pca, projection
from tests.probes.conftest import open_trained

SENTENCE = 'a cat sat on "the mat" (flat).'


@pytest.fixture
def opened(ahead: Opened) -> Opened:
    """A text read from both ends has no states that depend on its past alone."""
    return ahead


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), n=st.integers(4, 60), H=st.integers(3, 20),
    dimensions=st.integers(2, 3),
)
def test_components_are_those_of_scikit_learn(seed: int, n: int, H: int, dimensions: int) -> None:
    points = np.random.default_rng(seed).normal(size=(n, H)) * np.arange(1, H + 1)
    theirs = PCA().fit(points)
    mean, axes, share = pca(points, dimensions)
    np.testing.assert_allclose(mean, theirs.mean_, atol=1e-12)
    np.testing.assert_allclose(share, theirs.explained_variance_ratio_, atol=1e-12)
    np.testing.assert_allclose(axes, theirs.components_[:dimensions], atol=1e-8)


def test_one_unit_has_a_second_axis_of_zeros() -> None:
    _, axes, share = pca(np.arange(5.0)[:, None], 2)
    np.testing.assert_array_equal(axes, [[1], [0]])
    np.testing.assert_array_equal(share, [1])


def test_states_that_never_change_have_no_variance() -> None:
    _, _, share = pca(np.ones((5, 3)), 2)
    np.testing.assert_array_equal(share, np.zeros(3))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_path_is_the_states_in_the_components_of_the_corpus(
    opened: Opened, dimensions: int
) -> None:
    layer = opened.network.spec.layers - 1
    seen = projection(opened, SENTENCE, dimensions=dimensions, layer=layer)
    theirs = PCA(dimensions).fit(everything(opened, layer)[seen["at"].values].astype(float))
    states = trace(opened, SENTENCE)["hidden"].values[layer, 0]
    expected = theirs.transform(states.astype(float))
    turned = np.sign((seen["loading"].values * theirs.components_).sum(1))  # two may weigh alike
    np.testing.assert_allclose(seen["path"] * turned, expected, atol=2e-3 * np.abs(expected).max())
    np.testing.assert_allclose(
        seen["explained"][:dimensions], theirs.explained_variance_ratio_, atol=1e-4)
    assert "".join(seen["label"].values) == SENTENCE


def everything(opened: Opened, layer: int) -> np.ndarray:
    """All states over the run's own text, computed at once."""
    with torch.no_grad():
        x = opened.network.read(torch.from_numpy(opened.corpus.ids))
        for number in range(layer + 1):
            x, _ = opened.network.layer(number)(x)
    found: np.ndarray = x.numpy()
    return found


def test_chosen_units_are_their_values(lstm: Opened) -> None:
    seen = projection(lstm, SENTENCE, method="units", units=[7, 2], observation="cell")
    states = trace(lstm, SENTENCE)["cell"].values[0, 0]
    np.testing.assert_allclose(seen["path"], states[:, [7, 2]], atol=1e-6)
    assert list(seen.attrs["chosen"]) == [7, 2]


def test_the_same_seed_draws_the_same_states(lstm: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLED, "pca", 100)
    one, same, other = (projection(lstm, SENTENCE, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one["at"], same["at"])
    np.testing.assert_array_equal(one["path"], same["path"])
    assert (one["at"].values != other["at"].values).any()
    assert one.attrs["sampled"] == 100
    assert one.sizes["point"] == 100


def test_points_know_their_context_and_whether_they_are_quoted(lstm: Opened) -> None:
    seen = projection(lstm, SENTENCE)
    content = "".join(lstm.corpus.labels)
    for i in (0, 50, seen.sizes["point"] - 1):
        at = int(seen["at"][i])
        assert str(seen["point_label"].values[i]) == content[at]
        assert str(seen["before"].values[i]) == content[max(0, at - 12) : at]
        assert str(seen["after"].values[i]) == content[at + 1 : at + 13]
        marked = bool(seen["marked"].sel(mark="the inside of brackets")[i])
        assert marked == (content[: at + 1].count("(") > content[: at + 1].count(")"))


def test_two_texts_are_compared_after_each_token_that_they_share_at_their_ends(
    lstm: Opened,
) -> None:
    seen = projection(lstm, "the cat sat", other="a fat sat")
    one, two = (trace(lstm, text)["hidden"].values[0, 0] for text in ("the cat sat", "a fat sat"))
    shared = len("at sat")
    expected = np.linalg.norm(one[-shared - 1 :] - two[-shared - 1 :], axis=1)
    np.testing.assert_allclose(seen["apart"], expected, atol=1e-6)
    np.testing.assert_allclose(  # one ends like the other: before its first token the state is zero
        projection(lstm, "cat", other="a cat")["apart"][0],
        np.linalg.norm(trace(lstm, "a cat")["hidden"].values[0, 0, 1]), rtol=1e-5)
    assert projection(lstm, "cat", other="dog")["apart"].shape == (1,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": ""}, "nothing to read"),
        ({"method": "magic"}, "no projection called “magic”"),
        ({"dimensions": 4}, "2 or 3 dimensions, not 4"),
        ({"method": "units", "units": [1]}, "Choose 2 units between 0 and 11"),
        ({"method": "units", "units": [1, 12]}, "Choose 2 units between 0 and 11"),
        ({"layer": 3}, "no layer 4"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    lstm: Opened, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        projection(lstm, **{"text": SENTENCE} | options)  # type: ignore[arg-type]


def clusters(n: int = 300, H: int = 8, seed: int = 0) -> np.ndarray:
    """Points round four centres on a line."""
    chance = np.random.default_rng(seed)
    return (chance.normal(size=(n, H)) + np.arange(n)[:, None] % 4 * 6).astype(np.float32)


def test_neighbours_are_exact() -> None:
    points, new = clusters(), clusters(20, seed=1)
    theirs = NearestNeighbors(n_neighbors=9).fit(points)
    distance, index = theirs.kneighbors(new)
    near = umap.nearest(points, new, 9)
    np.testing.assert_array_equal(near.which, index)
    np.testing.assert_allclose(near.distance, distance, atol=2e-3)
    own = umap.nearest(points, points, 9)
    np.testing.assert_allclose(own.distance, theirs.kneighbors()[0], atol=2e-3)
    assert not (own.which == np.arange(len(points))[:, None]).any()


def test_points_keep_their_neighbours() -> None:
    points = clusters()
    layout = umap.fit(points)
    assert trustworthiness(points, layout.placed, n_neighbors=10) > 0.9
    again = umap.fit(points)
    np.testing.assert_array_equal(layout.placed, again.placed)
    placed = umap.transform(layout, points[:40])
    apart = np.linalg.norm(placed - layout.placed[:40], axis=1)
    assert np.median(apart) < np.ptp(layout.placed) / 20, "what was fitted falls near itself"


@pytest.mark.parametrize("n", [umap.FEWEST, 20])
@pytest.mark.parametrize("alike", [False, True])
def test_few_points_and_equal_points_stay_finite(n: int, alike: bool) -> None:
    points = np.ones((n, 5), np.float32) if alike else clusters(n, 5)
    layout = umap.fit(points, dimensions=3)
    assert np.isfinite(layout.placed).all()
    assert np.isfinite(umap.transform(layout, points[:2] + 1)).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_graph_and_the_curve_are_those_of_umap_learn() -> None:
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set

    np.testing.assert_allclose(umap.curve(), find_ab_params(1.0, 0.1), rtol=1e-4)
    points, k = clusters(), 15
    near = umap.nearest(points, points, k - 1)
    index = np.hstack([np.arange(len(points))[:, None], near.which])
    distance = np.hstack([np.zeros((len(points), 1), np.float32), near.distance])
    theirs, _, _ = fuzzy_simplicial_set(
        points, k, np.random.RandomState(0), "euclidean", knn_indices=index, knn_dists=distance)
    ours = umap.union(points, k)
    dense = np.zeros(theirs.shape)
    dense[ours.head, ours.tail] = ours.weight
    np.testing.assert_allclose(dense, theirs.toarray(), atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_is_as_trustworthy_as_umap_learn() -> None:
    from umap import UMAP

    points = clusters(600, 16)
    theirs = UMAP(random_state=0, n_jobs=1).fit(points).embedding_
    ours = umap.fit(points).placed
    for k in (5, 15):
        assert (trustworthiness(points, ours, n_neighbors=k)
                > trustworthiness(points, theirs, n_neighbors=k) - 0.01)


def test_umap_of_a_network(lstm: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SAMPLED, "umap", 200)
    seen = projection(lstm, SENTENCE, other="the cat", method="umap")
    assert seen["cloud"].shape == (200, 2)
    assert seen["path"].shape == (len(SENTENCE), 2)
    again = projection(lstm, "the cat", method="umap")
    np.testing.assert_array_equal(seen["cloud"], again["cloud"])  # one space for all texts


def test_a_network_that_reads_both_ways_is_refused() -> None:
    spec = {"kind": "gru", "hidden": 4, "embedding": 3, "bidirectional": True}
    with pytest.raises(DataError, match="reads both ways"):
        projection(open_trained(Model.parse(spec), steps=2), "the cat")
