"""What it thinks so far: figure = trace, and what is said of it is true."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from explorer.sampling import stages
from explorer.views import figure, palette
from explorer.views import thinking_notices as notices
from explorer.views.ablation import before_after, name, title, worth
from explorer.views.lens import FEW, MANY, span
from explorer.views.sampling import DRAWN, table

ABOUT = {"run": "0" * 32, "step": 7, "model": "Transformer", "kind": "transformer"}
WORDS = ["a", "b", "<b>", "\n", "emoji🦜"]


def lens(T: int = 6, D: int = 3, words: tuple[str, ...] = ("a", "<", "🦜")) -> xr.Dataset:
    rng = np.random.default_rng(0)
    p = -np.sort(-rng.dirichlet(np.ones(5), (D, T)))
    order = np.argsort(rng.random((D, T, 5)))
    truth = np.append(rng.integers(1, 6, (D, T - 1)).astype(float), np.full((D, 1), np.nan), 1)
    return xr.Dataset(
        {"probability": (("depth", "token"), np.where(np.isnan(truth), np.nan, 0.25)),
         "order": (("depth", "token"), truth),
         "entropy": (("depth", "token"), rng.random((D, T))),
         "kl": (("depth", "token"), np.linspace(2, 0, D)[:, None].repeat(T, 1)),
         "candidate": (("depth", "token", "place"), order),
         "candidate_probability": (("depth", "token", "place"), p)},
        {"label": ("token", [words[t % len(words)] for t in range(T)]),
         "id": ("token", np.arange(T) % 5), "vocabulary": WORDS},
        ABOUT | {"of": T, "window": 256})


def test_the_cells_are_the_trace_and_bold_where_right() -> None:
    trace = lens()
    drawn = figure("lens", trace, token=2)
    heatmap, words = drawn.chart.data
    np.testing.assert_array_equal(heatmap.z, trace["candidate_probability"].values[:, :, 0])
    assert (heatmap.zmin, heatmap.zmax) == (0, 1)
    for cell, (depth, token) in zip(words.text, np.ndindex(3, 6), strict=True):
        assert cell.startswith("<b>") == (trace["order"].values[depth, token] == 1)
        guess = WORDS[int(trace["candidate"].values[depth, token, 0])]
        assert ("&lt;b&gt;" in cell) == (guess == "<b>")
        assert (cell.removeprefix("<b>") in ("emoji🦜", "emoji🦜</b>")) == (guess == "emoji🦜")
    truth = figure("lens", trace, of="truth").chart.data[0]
    np.testing.assert_array_equal(truth.z, trace["probability"].values)
    [frame] = drawn.chart.layout.shapes
    assert (frame.x0, frame.x1) == (1.5, 2.5)
    assert drawn.chart.layout.xaxis2.ticktext[:2] == ("&lt;", "🦜")
    assert drawn.chart.layout.yaxis.ticktext == ("embedding", "block 1", "block 2")


def test_the_lens_s_data_is_the_trace() -> None:
    trace = lens()
    data = figure("lens", trace).data
    assert len(data) == 18
    for row in data.itertuples():
        at = trace.isel(depth=row.depth, token=row.token)
        assert row.kl == float(at["kl"])
        assert row.guess == WORDS[int(at["candidate"][0])]
        assert row.guess_probability == float(at["candidate_probability"][0])
    assert data["next"].tolist()[:6] == ["<", "🦜", "a", "<", "🦜", ""]


@pytest.mark.parametrize(("T", "words", "token", "expected"), [
    (100, ("a",), 50, range(38, 38 + MANY)), (100, ("a",), 99, range(100 - MANY, 100)),
    (100, ("harbour",), 3, range(0, FEW)), (5, ("a",), 2, range(5)), (1, ("a",), 0, range(1))])
def test_so_many_tokens_around_the_chosen_are_drawn_as_fit(
    T: int, words: tuple[str, ...], token: int, expected: range
) -> None:
    trace = lens(T, words=words)
    assert span(trace, token) == expected
    caption = figure("lens", trace, token=token).caption
    assert ("Drawn: tokens" in caption) == (len(expected) < T)


def test_where_many_stand_side_by_side_long_words_are_cut() -> None:
    words = figure("lens", lens(100), token=50).chart.data[1].text
    guesses = figure("lens", lens(100), token=50).data["guess"]
    assert "emoji🦜" in guesses.tolist()
    for word, guess in zip(words, guesses, strict=True):
        assert (word.removeprefix("<b>").startswith("e…")) == (guess == "emoji🦜")


def test_crops_and_windows_are_said() -> None:
    trace = lens(30)
    trace.attrs |= {"of": 2001, "window": 16}
    caption = figure("lens", trace).caption
    assert "the first 30 of 2,001 tokens" in caption
    assert "trained on 16 tokens at once" in caption


def test_when_it_knows_is_the_first_depth_that_stays() -> None:
    trace = lens(T=3, D=4)
    best = np.array([[1, 2, 3], [1, 3, 3], [1, 2, 3], [1, 2, 0]])
    trace["candidate"].values[:, :, 0] = best
    assert notices.settled(trace).tolist() == [0, 2, 3]
    assert "from the embedding on" in notices.when(trace, 0)
    assert "likeliest from **block 2** on; just before that it was “⏎”" in notices.when(trace, 1)
    assert "had been the likeliest before (embedding)" in notices.when(trace, 1)
    assert "given up" not in notices.when(trace, 2)
    said = " ".join(notices.lens(trace, 1))
    assert "already that of the end: embedding 67%, block 1 33%, block 2 67%." in said
    trace["kl"].values[:] = np.array([3.0, 2.5, 0.5, 0.0])[:, None]
    assert "moves most in **block 2**: on average it comes 2.00" in " ".join(notices.lens(trace, 1))
    assert "repeats" not in said
    trace["candidate"].values[0, :, 0] = trace["id"].values
    assert "100% of its guesses" in " ".join(notices.lens(trace, 1))
    assert len(notices.lens(lens(T=1), 0)) == 1


LOGITS = np.array([[0.0, 3.0, 1.0, 2.0, -1.0], [0.0, 1.0, 1.5, 2.0, -1.0]])


def silenced() -> xr.Dataset:
    return xr.Dataset(
        {"logits": (("network", "vocabulary"), LOGITS),
         "loss": (("network", "token"), np.array([[np.nan, 1.0, 2.0], [np.nan, 1.5, 4.0]]))},
        {"network": ["whole", "silenced"], "vocabulary": WORDS,
         "label": ("token", ["a", "<b>", "c"])},
        ABOUT | {"token": 2})


def test_the_bars_of_a_draw_are_its_stages() -> None:
    drawn = figure("sampling", silenced(), temperature=0.5, top_k=3, top_p=0.9)
    found = stages(LOGITS[0], 0.5, 3, 0.9)
    for bar, stage in zip(drawn.chart.data, (found.scaled, found.chance, found.drawn), strict=True):
        np.testing.assert_array_equal(bar.x, stage)
    page = palette("light").background
    hollow = [fill == page for fill in drawn.chart.data[1].marker.color]
    assert hollow == (found.in_top_p == 0).tolist()
    assert hollow.count(True) == 3
    assert drawn.data["label"].tolist() == [WORDS[i] for i in found.order]
    np.testing.assert_array_equal(drawn.data["logit"], LOGITS[0][found.order])
    assert "Temperature 0.5, top-k 3, top-p 0.9" in drawn.caption


def test_a_draw_without_heat_and_with_many_words() -> None:
    cold = figure("sampling", silenced(), temperature=0)
    assert cold.data["drawn"].tolist() == [1, 0, 0, 0, 0]
    assert list(cold.chart.data[0].text)[1:] == ["−∞"] * 4
    assert "the likeliest has all" in cold.caption
    wide = xr.Dataset({"logits": (("token", "vocabulary"), np.eye(2, 40) * 5)},
                      {"vocabulary": [str(i) for i in range(40)]}, ABOUT)
    assert len(figure("sampling", wide, token=1).chart.data[0].x) == DRAWN
    assert figure("sampling", wide, token=1).data["label"][0] == "1"


def test_how_wide_the_choice_is() -> None:
    said = notices.sampling(table(silenced(), 1, 2, 1))
    assert "**2 of 5** tokens" in said[0]
    p = np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum()
    assert f"had {1 - p[1] - p[3]:.1%} of the probability" in said[1]
    assert f"drawn {p[1] / (p[1] + p[3]):.1%} of the time" in said[2]
    assert len(notices.sampling(table(silenced(), 1, 0, 1))) == 2


def worths(how: str = "zero") -> xr.Dataset:
    return xr.Dataset(
        {"without_head": (("layer", "head"), np.array([[1.1, 1.5, 1.0], [0.9, 1.2, 1.0]])),
         "without_feed": ("layer", np.array([3.0, 1.1]))}, {"label": ("token", ["a", "b"])},
        ABOUT | {"loss": 1.0, "how": how, "read": 2, "of": 2})


def test_what_each_part_is_worth_is_drawn_from_zero() -> None:
    drawn = figure("ablations", worths(), chosen=["1.2", "2.ff"])
    heads, feeds, words = drawn.chart.data
    np.testing.assert_allclose(heads.z, [[0.1, 0.5, 0], [-0.1, 0.2, 0]], atol=1e-12)
    np.testing.assert_allclose(feeds.z, [[2.0], [0.1]], atol=1e-12)
    for part in (heads, feeds):
        assert (part.zmin, part.zmax) == (-0.5, 0.5)
    assert list(words.text)[:5] == ["+0.10", "+0.50", "+0.00", "+2.00", "−0.10"]
    assert "the numbers go on" in drawn.caption
    frames = {(shape.x0, shape.y0) for shape in drawn.chart.layout.shapes}
    assert frames == {(0.5, -0.5), (3.0, 0.5)}
    assert drawn.data["name"].tolist()[:4] == ["1.1", "1.2", "1.3", "1.ff"]
    np.testing.assert_allclose(drawn.data["rise"][3], 2.0)
    assert "its mean stands in its place" in figure("ablations", worths("mean")).caption


def test_which_part_is_worth_most_is_said() -> None:
    said = " ".join(notices.ablations(worths()))
    assert "costs most is **layer 1, head 2**: 0.500" in said
    assert "50% of the loss" in said
    assert "that of layer 1: 2.000" in said
    assert "**better** without: layer 2, head 1" in said
    assert f"sum to {worth(worths())['rise'].sum():.2f}" in said
    same = worths().assign(without_head=(("layer", "head"), np.ones((2, 3))))
    assert "better" not in " ".join(notices.ablations(same))
    assert [title(name(0, None)), title(name(1, 2))] == ["layer 1, feed-forward", "layer 2, head 3"]


def test_before_and_after_are_softmaxes_of_the_trace() -> None:
    drawn = figure("silenced", silenced())
    share = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    rows = before_after(silenced())
    assert rows["id"].tolist() == [1, 3, 2, 0, 4]
    np.testing.assert_allclose(rows["before"], share[0, rows["id"]])
    np.testing.assert_allclose(rows["after"], share[1, rows["id"]])
    for bar, key in zip(drawn.chart.data, ("before", "after"), strict=True):
        np.testing.assert_array_equal(bar.x, rows[key])
    assert "&lt;b&gt;" in drawn.alt
    assert "<b>" not in drawn.alt
    said = " ".join(notices.silenced(silenced(), rows))
    assert "“b” had a probability of 0.64" in said
    assert "Now it would say **⏎**" in said
    assert "from 1.500 to 2.750" in said
    assert "token 2, “c”" in said


def attributions(**about: object) -> xr.Dataset:
    return xr.Dataset(
        {"attribution": ("token", np.array([0.5, -2.0, 0.1])),
         "attention": ("token", np.array([0.2, 0.3, 0.5])),
         "rollout": ("token", np.array([0.2, 0.5, 0.3])),
         "rank_attention": -0.5, "rank_rollout": 0.5},
        {"label": ("token", ["a", "<b>", "c"])},
        ABOUT | {"token": 2, "target": 1, "target_label": "b", "method": "occlusion", "first": 0,
                 "log_probability": -0.01, "baseline": 1.39, "gap": float("nan"), "steps": 0}
        | about)


def test_what_weighs_most_and_whether_attention_agrees_is_said() -> None:
    cropped = notices.attributions(attributions(first=4))
    assert "token 5: -2.00 nats" in cropped[0]
    assert "the first 4 tokens were not read" in cropped[1]
    said = notices.attributions(attributions())
    assert "token 1: -2.00 nats" in said[0]
    assert "“<b>”" in said[0], "the page escapes it"
    assert "ρ = -0.50 and with rollout by ρ = 0.50" in said[1]
    assert "another story" in said[2]
    alike = attributions().assign(rank_attention=0.8)
    assert "much alike" in notices.agreement(alike)
    whole = " ".join(notices.attributions(attributions(
        method="integrated-gradients", gap=0.0004, steps=32)))
    assert "sum to -1.400" in whole
    assert "differs by -1.400" in whole
    assert "+0.0004 is missing after 32 steps" in whole
    assert "all but sure" in " ".join(notices.attributions(attributions(method="gradient-input")))
    unsure = attributions(method="gradient-input", log_probability=-1.0)
    assert "all but sure" not in " ".join(notices.attributions(unsure))
    assert len(notices.attributions(attributions().assign(rank_attention=np.nan))) == 1
