"""``torch.utils.dlpack``."""

from __future__ import annotations

import numpy as np

import flambeau as torch
from flambeau.utils import dlpack


def test_memory_is_shared_through_a_capsule() -> None:
    x = torch.zeros(3)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0] = 1
    assert x.tolist() == [1.0, 0.0, 0.0]
    array = np.arange(2)
    dlpack.from_dlpack(array)[1] = 7
    assert array.tolist() == [0, 7]


def test_devices_have_the_numbers_of_the_standard() -> None:
    assert torch.ones(1).__dlpack_device__() == (dlpack.DLDeviceType.kDLCPU, 0)
    assert {t.name: t.value for t in dlpack.DLDeviceType}["kDLROCM"] == 10
    assert len(dlpack.DLDeviceType) == 15
