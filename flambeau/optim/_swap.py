"""Lends an optimizer other parameters and another state for a while."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flambeau.optim.optimizer import Optimizer


@contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: Sequence[Any], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """Inside the block ``optimizer`` steps on the given parameters with the given state.

    Args:
        optimizer: gets its own parameters and state back afterwards.
        swapin_parameters: one tensor for each of its parameters, in their order.
        swapin_optim_state: as ``optimizer.state_dict()`` gives it. Writes to its tensors stay;
            new entries are dropped.
    """
    groups, state = optimizer.param_groups, optimizer.state
    members = list(swapin_parameters)
    optimizer.param_groups = [
        {**group, "params": [members[number] for number in group["params"]]}
        for group in swapin_optim_state["param_groups"]
    ]
    optimizer.state = defaultdict(dict)
    for number, values in swapin_optim_state["state"].items():
        optimizer.state[members[number]] = dict(values)
    try:
        yield
    finally:
        optimizer.param_groups, optimizer.state = groups, state
