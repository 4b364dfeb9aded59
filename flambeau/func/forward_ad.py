"""Forward-mode differentiation with explicit dual tensors: ``torch.autograd.forward_ad``.

>>> fwAD = torch.autograd.forward_ad
>>> with fwAD.dual_level():
...     out = fwAD.make_dual(torch.tensor(0.0), torch.tensor(1.0)).sin()
...     fwAD.unpack_dual(out).tangent
tensor(1.)
"""

from __future__ import annotations

from typing import NamedTuple

from flambeau.autograd.grad_mode import ContextDecorator
from flambeau.core.modes import modes
from flambeau.core.tensor import Tensor
from flambeau.func.dual import Dual, dual

_open: list[int] = []  # the level of the dual context that is entered


class UnpackedDualTensor(NamedTuple):
    """A tensor and its tangent, None where it has none."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Enters the context in which dual tensors live; they do not nest."""
    if _open:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    modes.level += 1
    _open.append(modes.level)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Leaves the context: dual tensors lose their tangents."""
    if not _open or level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. "
            "This is not supported."
        )
    _open.pop()
    modes.level -= 1


class dual_level(ContextDecorator):  # noqa: N801 - the public name
    """The context in which dual tensors live."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """``tensor`` with a tangent; both share the memory of the given ones."""
    if not _open:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not (value.dtype.is_floating_point or value.dtype.is_complex):
            raise ValueError(
                f"Expected {name} to be floating point or complex, but got: {value.dtype}"
            )
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the "
            f"original Tensor, this is not supported. Tensor is of size {list(tensor.shape)} "
            f"while the given forward gradient is of size {list(tangent.shape)}."
        )
    if tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"Expected tangent to have the same dtype as the primal, but got {tangent.dtype} "
            f"and {tensor.dtype}"
        )
    return dual(tensor.view_as(tensor), tangent, _open[-1])  # type: ignore[attr-defined]


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal and the tangent of a tensor; None for the tangent where there is none."""
    if _open and type(tensor) is Dual and tensor.level == _open[-1]:
        return UnpackedDualTensor(tensor.primal, tensor.tangent)
    if type(tensor) is Dual:
        return UnpackedDualTensor(tensor.primal, None)
    return UnpackedDualTensor(tensor, None)


__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]
