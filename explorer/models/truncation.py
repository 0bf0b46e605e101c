"""Cutting the chain: how the gradient passes from each token to the one before it.

A link ξ(t) multiplies what flows back from h(t) to h(t−1): 1 lets it pass, 0 cuts it. Full
backpropagation has ξ = 1 everywhere; regular truncation (Williams & Peng 1990; Jaeger 2002) has
ξ = 0 at every k-th token; randomised truncation (Tallec & Ollivier 2017) draws

    ξ(t) = 1/π with probability π, else 0:   E ξ(t) = 1,  π = 1 − 1/k,

so that segments have k tokens on average, and what survives is weighted up until the mean over
draws is the full gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

Truncation = Literal["full", "regular", "randomised"]


def links(kind: Truncation, tokens: int, every: int, lanes: int, draw: Generator) -> Tensor:
    """ξ (tokens, lanes), or (tokens, 1) where all lanes are cut alike. every: tokens of a segment,
    at least 2; on average if randomised. draw: where chance comes from."""
    import torch

    if kind == "randomised":
        keep = 1 - 1 / every
        return (torch.rand(tokens, lanes, generator=draw) < keep) / keep  # (T, B)
    passes = torch.ones(tokens, 1)
    if kind == "regular":
        passes[::every] = 0
    return passes  # (T, 1)


def weigh(state: Any, link: Tensor) -> Any:
    """The same state, through which a gradient flows back `link` times as strong.

    state: h (…, B, hidden) or (h, c). link: ξ (B,), (1,), or () for a state without B.
    """
    if isinstance(state, tuple):
        return tuple(weigh(part, link) for part in state)
    fixed = state.detach()
    return fixed + link[..., None] * (state - fixed)  # its value: the difference is exactly 0


def read_in_pieces(core: nn.Module, x: Tensor, state: Any, links: Tensor) -> tuple[Tensor, Any]:
    """`core(x, state)`, the gradient passing from token to token as the links say. Tokens between
    which all of it passes are read as one piece, by the fused kernel.

    x: (T, B, inputs). links: ξ (T, B) or (T, 1). Returns h (T, B, hidden) and the last state.
    """
    import torch

    weighed = (links != 1).any(1).nonzero().flatten().tolist()
    starts = sorted({0, *weighed})
    read = []
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        if state is not None:
            state = weigh(state, links[start].to(x.device))
        h, state = core(x[start:end], state)  # (end − start, B, hidden)
        read.append(h)
    return torch.cat(read), state
