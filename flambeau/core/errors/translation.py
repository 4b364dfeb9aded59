"""NumPy's errors in PyTorch's types and words.

Kernels do not check what NumPy checks anyway. When it refuses, the row of ``_ROWS`` that knows its
message builds PyTorch's error from what the operator was called with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from flambeau.core.dtype import default, dtype, from_numpy_type
from flambeau.core.errors import messages
from flambeau.core.promotion import cannot_cast, result_dtype


@dataclass
class Call:
    """What went wrong: NumPy's error, and the operator with its arguments."""

    error: Exception
    name: str
    arguments: Sequence[Any]
    params: Sequence[Any]

    @property
    def tensors(self) -> list[Any]:
        """The tensors among the arguments, those in lists included."""
        found: list[Any] = []
        for argument in self.arguments:
            found += argument if isinstance(argument, (list, tuple)) else [argument]
        return [t for t in found if hasattr(t, "shape") and hasattr(t, "dtype")]

    @property
    def shapes(self) -> list[list[int]]:
        return [list(t.shape) for t in self.tensors]

    @property
    def dtype(self) -> dtype | None:
        """The dtype in which the operator would have computed."""
        try:
            given = [
                a for a in self.arguments if a is not None and not isinstance(a, (list, tuple))
            ]
            return result_dtype(*given)
        except Exception:
            return next((t.dtype for t in self.tensors if isinstance(t.dtype, dtype)), None)


Row = Callable[[Call, "re.Match[str]"], Exception | None]
_ROWS: list[tuple[str, Row]] = []


def translate(
    error: Exception, operator: str, arguments: Sequence[Any], params: Sequence[Any] = ()
) -> Exception:
    """PyTorch's error for an error of NumPy, with the same traceback; other errors unchanged."""
    try:
        found = _translated(Call(error, operator, arguments, params))
    except Exception:  # a mistake in here must not hide the error itself
        found = None
    if found is None:
        return error
    found.__suppress_context__ = True
    return found.with_traceback(error.__traceback__)


def _translated(call: Call) -> Exception | None:
    error = call.error
    if isinstance(error, ZeroDivisionError):
        return RuntimeError("ZeroDivisionError")
    if type(error).__module__.startswith("cupy"):
        return _of_device(error)
    if type(error).__module__.startswith("numba.core.errors"):
        return _no_kernel(call)
    if not isinstance(error, (ValueError, TypeError, IndexError, MemoryError, OverflowError)):
        return None
    text = str(error)
    for pattern, row in _ROWS:
        match = re.match(pattern, text)
        if match:
            return row(call, match)
    return None


def _of_device(error: Exception) -> Exception | None:
    """The error of a CUDA device: memory that has run out, or a failure of the device."""
    if type(error).__name__ == "OutOfMemoryError":
        return messages.OutOfMemoryError(f"CUDA out of memory. {error}")
    if type(error).__name__ == "CUDARuntimeError":
        return messages.AcceleratorError(f"CUDA error: {error}")
    return None


def _row(pattern: str) -> Callable[[Row], Row]:
    def add(row: Row) -> Row:
        _ROWS.append((pattern, row))
        return row

    return add


def _shape(text: str) -> list[int]:
    """``(2,3)`` as it stands in NumPy's messages."""
    return [int(number) for number in re.findall(r"-?\d+", text)]


# ---- shapes


@_row(r"operands could not be broadcast together with remapped shapes .*")
def _remapped(call: Call, match: re.Match[str]) -> Exception | None:
    found = re.fullmatch(r".*: (\([\d,]*\)) +and requested shape (\([\d,]*\))", match[0])
    if found:  # of broadcast_to
        return messages.expand_error(_shape(found[1]), _shape(found[2]))
    return _matrices(call, match) if len(call.shapes) >= 2 and "matmul" in call.name else None


@_row(r"operands could not be broadcast together with shapes? (.*)")
def _broadcast(call: Call, match: re.Match[str]) -> Exception:
    if messages.broadcast_shape(call.shapes) is None:
        return messages.broadcast_error(call.shapes)
    return messages.broadcast_error([_shape(s) for s in re.findall(r"\([\d,]*\)", match[1])])


@_row(r"shape mismatch: objects cannot be broadcast to a single shape")
def _broadcast_all(call: Call, match: re.Match[str]) -> Exception:
    return messages.broadcast_error(call.shapes)


@_row(
    r"non-broadcastable output operand with shape (\(.*\)) doesn't match the broadcast shape (.*)"
)
def _output(call: Call, match: re.Match[str]) -> Exception:
    return messages.output_shape_error(_shape(match[1]), _shape(match[2]))


@_row(r"could not broadcast input array from shape (\(.*\)) into shape (\(.*\))")
def _assigned(call: Call, match: re.Match[str]) -> Exception:
    return messages.expand_error(_shape(match[1]), _shape(match[2]))


@_row(r"shapes (\(.*\)) and (\(.*\)) not aligned")
def _not_aligned(call: Call, match: re.Match[str]) -> Exception:
    return messages.matmul_error(_shape(match[1]), _shape(match[2]))


@_row(r"matmul: Input operand|(vecdot|matvec|vecmat): Input operand")
def _matrices(call: Call, match: re.Match[str]) -> Exception | None:
    shapes = call.shapes[-2:]  # addmm, baddbmm and their like put the summand first
    return messages.matmul_error(*shapes) if len(shapes) == 2 else None


@_row(r"cannot reshape array of size (\d+) into shape (\(.*\))")
def _reshape(call: Call, match: re.Match[str]) -> Exception:
    asked = next((list(p) for p in call.params if isinstance(p, tuple)), _shape(match[2]))
    return RuntimeError(f"shape '{asked}' is invalid for input of size {match[1]}")


@_row(r"can only specify one unknown dimension")
def _unknown(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError("only one dimension can be inferred")


@_row(r"repeated axis in transpose")
def _repeated(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(f"{call.name}(): duplicate dims are not allowed.")


@_row(r"negative dimensions are not allowed")
def _negative(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(f"{call.name}: Dimension size must be non-negative.")


@_row(r"(axis\w*: )?axis (-?\d+) is out of bounds for array of dimension (\d+)")
def _axis(call: Call, match: re.Match[str]) -> Exception:
    return messages.dim_out_of_range(int(match[2]), int(match[3]))


# ---- joining


@_row(r"all the input array dimensions except .* along dimension \d+, the array at index (\d+) has "
      r"size (\d+) and the array at index (\d+) has size (\d+)")  # fmt: skip
def _cat_sizes(call: Call, match: re.Match[str]) -> Exception:
    dim = next((p for p in call.params if isinstance(p, int)), 0)
    dim += len(call.shapes[0]) if dim < 0 else 0
    return RuntimeError(
        f"Sizes of tensors must match except in dimension {dim}. Expected size {match[2]} but got "
        f"size {match[4]} for tensor number {match[3]} in the list."
    )


@_row(r"all the input arrays must have same number of dimensions, but the array at index \d+ has "
      r"(\d+) .* has (\d+) dimension")  # fmt: skip
def _cat_ranks(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(
        f"Tensors must have same number of dimensions: got {match[1]} and {match[2]}"
    )


@_row(r"zero-dimensional arrays cannot be concatenated")
def _cat_numbers(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")


@_row(r"need at least one array to (concatenate|stack)")
def _join_nothing(call: Call, match: re.Match[str]) -> Exception:
    if match[1] == "stack":
        return RuntimeError("stack expects a non-empty TensorList")
    return ValueError("torch.cat(): expected a non-empty list of Tensors")


@_row(r"all input arrays must have the same shape")
def _stack(call: Call, match: re.Match[str]) -> Exception:
    first, *others = call.shapes
    at, other = next((i, s) for i, s in enumerate(others, 1) if s != first)
    return RuntimeError(
        f"stack expects each tensor to be equal size, but got {first} at entry 0 and {other} at "
        f"entry {at}"
    )


# ---- indices


@_row(r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)")
def _index(call: Call, match: re.Match[str]) -> Exception:
    return IndexError(
        f"index {match[1]} is out of bounds for dimension {match[2]} with size {match[3]}"
    )


@_row(r"too many indices for array: array is (\d+)-dimensional")
def _indices(call: Call, match: re.Match[str]) -> Exception:
    if match[1] == "0":
        return IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` "
            "in C++ to convert a 0-dim tensor to a number"
        )
    return IndexError(f"too many indices for tensor of dimension {match[1]}")


@_row(r"shape mismatch: indexing arrays could not be broadcast together with shapes (.*)")
def _index_shapes(call: Call, match: re.Match[str]) -> Exception:
    shapes = ", ".join([str(_shape(s)) for s in re.findall(r"\([\d,]*\)", match[1])])
    return IndexError(
        "shape mismatch: indexing tensors could not be broadcast together with shapes " + shapes
    )


@_row(r"boolean index did not match indexed array along axis (\d+); size of axis is (\d+) but size "
      r"of corresponding boolean axis is (\d+)")  # fmt: skip
def _mask(call: Call, match: re.Match[str]) -> Exception:
    shape = call.shapes[0] if call.shapes else [int(match[2])]
    masks = [list(t.shape) for t in call.tensors[1:] if getattr(t.dtype, "name", "") == "bool"]
    mask = next((m for m in masks if int(match[3]) in m), [int(match[3])])
    return IndexError(
        f"The shape of the mask {mask} at index {mask.index(int(match[3]))} does not match the "
        f"shape of the indexed tensor {shape} at index {match[1]}"
    )


@_row(r"arrays used as indices must be of integer")
def _index_type(call: Call, match: re.Match[str]) -> Exception:
    return IndexError("tensors used as indices must be long, int, byte or bool tensors")


# ---- reductions


@_row(r"zero-size array to reduction operation|attempt to get arg(max|min) of an empty sequence")
def _empty(call: Call, match: re.Match[str]) -> Exception:
    given = next((p for p in call.params if isinstance(p, (int, tuple)) and p is not False), ())
    dims = (given,) if isinstance(given, int) else given
    shape = call.shapes[0]
    at_fault = [d for d in dims if shape[d] == 0]
    if at_fault:
        return IndexError(
            f"{call.name}(): Expected reduction dim {at_fault[0]} to have non-zero size."
        )
    needs_dim = f"{call.name}(): Expected reduction dim to be specified for input.numel() == 0."
    if match[1]:
        return IndexError(needs_dim)
    return RuntimeError(f"{needs_dim} Specify the reduction dim with the 'dim' argument.")


# ---- types and values

_KERNEL_NAMES = {"bitwise_left_shift": "lshift", "bitwise_right_shift": "rshift"}


@_row(r"ufunc '\w+' (not supported for the input types|did not contain a loop)")
def _no_loop(call: Call, match: re.Match[str]) -> Exception | None:
    return _no_kernel(call)


def _no_kernel(call: Call) -> Exception | None:
    of = call.dtype
    if of is None:
        return None
    device = getattr(getattr(call.tensors[0], "device", None), "type", "cpu")
    return messages.not_implemented(_KERNEL_NAMES.get(call.name, call.name), of, device)


@_row(r"Cannot cast (ufunc '\w+' output|array data) from dtype\('?(\w+)'?\) to dtype\('?(\w+)'?\)")
def _cast(call: Call, match: re.Match[str]) -> Exception:
    source, target = [from_numpy_type(numpy.dtype(match[i])) for i in (2, 3)]
    assert source is not None and target is not None
    result = call.dtype or source
    if result.rank < source.rank:
        result = default.dtype if source.is_floating_point else source
    return cannot_cast(result, target)


@_row(r"numpy boolean subtract")
def _subtract(call: Call, match: re.Match[str]) -> Exception:
    if all(getattr(t.dtype, "name", "") == "bool" for t in call.tensors):
        which, instead = "two bool tensors", "Use the `^` or `logical_xor()` operator instead."
    else:
        which = "a bool tensor"
        instead = (
            "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
        )
    return RuntimeError(f"Subtraction, the `-` operator, with {which} is not supported. {instead}")


@_row(r"The numpy boolean negative")
def _negation(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(
        "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
        "invert a mask, use the `~` or `logical_not()` operator instead."
    )


@_row(r"Integers to negative integer powers are not allowed.")
def _powers(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(match[0])


@_row(r"Python integer .* out of bounds for (\w+)")
def _overflow(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError(f"value cannot be converted to type {match[1]}_t without overflow")


_LAPACK = {
    "linalg_qr": "geqrf",
    "linalg_det": "lu",
    "linalg_solve": "lu",
    "linalg_solve_triangular": "triangular_solve",
    "linalg_cholesky": "cholesky",
    "linalg_eig": "linalg_eig_out",
    "linalg_svdvals": "linalg_svd",
}


@_row(r"array type (\w+) is unsupported in linalg")
def _narrow(call: Call, match: re.Match[str]) -> Exception:
    name = _LAPACK.get(call.name, call.name)
    shown = {"float16": "Half", "bfloat16": "BFloat16"}.get(match[1], match[1])
    if name in ("linalg_inv", "linalg_slogdet"):
        name = name.replace("_", ".")
        return RuntimeError(f"{name}: Low precision dtypes not supported. Got {shown}")
    return NotImplementedError(f"\"{name}_cpu\" not implemented for '{shown}'")


@_row(r"SVD did not converge")
def _no_svd(call: Call, match: re.Match[str]) -> Exception:
    matrices = call.tensors[0]._array
    wrong = numpy.atleast_1d(~numpy.isfinite(matrices).all((-2, -1)))
    where = f"(Batch element {int(wrong.argmax())}): " if matrices.ndim > 2 else ""
    why = "contained non-finite values" if wrong.any() else "is ill-conditioned"
    return messages.LinAlgError(
        f"linalg.svd: {where}The algorithm failed to converge because the input matrix {why}."
    )


@_row(r"Array must not contain infs or NaNs")
def _not_finite(call: Call, match: re.Match[str]) -> Exception:
    return RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50, "EiB": 2**60}


@_row(r"Unable to allocate ([\d.]+) (\w+) for an array with shape (\(.*\)) and data type (\w+)")
def _memory(call: Call, match: re.Match[str]) -> Exception:
    try:
        size = numpy.dtype(match[4]).itemsize
        for length in _shape(match[3]):
            size *= length
    except TypeError:
        size = int(float(match[1]) * _UNITS[match[2]])
    return RuntimeError(
        f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {size} bytes. Error "
        "code 12 (Cannot allocate memory)"
    )


@_row(r"array is too big")
def _too_big(call: Call, match: re.Match[str]) -> Exception:
    sizes = next((list(p) for p in call.params if isinstance(p, tuple)), None)
    return RuntimeError(f"Storage size calculation overflowed with sizes={sizes}")
