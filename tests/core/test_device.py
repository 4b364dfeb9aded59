"""``device``: spelling, identity, and the default device."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from flambeau.core.device import (
    as_device,
    device,
    get_default_device,
    set_default_device,
)


@pytest.fixture(autouse=True)
def _default_device() -> Iterator[None]:
    yield
    set_default_device(None)


def test_spelling() -> None:
    assert repr(device("cpu")) == "device(type='cpu')" and str(device("cpu")) == "cpu"
    assert repr(device("cuda:1")) == "device(type='cuda', index=1)" and str(device(1)) == "cuda:1"
    assert device("cuda:1") is device("cuda", 1) is device(type="cuda", index=1) is device(1)
    assert device(device("xpu:3")) is device("xpu:3") is device(device="xpu:3")
    assert device("cpu") != device("cpu:0") and device("cuda") != device("cuda:0")
    assert device("meta").type == "meta" and device("meta").index is None
    assert device("cpu") != "cpu"


def test_copies_are_the_same() -> None:
    one = device("cuda:1")
    assert copy.copy(one) is copy.deepcopy(one) is one
    assert one.__reduce__() == (device, ("cuda", 1))
    assert device("cpu").__reduce__() == (device, ("cpu",))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("foo",), "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, "
         "fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start "
         "of device string: foo"),
        (("CPU",), "Expected one of .* device type at start of device string: CPU"),
        (("cuda:",), "Invalid device string: 'cuda:'"),
        (("cuda:01",), "Invalid device string: 'cuda:01'"),
        (("cuda:1:2",), "Invalid device string: 'cuda:1:2'"),
        (("",), "Device string must not be empty"),
        ((-1,), "Device index must not be negative"),
        (("cuda", -1), "Device index must not be negative"),
        (("cuda:1", 1), "type \\(string\\) must not include an index because index was passed "
         "explicitly: cuda:1"),
    ],
)  # fmt: skip
def test_wrong_strings(given: tuple[object, ...], message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"^{message}$"):
        device(*given)  # type: ignore[arg-type]


def test_wrong_types() -> None:
    with pytest.raises(TypeError, match=r"^device\(\): argument 'type' \(position 1\) must be str"):
        device(device("cpu"), 1)
    for given, name in ((3.5, "float"), (True, "bool")):
        with pytest.raises(TypeError, match=rf"invalid combination of arguments - got \({name}\)"):
            device(given)


def test_default_device() -> None:
    assert get_default_device() is as_device(None) is device("cpu")
    with device("meta") as entered:
        assert entered is get_default_device() is as_device(None) is device("meta")
        with device("cuda:1"):
            assert get_default_device() is device("cuda:1")
        assert get_default_device() is device("meta")
    assert get_default_device() is device("cpu")
    set_default_device("cuda:2")
    assert as_device(None) is device("cuda:2") and as_device("cpu") is device("cpu")


def test_as_decorator() -> None:
    assert device("meta")(get_default_device)() is device("meta")
