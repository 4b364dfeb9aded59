"""Products of groups of rows, and of matrices in eight bits with scales."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

from flambeau.core.dtype import bfloat16, scalar_name
from flambeau.core.dtype import dtype as DType
from flambeau.core.limits import finfo
from flambeau.core.publish import aten, exported
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.ops.joining import cat, stack
from flambeau.ops.products import bmm, mm

Maybe = Tensor | None


class _ScalingType(enum.IntEnum):
    """What one scale belongs to: a matrix, a row, or a block."""

    TensorWise = 0
    RowWise = 1
    BlockWise1x16 = 2
    BlockWise1x32 = 3
    BlockWise1x128 = 4
    BlockWise128x128 = 5

    __str__ = enum.Enum.__str__


class _SwizzleType(enum.IntEnum):
    """How scales are ordered in memory."""

    NO_SWIZZLE = 0
    SWIZZLE_32_4_4 = 1

    __str__ = enum.Enum.__str__


ScalingType, SwizzleType = _ScalingType, _SwizzleType


# ---- groups


def _check_groups(a: Tensor, b: Tensor, offs: Maybe, bias: Maybe) -> None:
    for tensor, name in ((a, "mat_a"), (b, "mat_b")):
        if tensor.ndim not in (2, 3):
            raise RuntimeError(f"{name} has to be 2 or 3d")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError("contraction dimension of mat_a and mat_b must match")
    if (offs is None) != (a.ndim == b.ndim == 3):
        raise RuntimeError(
            "Have to provide offsets if there is a 2d matrix, or no offset if both matrices are 3d"
        )
    if offs is not None and offs.dtype.name != "int32":
        raise RuntimeError("Offsets have to be int32")
    if offs is not None and offs.ndim != 1:
        raise RuntimeError("offs has to be 1D")
    if bias is not None:
        raise RuntimeError("Bias not supported yet")
    count = next((t.shape[0] for t in (a, b) if t.ndim == 3), None)
    if offs is not None and count is not None and offs.shape[0] != count:
        raise RuntimeError("matrix batch sizes have to match")


def grouped_mm(
    mat_a: Tensor, mat_b: Tensor, *, offs: Maybe = None, bias: Maybe = None,
    out_dtype: DType | None = None,
) -> Tensor:  # fmt: skip
    """Products of groups of matrices, whose sizes differ along one dimension.

    ``offs`` (int32) holds where each group ends. ``[M, K]`` and ``[G, K, N]`` give ``[M, N]``, the
    groups being of rows; ``[G, M, K]`` and ``[K, N]`` give ``[M, N]``, of columns; ``[M, K]`` and
    ``[K, N]`` give ``[G, M, N]``, of the dimension that is summed. Two stacks need no ``offs``.

    >>> groups = torch.tensor([1, 3], dtype=torch.int32)
    >>> matrices = torch.ones(2, 8, 8, dtype=torch.bfloat16)
    >>> F.grouped_mm(torch.ones(3, 8, dtype=torch.bfloat16), matrices, offs=groups).shape
    torch.Size([3, 8])
    """
    _check_groups(mat_a, mat_b, offs, bias)
    if out_dtype is not None and out_dtype is not mat_a.dtype:
        raise RuntimeError("Grouped gemm output dtype must match `mat_a` dtype")
    return _grouped(mat_a, mat_b, offs)


def _grouped(a: Tensor, b: Tensor, offs: Maybe) -> Tensor:
    if offs is None:
        return bmm(a, b)
    ends = offs.tolist()  # type: ignore[attr-defined]
    spans = list(zip([0, *ends[:-1]], ends))
    if a.ndim == b.ndim == 2:
        return stack([mm(a[:, i:j], b[i:j]) for i, j in spans])  # type: ignore[index]
    if a.ndim == 2:
        parts = [mm(a[i:j], b[g]) for g, (i, j) in enumerate(spans)]  # type: ignore[index]
        return _filled(parts, a.shape[0] - ends[-1], 0)
    parts = [mm(a[g], b[:, i:j]) for g, (i, j) in enumerate(spans)]  # type: ignore[index]
    return _filled(parts, b.shape[1] - ends[-1], 1)


def _filled(parts: list[Tensor], missing: int, dim: int) -> Tensor:
    """The parts one after the other, and zeros for what belongs to no group."""
    if missing:
        shape = list(parts[0].shape)
        shape[dim] = missing
        parts = [*parts, parts[0].new_zeros(shape)]  # type: ignore[attr-defined]
    return cat(parts, dim)


# ---- scales


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value


def _checked_scale(
    scale: Any, recipe: Any, other: Any, side: str, shape: tuple[int, int]
) -> Tensor:
    scale, recipe = _one(scale), _one(recipe)
    if recipe != _one(other) or recipe not in (_ScalingType.TensorWise, _ScalingType.RowWise):
        raise ValueError("Invalid scaling configuration.")
    if scale.dtype.name != "float32":
        raise ValueError("Invalid scaling configuration.")
    if recipe == _ScalingType.TensorWise and scale.numel() != 1:
        raise ValueError(f"scale_{side} must have 1 Float element")
    if recipe == _ScalingType.RowWise and tuple(scale.shape) != shape:
        if scale.ndim < 2:
            raise IndexError(
                "Dimension out of range (expected to be in range of [-1, 0], but got 1)"
            )
        raise ValueError(f"scale_{side} must have shape {list(shape)}, got {list(scale.shape)}")
    return scale


def scaled_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Tensor | list[Tensor], scale_recipe_a: Any,
    scale_b: Tensor | list[Tensor], scale_recipe_b: Any, swizzle_a: Any = None,
    swizzle_b: Any = None, bias: Maybe = None, output_dtype: DType | None = bfloat16,
    contraction_dim: Sequence[int] = (), use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """``(scale_a * mat_a) @ (scale_b * mat_b) + bias`` of two float8 matrices, summed in float32.

    The recipes are ``ScalingType.TensorWise`` (one scale for a matrix) or ``RowWise`` (``[M, 1]``
    and ``[1, N]``). Raises ValueError for the recipes of blocks.

    >>> matrix, scale = torch.ones(2, 3).to(torch.float8_e4m3fn), torch.tensor(2.)
    >>> recipe = F.ScalingType.TensorWise
    >>> F.scaled_mm(matrix, matrix.t(), scale, recipe, scale, recipe)
    tensor([[12., 12.],
            [12., 12.]], dtype=torch.bfloat16)
    """
    for tensor in (mat_a, mat_b):
        if not tensor.dtype.name.startswith("float8"):
            raise ValueError("Invalid scaling configuration.")
    if mat_a.ndim != 2 or mat_b.ndim != 2 or mat_a.shape[1] != mat_b.shape[0]:
        shapes = ["x".join(map(str, t.shape)) for t in (mat_a, mat_b)]
        raise ValueError(
            f"mat_a and mat_b shapes cannot be multiplied ({shapes[0]} and {shapes[1]})"
        )
    rows, columns = (mat_a.shape[0], 1), (1, mat_b.shape[1])
    a = _checked_scale(scale_a, scale_recipe_a, scale_recipe_b, "a", rows)
    b = _checked_scale(scale_b, scale_recipe_b, scale_recipe_a, "b", columns)
    product = mm(mat_a.float(), mat_b.float()) * a * b  # type: ignore[attr-defined]
    if bias is not None:
        product = product + bias.float()  # type: ignore[attr-defined]
    of = output_dtype or mat_a.dtype
    if of.name.startswith("float8_e4m3"):
        product = product.clamp(finfo(of).min, finfo(of).max)  # which has no infinity
    return product.to(of)


@aten("_scaled_mm")
def _scaled_mm(
    input: Tensor, mat2: Tensor, scale_a: Tensor, scale_b: Tensor, bias: Maybe = None,
    scale_result: Maybe = None, out_dtype: DType | None = None, use_fast_accum: bool = False,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``scaled_mm`` with one scale for each matrix, or for each row and column.

    ``out_dtype`` defaults to that of ``input``; ``scale_result`` is without effect, as in PyTorch.
    """
    for matrix, name in ((input, "mat1"), (mat2, "mat2")):
        if matrix.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix")
    single = scale_a.numel() == scale_b.numel() == 1  # type: ignore[attr-defined]
    recipe = _ScalingType.TensorWise if single else _ScalingType.RowWise
    scales = (scale_a, recipe, scale_b, recipe)
    result = scaled_mm(input, mat2, *scales, bias=bias, output_dtype=out_dtype or input.dtype)
    return deliver("_scaled_mm", result, out)


@aten("_scaled_mm_v2")
def _scaled_mm_v2(
    input: Tensor, mat2: Tensor, scale_a: Sequence[Tensor], recipe_a: Sequence[int],
    swizzle_a: Sequence[int], scale_b: Sequence[Tensor], recipe_b: Sequence[int],
    swizzle_b: Sequence[int], bias: Maybe, out_dtype: DType | None,
    contraction_dim: Sequence[int] = (), use_fast_accum: bool = False,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``scaled_mm`` with each scale, recipe and swizzle in a list of one."""
    if any([*swizzle_a, *swizzle_b]):
        raise ValueError("CPU does not support swizzle.")
    scales = (list(scale_a), list(recipe_a), list(scale_b), list(recipe_b))
    result = scaled_mm(input, mat2, *scales, bias=bias, output_dtype=out_dtype)
    return deliver("_scaled_mm_v2", result, out)


def scaled_grouped_mm(
    mat_a: Tensor, mat_b: Tensor, scale_a: Tensor | list[Tensor], scale_recipe_a: Any,
    scale_b: Tensor | list[Tensor], scale_recipe_b: Any, swizzle_a: Any = None,
    swizzle_b: Any = None, bias: Maybe = None, offs: Maybe = None,
    output_dtype: DType | None = bfloat16, contraction_dim: Sequence[int] = (),
    use_fast_accum: bool = False,
) -> Tensor:  # fmt: skip
    """``grouped_mm`` of float8 rows ``[M, K]`` and matrices ``[G, K, N]``, with scales of the rows
    ``[M]`` and of the columns ``[G, N]``.

    >>> rows = torch.ones(2, 3).to(torch.float8_e4m3fn)
    >>> matrices, recipe = torch.ones(1, 3, 4).to(torch.float8_e4m3fn), F.ScalingType.RowWise
    >>> scales, ends = (torch.ones(2), torch.ones(1, 4)), torch.tensor([2], dtype=torch.int32)
    >>> F.scaled_grouped_mm(rows, matrices, scales[0], recipe, scales[1], recipe, offs=ends).shape
    torch.Size([2, 4])
    """
    _check_groups(mat_a, mat_b, offs, bias)
    recipes = {_one(scale_recipe_a), _one(scale_recipe_b)}
    if recipes != {_ScalingType.RowWise} or mat_a.ndim != 2 or mat_b.ndim != 3:
        raise NotImplementedError(
            "scaled_grouped_mm() takes a matrix of rows and a stack of matrices, with row-wise "
            f"scales; got {scalar_name(mat_a.dtype)} matrices of {mat_a.ndim} and {mat_b.ndim} "
            "dimensions"
        )
    a, b = _one(scale_a), _one(scale_b)
    rows = mat_a.float() * a.reshape(-1, 1)  # type: ignore[attr-defined]
    matrices = mat_b.float() * b.reshape(mat_b.shape[0], 1, -1)  # type: ignore[attr-defined]
    return _grouped(rows, matrices, offs).to(output_dtype or mat_a.dtype)  # type: ignore


__all__ = [*exported(globals()), "ScalingType", "SwizzleType"]
