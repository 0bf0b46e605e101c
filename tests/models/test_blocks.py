"""Blocks are PyTorch's layers with the same weights; stacks are what their spec says of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from explorer.models import Model
from explorer.models.blocks import Block
from explorer.models.heads import Attention, Sight
from explorer.models.positions import Position
from explorer.models.stack import Stack
from explorer.models.tape import Tape, record
from explorer.models.transformer import Transformer

B, T, S, W, F, H, V = 2, 5, 7, 12, 20, 3, 9
EXACT: dict[str, Any] = {"atol": 1e-12, "rtol": 0}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def block(across: bool = False, **settings: Any) -> Block:
    torch.manual_seed(1)

    def mix() -> Attention:
        return Attention(W, H, Position.parse("none"))

    given: dict[str, Any] = {"inner": F, "activation": "gelu", "norm": "pre", "residual": True,
                             "dropout": 0.0}
    made = Block(W, mix(), across=mix() if across else None, **(given | settings)).double()
    with torch.no_grad():  # no bias and no norm is what it was
        for weight in made.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return made


def copy_attention(mine: Attention, theirs: nn.MultiheadAttention) -> None:
    assert theirs.in_proj_weight is not None
    theirs.in_proj_weight.copy_(mine.in_weight.flatten(0, 1))
    theirs.in_proj_bias.copy_(mine.in_bias.flatten())
    theirs.out_proj.load_state_dict(mine.out.state_dict())


@torch.no_grad()
def copied(mine: Block, theirs: Any) -> None:
    """The weights of a block into PyTorch's layer."""
    copy_attention(mine.mix, theirs.self_attn)  # type: ignore[arg-type]
    theirs.linear1.load_state_dict(mine.feed.up.state_dict())
    theirs.linear2.load_state_dict(mine.feed.down.state_dict())
    arounds = [mine.around_mix, mine.around_feed]
    if mine.across is not None:
        copy_attention(mine.across, theirs.multihead_attn)
        arounds.insert(1, mine.around_across)  # type: ignore[arg-type]
    for number, around in enumerate(arounds, start=1):
        getattr(theirs, f"norm{number}").load_state_dict(around.norm.state_dict())  # type: ignore[union-attr]


SETTINGS = list(product(("pre", "post"), ("relu", "gelu"), (False, True)))
CAUSAL = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
VALID = torch.tensor([[True] * 3 + [False] * 2, [True] * 5])


@pytest.mark.parametrize(("norm", "activation", "causal"), SETTINGS)
@pytest.mark.filterwarnings("ignore:.*mismatched.*:UserWarning")
def test_a_block_is_pytorchs_encoder_layer(norm: str, activation: str, causal: bool) -> None:
    mine = block(norm=norm, activation=activation)
    theirs = nn.TransformerEncoderLayer(
        W, H, F, 0.0, activation, batch_first=True, norm_first=norm == "pre", dtype=torch.float64)
    copied(mine, theirs)
    x, places = drawn(B, T, W), torch.arange(T)
    for valid in (None, VALID):
        seen = Sight(places, places, causal, valid)
        said = theirs(x, src_mask=CAUSAL if causal else None,
                      src_key_padding_mask=None if valid is None else ~valid)
        here = torch.ones(B, T, dtype=torch.bool) if valid is None else valid
        for tape in (None, Tape()):
            output = through(mine, x, seen, tape)
            torch.testing.assert_close(output[here], said[here], **EXACT)


def through(made: Block, x: Tensor, seen: Sight, tape: Tape | None) -> Tensor:
    """Fused, or, with a tape, by the readable lines."""
    if tape is None:
        return made(x, seen)[0]
    with record(tape):
        return made(x, seen)[0]


@pytest.mark.parametrize(("norm", "activation"), list(product(("pre", "post"), ("relu", "gelu"))))
def test_a_block_that_looks_across_is_pytorchs_decoder_layer(norm: str, activation: str) -> None:
    mine = block(across=True, norm=norm, activation=activation)
    theirs = nn.TransformerDecoderLayer(
        W, H, F, 0.0, activation, batch_first=True, norm_first=norm == "pre", dtype=torch.float64)
    copied(mine, theirs)
    x, memory, places = drawn(B, T, W), drawn(B, S, W, seed=1), torch.arange(T)
    valid = torch.arange(S) < torch.tensor([4, S])[:, None]
    said = theirs(x, memory, tgt_mask=CAUSAL, memory_key_padding_mask=~valid)
    source = mine.source(memory)
    across = Sight(places, torch.arange(S), False, valid)

    def written() -> torch.Tensor:
        read, _ = mine.along(x, Sight(places, places, True))
        return mine.on(mine.look(read, source, across)[0])

    torch.testing.assert_close(written(), said, **EXACT)
    with record(Tape()):
        torch.testing.assert_close(written(), said, **EXACT)


@pytest.mark.parametrize(("norm", "residual"), list(product(("pre", "post", "none"),
                                                            (False, True))))
def test_output_less_residual_is_the_sublayer_from_the_tape_alone(
    norm: str, residual: bool
) -> None:
    mine, x, places = block(norm=norm, residual=residual), drawn(B, T, W), torch.arange(T)
    tape = Tape()
    output = through(mine, x, Sight(places, places, True), tape)
    [got] = [{name: value for name, kept in tape.kept.items() for value in kept.values()}]
    before, middle = (got["before"], got["middle"]) if residual else (0, 0)
    torch.testing.assert_close(got["attended_sum"] - before, got["attended"], **EXACT)
    torch.testing.assert_close(got["fed_sum"] - middle, got["fed"], **EXACT)
    first, second = mine.around_mix, mine.around_feed
    normed = {"pre": (("attention_reads", first, "before"), ("feed_reads", second, "middle")),
              "post": (("middle", first, "attended_sum"), ("after", second, "fed_sum")),
              "none": ()}[norm]
    for made, around, given in normed:
        torch.testing.assert_close(got[made], around.norm(got[given]), **EXACT)  # type: ignore[misc]
    same = {"pre": (("middle", "attended_sum"), ("after", "fed_sum")),
            "post": (("attention_reads", "before"), ("feed_reads", "middle")),
            "none": (("middle", "attended_sum"), ("after", "fed_sum"),
                     ("attention_reads", "before"), ("feed_reads", "middle"))}[norm]
    for one, other in same:
        torch.testing.assert_close(got[one], got[other], **EXACT)
    torch.testing.assert_close(got["after"], output, **EXACT)
    torch.testing.assert_close(mine.feed.down(got["active"]), got["fed"], **EXACT)


def test_dropout_changes_training_alone() -> None:
    mine, x, places = block(dropout=0.5), drawn(B, T, W), torch.arange(T)
    seen = Sight(places, places, True)
    assert not torch.equal(through(mine, x, seen, None), through(mine, x, seen, None))
    mine.eval()
    torch.testing.assert_close(through(mine, x, seen, None), through(mine, x, seen, Tape()),
                               **EXACT)


POSITIONS = ("none", "sinusoidal", "learned", "rotary", "alibi")
ADMITTED = [
    {"positions": positions, "norm": norm, "residual": residual, "tied": tied, "split": split}
    for positions, norm, residual, tied, split in product(
        POSITIONS, ("pre", "post", "none"), (False, True), (False, True), (False, True))]


def spec(**settings: Any) -> Transformer:
    chosen = {"kind": "transformer", "hidden": 12, "heads": 3, "layers": 2, "context": 16}
    found: Transformer = Model.parse(chosen | settings)
    return found


def built(**settings: Any) -> Stack:
    torch.manual_seed(0)
    made = spec(**settings).build(V).double().eval()
    assert isinstance(made, Stack)
    return made


@pytest.mark.parametrize("settings", ADMITTED, ids=lambda s: "-".join(map(str, s.values())))
def test_a_spec_knows_the_weights_of_its_network(settings: dict[str, Any]) -> None:
    network = built(**settings)
    found = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    said = spec(**settings).shapes(V)
    if settings["tied"]:  # the state names the shared matrix twice, a snapshot once
        assert network.decoder.weight is network.encoder.weight
        found.pop("decoder.weight")
    assert found == said
    assert sum(weight.numel() for weight in network.parameters()) == spec(**settings).parameters(V)


@pytest.mark.parametrize("settings", ADMITTED[::3], ids=lambda s: "-".join(map(str, s.values())))
def test_a_network_reads_the_same_fused_taped_and_token_by_token(
    settings: dict[str, Any]
) -> None:
    network, ids = built(**settings), torch.tensor([[1, 3, 0, 8, 2, 2], [4, 4, 7, 1, 0, 5]]).T
    with torch.no_grad():
        fused, kept = network(ids)
        with record(Tape()):
            readable, _ = network(ids)
        torch.testing.assert_close(fused, readable, atol=1e-11, rtol=0)
        state = None
        for t, token in enumerate(ids):
            guess, state = network(token[None], state)
            torch.testing.assert_close(guess[0], fused[t], atol=1e-11, rtol=0)
        first, state = network(ids[:2])
        rest, _ = network(ids[2:], state)
        torch.testing.assert_close(torch.cat((first, rest)), fused, atol=1e-11, rtol=0)
    assert len(kept) == 2 * network.spec.layers


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_future_does_not_change_a_guess_unless_it_reads_both_ways(positions: str) -> None:
    ids = torch.tensor([[1, 3, 0, 8, 2, 2]]).T
    other = ids.clone()
    other[4:] = torch.tensor([[7], [5]])
    network = built(positions=positions)
    with torch.no_grad():
        one, two = network(ids)[0], network(other)[0]
        torch.testing.assert_close(one[:4], two[:4], **EXACT)
        assert not torch.allclose(one[4:], two[4:])
        torch.manual_seed(0)
        both = spec(positions=positions).reader(V, causal=False).double().eval()
        assert not torch.allclose(both(ids)[0][:4], both(other)[0][:4])


@pytest.mark.parametrize("settings", [
    {"hidden": 10, "heads": 4}, {"layers": 0}, {"layers": 7}, {"heads": 0},
    {"hidden": 9, "heads": 3, "positions": "rotary"},
    {"hidden": 9, "heads": 3, "positions": "sinusoidal"}])
def test_sizes_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(**settings)


def test_weights_into_the_residual_path_are_drawn_smaller_the_deeper() -> None:
    def spread(layers: int) -> float:
        network = built(hidden=96, layers=layers)
        return float(torch.cat([each.feed.down.weight.detach().flatten()  # type: ignore[union-attr]
                                for each in network.blocks]).std())

    assert spread(1) / spread(4) == pytest.approx(2, rel=0.05)
