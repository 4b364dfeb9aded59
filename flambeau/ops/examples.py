"""Random draws inside of ``vmap``: one for all examples, or one for each.

A ``vmap`` says what it wants by ``randomness=``. In "different" what is drawn has a dimension more,
which counts the examples and is hidden afterwards.
"""

from __future__ import annotations

from typing import Any

from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor


def counts() -> tuple[int, ...]:
    """How many examples the vmaps around have whose examples have draws of their own.

    RuntimeError where a vmap does not say what it wants.
    """
    for batch in modes.batches:
        if batch.randomness == "error":
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
    return tuple([b.size for b in modes.batches if b.randomness == "different"])


def hide(drawn: Tensor) -> Tensor:
    """What was drawn for all examples, with the dimensions that count them hidden."""
    for batch in modes.batches:
        if batch.randomness == "different":
            drawn = batch.wrap(drawn, batch.level)
    return drawn


def check_in_place(target: Any) -> None:
    """RuntimeError for an in-place draw into what is no tensor of the vmap that is running."""
    counts()
    inner = modes.batches[-1]
    if inner.randomness == "different" and target.level < inner.level:
        raise RuntimeError(
            "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will "
            "appear like same randomness. If this is necessary for your usage, please file an "
            "issue with functorch."
        )
