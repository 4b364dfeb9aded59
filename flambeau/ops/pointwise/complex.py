"""Complex numbers: their parts, conjugates and polar form.

``conj`` and ``_neg_view`` are views: what they do to elements is done when these are read
(design note 010).
"""

from __future__ import annotations

from typing import Any

from flambeau.core.autocast import autocasting
from flambeau.core.dtype import dtype, float16, float32, float64, scalar_name
from flambeau.core.families import pointwise_shape, unary
from flambeau.core.flips import CONJ, NEG, flip
from flambeau.core.graph import record
from flambeau.core.modes import flags, modes
from flambeau.core.op import LINEAR, POINTWISE, Op
from flambeau.core.publish import aten, exported, method, not_a_tensor
from flambeau.core.storage import as_strided, offset, strides
from flambeau.core.tensor import Tensor, wrap_view
from flambeau.core.writing import deliver
from flambeau.kernels.shared import pointwise_complex as kernels
from flambeau.ops.pointwise.rules import conj as conjugate
from flambeau.ops.pointwise.rules import zeros

# ---- real and imaginary parts, as views


def _imaginary_part(array: Any) -> Any:
    return array.imag


def _real_part(array: Any) -> Any:
    return array.real


_real = Op("real", _real_part, node="Select", view=True, jvp=LINEAR, batch=POINTWISE,
    vjp={"input": lambda grad: grad})  # fmt: skip
_imag = Op("imag", _imaginary_part, node="Select", view=True, jvp=LINEAR, batch=POINTWISE,
    vjp={"input": lambda grad: grad * 1j})  # fmt: skip


def real(input: Tensor) -> Tensor:
    """The real parts, a view; of a real tensor, the tensor itself.

    >>> torch.real(torch.tensor([1 + 2j]))
    tensor([1.])
    """
    if not input.dtype.is_complex:
        return input
    return _real(_conj(input) if input._flips & CONJ else input)


def imag(input: Tensor) -> Tensor:
    """The imaginary parts, a view; RuntimeError for a real tensor.

    >>> torch.imag(torch.tensor([1 + 2j]))
    tensor([2.])
    """
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return _imag(_neg_view(_conj(input)) if input._flips & CONJ else input)


def _set_real(self: Tensor, value: Any) -> None:
    real(self).copy_(value)  # type: ignore[attr-defined]


def _set_imag(self: Tensor, value: Any) -> None:
    imag(self).copy_(value)  # type: ignore[attr-defined]


Tensor.real = property(real, _set_real, doc=real.__doc__)  # type: ignore[attr-defined]
Tensor.imag = property(imag, _set_imag, doc=imag.__doc__)  # type: ignore[attr-defined]


def _as_real(array: Any) -> Any:
    parts = array.real
    return as_strided(parts, (*array.shape, 2), (*strides(parts), 1), offset(parts))


def _as_complex(array: Any) -> Any:
    return array.view(f"c{2 * array.itemsize}")[..., 0]


_view_as_real = Op("view_as_real", _as_real, view=True, jvp=LINEAR, batch=POINTWISE,
    vjp={"input": lambda grad: _complex_of(grad)})  # fmt: skip
_view_as_complex = Op("view_as_complex", _as_complex, view=True, jvp=LINEAR, batch=POINTWISE,
    vjp={"input": lambda grad: _view_as_real(grad)})  # fmt: skip


def _complex_of(grad: Tensor) -> Tensor:
    return _view_as_complex(grad.contiguous())  # type: ignore[attr-defined]


def view_as_real(input: Tensor) -> Tensor:
    """A view of a complex tensor with real and imaginary parts in a last dimension of size 2.

    ``[*]`` gives ``[*, 2]``; RuntimeError for real tensors.

    >>> torch.view_as_real(torch.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    if not input.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    if input._flips & CONJ:
        raise RuntimeError(
            "view_as_real doesn't work on unresolved conjugated tensors.  To resolve the conjugate "
            "tensor so you can view it as real, use self.resolve_conj(); however, be warned that "
            "the resulting tensor will NOT alias the original."
        )
    return _view_as_real(input)


@autocasting("view_as_complex")
def view_as_complex(input: Tensor) -> Tensor:
    """A complex view of a tensor with real and imaginary parts in a last dimension of size 2.

    Raises RuntimeError unless that dimension has stride 1 and the other strides are even.
    """
    if input.dtype is float16:
        input.kind.of(input.dtype.to_complex())  # there is no complex32
    if input.dtype not in (float32, float64):
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {scalar_name(input.dtype)}"
        )
    if not input.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    *others, last = input.stride()  # type: ignore[attr-defined]
    if last != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    for dim, step in enumerate(others):
        if step % 2:
            raise RuntimeError(f"Tensor must have a stride divisible by 2 for dimension {dim}")
    if input.storage_offset() % 2:  # type: ignore[attr-defined]
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    return _view_as_complex(input)


# ---- conjugates


def _same_memory(array: Any) -> Any:
    return array


_conj = Op("conj", _same_memory, view=True, flips=CONJ, batch=POINTWISE, jvp=LINEAR,
    vjp={"input": lambda grad: grad.conj()})  # fmt: skip
_neg = Op("neg_view", _same_memory, view=True, flips=NEG, batch=POINTWISE, jvp=LINEAR,
    vjp={"input": lambda grad: -grad})  # fmt: skip


@method("conj")
def conj(input: Tensor) -> Tensor:
    """The complex conjugate, a view; of a real tensor, the tensor itself.

    >>> z = torch.tensor([1 + 2j])
    >>> z.conj().is_conj(), z.conj().data_ptr() == z.data_ptr()
    (True, True)
    """
    try:
        kind = input._kind
    except AttributeError:
        raise not_a_tensor("conj", "input", 1, input) from None
    if kind is None or flags.active:
        return _conj(input) if input.dtype.is_complex else input
    if kind.category != 8:
        return input
    result = flip(wrap_view(input._array, kind, input), CONJ)
    if input._node is not None and modes.grad:
        record(_conj, result, (input,))
    return result


@aten("_conj")
@method("_conj")
def _conj_of_complex(input: Tensor) -> Tensor:
    """The complex conjugate, a view; RuntimeError for a real tensor."""
    if not input.dtype.is_complex:
        raise RuntimeError("_conj is only supported for complex tensors")
    return _conj(input)


@aten("_neg_view")
@method("_neg_view")
def _neg_view(input: Tensor) -> Tensor:
    """The negative of ``input``, a view."""
    if not isinstance(input, Tensor):
        raise not_a_tensor("_neg_view", "input", 1, input)
    return _neg(input)


_conj_physical = unary("conj_physical", kernels.conjugate, promote="same",
    vjp=lambda grad: conjugate(grad),
    methods="conj_physical_")  # fmt: skip


@aten("_conj_physical")
@method("conj_physical _conj_physical")
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate in memory of its own; of a real tensor, the tensor itself.

    >>> torch.conj_physical(torch.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    if input.dtype.is_complex:
        return _conj_physical(input, out=out)
    return input if out is None else _conj_physical(input, out=out)


@method("resolve_conj")
def resolve_conj(input: Tensor) -> Tensor:
    """A copy with the elements of a lazy conjugate; any other tensor itself.

    >>> torch.resolve_conj(torch.tensor([1 + 2j]))
    tensor([1.+2.j])
    """
    return input.clone() if _flips("resolve_conj", input) & CONJ else input  # type: ignore[attr-defined]


@method("resolve_neg")
def resolve_neg(input: Tensor) -> Tensor:
    """A copy with the elements of a lazy negative; any other tensor itself.

    >>> torch.resolve_neg(torch.tensor([1.]))
    tensor([1.])
    """
    return input.clone() if _flips("resolve_neg", input) & NEG else input  # type: ignore[attr-defined]


@method("is_conj")
def is_conj(input: Tensor) -> bool:
    """Whether the memory holds the conjugates of the elements.

    >>> torch.is_conj(torch.tensor([1j]).conj())
    True
    """
    return bool(_flips("is_conj", input) & CONJ)


@method("is_neg")
def is_neg(input: Tensor) -> bool:
    """Whether the memory holds the negatives of the elements.

    >>> torch.is_neg(torch.ones(2))
    False
    """
    return bool(_flips("is_neg", input) & NEG)


def _flips(name: str, input: Any) -> int:
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    return input._flips


# ---- polar form


def _turned(grad: Any, input: Any) -> Any:
    """The gradient of the angle: at right angles to ``input``."""
    if not input.is_complex():
        return zeros(grad)
    square = input.real * input.real + input.imag * input.imag
    return (grad * (input * 1j) / square).where(square != 0, 0)


angle = unary("angle", kernels.angle, changes="c", vjp=_turned,
    doc="""The angle of complex numbers in radians; 0 or pi of real ones.

    >>> torch.angle(torch.tensor([1j, -1 + 0j]))
    tensor([1.5708, 3.1416])""",
    methods="angle")  # fmt: skip


def _pair(name: str, first: Any, second: Any, names: tuple[str, str]) -> None:
    for position, (argument, value) in enumerate(zip(names, (first, second)), 1):
        if not isinstance(value, Tensor):
            raise not_a_tensor(name, argument, position, value)
    if not (first.is_floating_point() and second.is_floating_point()):
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{scalar_name(first.dtype)} and {scalar_name(second.dtype)}"
        )
    if first.dtype is not second.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {scalar_name(first.dtype)} but got scalar type "
            f"{scalar_name(second.dtype)} for second argument"
        )


def _complex_out(name: str, of: dtype, out: Tensor | None) -> Tensor | None:
    if out is not None and out.dtype is not of.to_complex():
        raise RuntimeError(
            f"Expected object of scalar type {scalar_name(of.to_complex())} but got scalar type "
            f"{scalar_name(out.dtype)} for argument 'out'"
        )
    return out


_complex = Op("complex", kernels.complex_of, inputs=("real", "imag"), jvp=LINEAR, batch=POINTWISE,
    shape=pointwise_shape(kernels.complex_of),
    vjp={"real": lambda grad: grad.real, "imag": lambda grad: grad.imag})  # fmt: skip


def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex numbers with these real and imaginary parts, both float32 or float64.

    The shapes broadcast; RuntimeError for other dtypes, or for two of them.

    >>> torch.complex(torch.tensor([1., 2.]), torch.tensor([0., -1.]))
    tensor([1.+0.j, 2.-1.j])
    """
    _pair("complex", real, imag, ("real", "imag"))
    real.kind.of(real.dtype.to_complex())  # there is no complex32
    return deliver("complex", _complex(real, imag), _complex_out("complex", real.dtype, out))


_polar = Op("polar", kernels.polar, inputs=("abs", "angle"), batch=POINTWISE,
    jvp=lambda angle, abs_t, angle_t, result: (
        _polar(angle * 0 + 1, angle) * abs_t + result * 1j * angle_t),
    shape=pointwise_shape(kernels.polar),
    vjp={
        "abs": lambda grad, result: (grad.conj() * result.sgn()).real,
        "angle": lambda grad, result: (grad.conj() * (result * 1j)).real,
    })  # fmt: skip


def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex numbers with these lengths and angles in radians, both float32 or float64.

    The shapes broadcast; RuntimeError for other dtypes, or for two of them.

    >>> torch.polar(torch.tensor([2.]), torch.tensor([torch.pi / 2])).imag
    tensor([2.])
    """
    _pair("polar", abs, angle, ("abs", "angle"))
    return deliver("polar", _polar(abs, angle), _complex_out("polar", abs.dtype, out))


__all__ = exported(globals())
