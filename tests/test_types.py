"""``torch.types``: names that annotations and ``isinstance`` use."""

from __future__ import annotations

import flambeau as torch
from flambeau import types


def test_values_are_of_the_types() -> None:
    assert all(isinstance(number, types.Number) for number in (1, 1.0, True))
    assert not isinstance(1j, types.Number) and not isinstance("1", types.Number)
    assert all(isinstance(place, types.Device) for place in (torch.device("cpu"), "cpu", 0, None))
    assert types.Storage is torch.TypedStorage
    assert (types._dtype, types._device, types._layout) == (
        torch.dtype,
        torch.device,
        torch.layout,
    )
    assert torch.Size([1]) and isinstance(3, types._Number)
