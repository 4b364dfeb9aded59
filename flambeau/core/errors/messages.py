"""The errors that many operators share, with PyTorch's types and words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import dtype, scalar_name

Shape = Sequence[int]


class AcceleratorError(RuntimeError):
    """A failure of a CUDA device."""

    __module__ = "torch"


class OutOfMemoryError(RuntimeError):
    """There is not enough memory left on a CUDA device."""

    __module__ = "torch"


class LinAlgError(RuntimeError):
    """A matrix that the operation is not defined for, such as a singular one."""

    __module__ = "torch._C"


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"  # as PyTorch's


def broadcast_shape(shapes: Sequence[Shape]) -> list[int] | None:
    """The common shape, or None where there is none."""
    common: list[int] = []
    for shape in shapes:
        a, b = _aligned(common, shape)
        if any(x != y and 1 not in (x, y) for x, y in zip(a, b, strict=True)):
            return None
        common = [y if x == 1 else x for x, y in zip(a, b, strict=True)]
    return common


def _aligned(first: Shape, second: Shape) -> tuple[list[int], list[int]]:
    """Both shapes with leading ones, so that they are equally long."""
    rank = max(len(first), len(second))
    return [1] * (rank - len(first)) + [*first], [1] * (rank - len(second)) + [*second]


def broadcast_error(shapes: Sequence[Shape]) -> RuntimeError:
    """The error of shapes that do not broadcast, naming the last dimension at fault."""
    common: list[int] = []
    for shape in shapes:
        a, b = _aligned(common, shape)
        for dim in reversed(range(len(a))):
            if a[dim] != b[dim] and 1 not in (a[dim], b[dim]):
                return RuntimeError(
                    f"The size of tensor a ({a[dim]}) must match the size of tensor b ({b[dim]}) "
                    f"at non-singleton dimension {dim}"
                )
        common = [y if x == 1 else x for x, y in zip(a, b, strict=True)]
    listed = ", ".join([str(list(shape)) for shape in shapes])
    return RuntimeError(f"shapes {listed} could not be broadcast together")


def output_shape_error(output: Shape, broadcast: Shape) -> RuntimeError:
    """The error of an in-place result that is larger than its tensor."""
    return RuntimeError(
        f"output with shape {list(output)} doesn't match the broadcast shape {list(broadcast)}"
    )


def expand_error(shape: Shape, target: Shape, type_name: str = "torch.FloatTensor") -> RuntimeError:
    """The error of a tensor of ``shape`` that does not expand to ``target``."""
    missing = len(target) - len(shape)
    if missing < 0:
        return RuntimeError(
            f"expand({type_name}{{{list(shape)}}}, size={list(target)}): the number of sizes "
            f"provided ({len(target)}) must be greater or equal to the number of dimensions in "
            f"the tensor ({len(shape)})"
        )
    for dim in reversed(range(len(target))):
        size = 1 if dim < missing else shape[dim - missing]
        if target[dim] == -1 and dim < missing:
            return RuntimeError(
                f"The expanded size of the tensor ({target[dim]}) isn't allowed in a leading, "
                f"non-existing dimension {dim}"
            )
        if size not in (1, target[dim]) and target[dim] != -1:
            return RuntimeError(
                f"The expanded size of the tensor ({target[dim]}) must match the existing size "
                f"({size}) at non-singleton dimension {dim}.  Target sizes: {list(target)}.  "
                f"Tensor sizes: {list(shape)}"
            )
    return RuntimeError(f"a tensor of shape {list(shape)} does not expand to {list(target)}")


def dim_out_of_range(dim: int, ndim: int) -> IndexError:
    """The error of a dimension that a tensor with ``ndim`` dimensions does not have."""
    limit = ndim or 1
    return IndexError(
        f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got "
        f"{dim})"
    )


def same_device(first: Any, second: Any) -> RuntimeError:
    """The error of tensors on two devices, given these devices."""
    if "meta" in (first.type, second.type):
        return RuntimeError(f"Tensor on device {second} is not on the expected device {first}!")
    return RuntimeError(
        "Expected all tensors to be on the same device, but found at least two devices, "
        f"{first} and {second}!"
    )


def not_implemented(operator: str, of: dtype, device: str = "cpu") -> NotImplementedError:
    """The error of an operator that has no kernel for a dtype."""
    return NotImplementedError(f"\"{operator}_{device}\" not implemented for '{scalar_name(of)}'")


def matmul_error(first: Shape, second: Shape) -> RuntimeError:
    """The error of shapes that do not multiply as matrices or vectors."""
    a, b = list(first), list(second)
    if not a or not b:
        return RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D"
        )
    if len(a) == len(b) == 1:
        return RuntimeError(
            f"inconsistent tensor size, expected tensor {a} and src {b} to have the same number "
            f"of elements, but got {a[0]} and {b[0]} elements respectively"
        )
    if len(b) == 1:
        rows = _product(a[:-1])
        return RuntimeError(
            f"size mismatch, got input ({rows}), mat ({rows}x{a[-1]}), vec ({b[0]})"
        )
    if len(b) == 2:
        return RuntimeError(
            "mat1 and mat2 shapes cannot be multiplied "
            f"({_product(a[:-1])}x{a[-1]} and {b[0]}x{b[1]})"
        )
    return _batched_error(a, b)


def _batched_error(a: list[int], b: list[int]) -> RuntimeError:
    common = broadcast_shape([a[:-2], b[:-2]])
    if common is None:
        return broadcast_error([a[:-2], b[:-2]])
    batch = _product(common)
    return RuntimeError(
        f"Expected size for first two dimensions of batch2 tensor to be: [{batch}, {a[-1]}] but "
        f"got: [{batch}, {b[-2]}]."
    )


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
