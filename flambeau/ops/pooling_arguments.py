"""The arguments of pooling with fixed windows: checked, one number for each dimension."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flambeau.kernels.shared import pooling as kernels
from flambeau.ops.spatial import COUNTS, Ints, per_dimension


def pooled_shape(
    x: Any, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: bool
) -> Ints:
    sides = zip(x.shape[2:], kernel, stride, padding, dilation)
    return (*x.shape[:2], *[kernels.pooled_size(*side, ceil) for side in sides])


def _argument(name: str, what: str, value: Any, n: int) -> Ints:
    def refuse() -> Exception:
        if n == 1 and name.startswith("max"):
            return RuntimeError(
                f"{name}() {what} must be an int, list of ints or tuple of ints of size 1 but got "
                f"size {len(value)}"
            )
        if n == 1:
            return RuntimeError(
                f"{name}() argument '{what}' should contain one int (got {len(value)})"
            )
        omitted = "must either be omitted, a single int" if what == "stride" else (
            "must be either a single int" if what == "dilation" else
            "must be a single int" if name == "avg_pool3d" and what != "stride" else
            "must either be a single int")  # fmt: skip
        return RuntimeError(f"{name}: {what} {omitted}, or a tuple of {COUNTS[n]}")

    return per_dimension(value, n, refuse)


def window_geometry(
    name: str, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any
) -> tuple[Ints, Ints, Ints, Ints]:
    kernel = _argument(name, "kernel_size", kernel, n)
    absent = stride is None or (not isinstance(stride, int) and len(stride) == 0)
    stride = kernel if absent else _argument(name, "stride", stride, n)
    return (
        kernel, stride, _argument(name, "padding", padding, n),
        _argument(name, "dilation", dilation, n),
    )  # fmt: skip


@lru_cache(512)
def check_windows(
    name: str, shape: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: bool
) -> None:
    n = len(kernel)
    if n == 1 and name == "max_pool1d":
        _check_line(name, kernel[0], stride[0], padding[0], dilation[0])
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0 or min(stride) <= 0:
        raise RuntimeError("kernel size and stride should be greater than zero")
    if min(dilation) <= 0:
        shown = " ".join([f"dilation{c}: {d}" for c, d in zip("THW"[3 - n :], dilation)])
        raise RuntimeError(f"dilation should be greater than zero, but got {shown}")
    for p, k, d in zip(padding, kernel, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )
    _check_image(name, shape, n)
    _check_result(name, shape, kernel, stride, padding, dilation, ceil)


def _check_line(name: str, kernel: int, stride: int, padding: int, dilation: int) -> None:
    for value, what in ((kernel, "kernel_size"), (stride, "stride")):
        if value <= 0:
            raise RuntimeError(f"{name}() {what} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"{name}() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"{name}() padding should be at most half of kernel size, but got padding={padding} "
            "and "
            f"kernel_size={kernel}"
        )
    if dilation <= 0:
        raise RuntimeError(f"{name}() dilation must be greater than zero, but got {dilation}")


def _check_image(name: str, shape: Ints, n: int) -> None:
    if len(shape) not in (n + 1, n + 2):
        if n == 1 and name == "avg_pool1d":
            raise RuntimeError(
                f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for "
                "argument #1 "
                "'self' (while checking arguments for avg_pool1d)"
            )
        if n > 1:
            raise RuntimeError(
                f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input"
            )
    batch = len(shape) == n + 2
    if len(shape) not in (n + 1, n + 2) or 0 in (shape[1:] if batch else shape):
        prefix = "max_pool1d: " if name == "max_pool1d" else ""
        raise RuntimeError(
            f"{prefix}Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch "
            f"size for input, but got:{list(shape)}"
        )


def _check_result(
    name: str, shape: Ints, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, ceil: bool
) -> None:
    n = len(kernel)
    image = shape[-n:]
    if name == "avg_pool3d" and any([m + 2 * p < k for m, k, p in zip(image, kernel, padding)]):
        raise RuntimeError(
            f"input image (T: {image[0]} H: {image[1]} W: {image[2]}) smaller than kernel size "
            f"(kT: {kernel[0]} kH: {kernel[1]} kW: {kernel[2]})"
        )
    sides = zip(image, kernel, stride, padding, dilation)
    size = [kernels.pooled_size(*side, ceil) for side in sides]
    if min(size) < 1:
        if name == "max_pool1d":
            raise RuntimeError(f"max_pool1d() Invalid computed output size: {size[0]}")
        given, size = list(shape[-n - 1 :]), [max(0, m) for m in size]
        if n == 1:
            given, size = [given[0], 1, given[1]], [1, *size]
        times = "x".join(map(str, given)), "x".join(map(str, [given[0], *size]))
        raise RuntimeError(
            f"Given input size: ({times[0]}). Calculated output size: ({times[1]}). "
            "Output size is too small"
        )
