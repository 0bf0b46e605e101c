"""What one step does to a small change of the state: ∂h(t)/∂h(t−1), and the weights behind it.

The gradient over k steps is a product of k such matrices. Where the largest singular value of each
is below 1 it must vanish; to explode, some must be above 1 (Bengio et al. 1994; Pascanu et al.
2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
import xarray as xr
from torch import Tensor

from explorer.errors import DataError
from explorer.probes.bptt import doubled, guess, layer_of, observe, one_way, spread
from explorer.probes.capture import about, admit
from explorer.probes.opened import Opened
from explorer.words import N_

WORK = 6e8  # of singular value decompositions, in size³: half a second to a second

Of = Literal["hidden", "state"]


def jacobians(
    opened: Opened,
    text: str,
    layer: int = -1,
    of: Of = "state",
    most: int = 200,
    model: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """`singular` over (token, rank): the singular values, largest first, of the Jacobian of a step
    at some tokens of the text, spread evenly, the last among them. `frobenius` over token: the root
    of the sum of their squares. Coordinate `position`: which tokens.

    of: "hidden" = ∂h(t)/∂h(t−1), the cell of an LSTM held fixed; "state" = of all that is carried
    on: the same for an RNN and a GRU, ∂(h, c)(t)/∂(h, c)(t−1) for an LSTM. layer: −1 the top one.
    most: tokens at most, fewer if that would take too long. attrs["of"], attrs["tokens"] say what
    was looked at. Raises DataError: fewer than two tokens, no such layer, no such `of`.
    """
    if of not in ("hidden", "state"):
        raise DataError(N_("There are Jacobians of the “hidden” state and of the whole “state”."))
    opened = one_way(opened.untrained(model, seed))
    tokens = admit(opened, text)
    guess(tokens, -1)
    layer = layer_of(opened, layer)
    spec, T = opened.network.spec, len(tokens)
    whole = of == "state" and spec.has_cell
    size = spec.hidden * (2 if whole else 1)
    positions = spread(1, T - 1, max(1, min(most, int(WORK / size**3))))
    with torch.no_grad():
        found = at_tokens(opened, torch.from_numpy(tokens.ids), layer, positions, whole)
        singular = torch.linalg.svdvals(found)  # (token, rank)
    return xr.Dataset(
        {
            "singular": (("token", "rank"), singular.numpy()),
            "frobenius": ("token", found.flatten(1).norm(dim=1).numpy()),
        },
        {
            "position": ("token", positions),
            "label": ("token", [tokens.labels[t] for t in positions]),
        },
        about(opened) | {"layer": layer, "of": "state" if whole else "hidden", "tokens": T},
    )


@torch.no_grad()
def at_tokens(
    opened: Opened, ids: Tensor, layer: int, positions: list[int], whole: bool
) -> Tensor:
    """The Jacobians of a layer's step at some tokens, in float64: (token, out, in).

    whole: of an LSTM's (h, c) instead of its h alone. Each row is one backward step from a unit
    vector, which is the product form: diagonal matrices of slopes around U.
    """
    spec = opened.network.spec
    seen = observe(opened, ids[: max(positions) + 1])[layer]
    w = doubled(opened.network.weights(layer))
    zeros = torch.zeros(spec.hidden, dtype=torch.float64)
    slopes = spec.slopes(seen, (zeros, zeros) if spec.has_cell else zeros, w)
    rows = torch.eye(spec.hidden * (2 if whole else 1), dtype=torch.float64)
    found = []
    for t in positions:
        d: Any = rows
        if spec.has_cell:
            d = rows.chunk(2, 1) if whole else (rows, torch.zeros_like(rows))
        before, _ = spec.back(d, type(slopes)(*(slope[t] for slope in slopes)), w.U)
        found.append(torch.cat(before, 1) if whole else spec.output(before))
    return torch.stack(found)


def recurrent_eigenvalues(
    opened: Opened,
    layer: int = -1,
    model: Mapping[str, Any] | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """`real`, `imaginary` over (block, unit): the eigenvalues of U, which carries h(t−1) into the
    sum of each gate, largest first; `radius` over block: the size of the largest.

    layer: −1 the top one. Raises DataError: no such layer.
    """
    opened = one_way(opened.untrained(model, seed))
    layer = layer_of(opened, layer)
    spec = opened.network.spec
    with torch.no_grad():
        blocks = torch.stack(opened.network.weights(layer).U.double().split(spec.hidden))
        values = torch.linalg.eigvals(blocks)  # (block, unit)
        order = values.abs().argsort(1, descending=True)
        values = values.gather(1, order)
    return xr.Dataset(
        {
            "real": (("block", "unit"), values.real.numpy()),
            "imaginary": (("block", "unit"), values.imag.numpy()),
            "radius": ("block", values.abs()[:, 0].numpy()),
        },
        {"block": list(spec.blocks)},
        about(opened) | {"layer": layer},
    )
