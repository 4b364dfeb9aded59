"""Random tensors of a given shape, or with means and deviations.

For a seed the numbers equal PyTorch 2.13's on a CPU, bit for bit. Tensors on CUDA take theirs from
the same stream, drawn on the host and copied.
"""

from __future__ import annotations

from typing import Any

import numpy

from flambeau.core.device import as_device
from flambeau.core.dtype import dtype as DType
from flambeau.core.dtype import int64
from flambeau.core.errors.messages import broadcast_error, broadcast_shape
from flambeau.core.flips import elements
from flambeau.core.generator import Generator
from flambeau.core.kind import CPU_KINDS, Kind, kind_of
from flambeau.core.modes import flags, modes
from flambeau.core.publish import exported, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.views import bump
from flambeau.core.writing import deliver
from flambeau.kernels.select import CPU, META, places
from flambeau.kernels.shared import random as kernels
from flambeau.kernels.shared.precision import wide
from flambeau.ops import examples
from flambeau.ops.drawing import draw, integer_range, number, unsupported
from flambeau.ops.factories import filled, kind_for, like_array, made, sizes
from flambeau.ops.filling import check_uniform, no_gradient, normal_fill, spread, uniform_fill

Options = dict[str, Any]


# ---- tensors of a given shape


def _shape(name: str, size: tuple[Any, ...], options: Options) -> tuple[int, ...]:
    """The shape from ``(2, 3)``, ``((2, 3),)`` or ``size=(2, 3)``."""
    if size and not options:
        given = size[0] if len(size) == 1 and type(size[0]) is not int else size
        if isinstance(given, tuple):
            for n in given:
                if type(n) is not int or n < 0:
                    break
            else:
                return given
    return _unusual_shape(name, size, options)


def _unusual_shape(name: str, size: tuple[Any, ...], options: Options) -> tuple[int, ...]:
    if options:
        size = (options.pop("size"),) if "size" in options and not size else size
        if options:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(options))}'")
    elif not size:
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got (), but expected one of:"
        )
    given = list(size[0]) if isinstance(size[0], tuple | list) else list(size)
    for n in given:
        if isinstance(n, int) and n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {given}")
    return sizes(name, size)


def _target(shape: tuple[int, ...], dtype: Any, device: Any, out: Tensor | None) -> Tensor:
    """The tensor to fill: a new one, or ``out`` in this shape."""
    if out is None:
        kind = kind_for(dtype, device)
        if modes.batches:
            shape = (*examples.counts(), *shape)
        return made(filled(shape, kind), kind)
    if dtype is not None and dtype is not out.dtype:
        from_, to = CPU_KINDS[dtype].type_name, CPU_KINDS[out.dtype].type_name
        names = [n.removeprefix("torch.").removesuffix("Tensor") for n in (from_, to)]
        raise RuntimeError(f"dtype {names[0]} does not match dtype of out parameter ({names[1]})")
    if out.shape != shape:
        out.resize_(shape)  # type: ignore[attr-defined]
    bump(out)
    return out


def _finished(result: Tensor, requires_grad: bool) -> Tensor:
    if flags.active and modes.factories is not None:
        modes.factories.filled()
    if modes.batches:
        result = examples.hide(result)
    return result.requires_grad_() if requires_grad else result  # type: ignore[attr-defined]


def rand(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    names: Any = None,
    **options: Any,
) -> Tensor:
    """A tensor of the given size with numbers drawn evenly from ``[0, 1)``.

    NotImplementedError for dtypes that are not floating or complex.

    >>> _ = torch.manual_seed(0)
    >>> rand(3)
    tensor([0.4963, 0.7682, 0.0885])
    """
    result = _target(_shape("rand", size, options), dtype, device, out)
    return _finished(_uniform(result, generator), requires_grad)


def _uniform(result: Tensor, generator: Any) -> Tensor:
    check_uniform(result.kind.dtype, 0.0, 1.0)
    draw(result._array, result.kind, generator, uniform_fill, 0.0, 1.0)
    return result


def randn(
    *size: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    names: Any = None,
    **options: Any,
) -> Tensor:
    """A tensor of the given size with normal numbers of mean 0 and variance 1.

    NotImplementedError for integers.

    >>> _ = torch.manual_seed(0)
    >>> randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    result = _target(_shape("randn", size, options), dtype, device, out)
    return _finished(_normal(result, generator), requires_grad)


def _normal(result: Tensor, generator: Any, mean: float = 0.0, std: float = 1.0) -> Tensor:
    kind, array = result.kind, result._array
    fill = normal_fill(array, kind.dtype, std)
    draw(array, kind, generator, fill, mean, spread(kind.dtype, std))
    return result


def randint(
    *args: Any,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Integers from ``[low, high)``: ``randint(high, size)`` or ``randint(low, high, size)``.

    The dtype is int64 unless ``dtype`` or ``out`` says otherwise. RuntimeError where the bounds
    are in the wrong order or the dtype does not hold them.

    >>> _ = torch.manual_seed(0)
    >>> randint(10, (3,))
    tensor([4, 9, 3])
    """
    low, high, size = _integer_arguments(args, named)
    given = dtype if dtype is not None or out is not None else int64
    result = _target(_shape("randint", (size,), {}), given, device, out)
    return _finished(_integers(result, generator, low, high), requires_grad)


def _integer_arguments(args: tuple[Any, ...], named: Options) -> tuple[int, int, Any]:
    """The bounds and the size, from their positions and names."""
    values = list(args)
    size = named.pop("size") if "size" in named else values.pop() if values else None
    high = named.pop("high") if "high" in named else values.pop() if values else None
    low = named.pop("low") if "low" in named else values.pop() if values else 0
    whole = hasattr(low, "__index__") and hasattr(high, "__index__")
    if values or named or not whole or not isinstance(size, tuple | list):
        names = ", ".join([type(a).__name__ for a in args])
        raise TypeError(
            f"randint() received an invalid combination of arguments - got ({names}), but expected "
            "one of:"
        )
    return _bound(low), _bound(high), size


def _bound(value: Any) -> int:
    value = value.__index__()
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("Overflow when unpacking long long")
    return value


def _integers(result: Tensor, generator: Any, low: int, high: int) -> Tensor:
    kind = result.kind
    draw(result._array, kind, generator, kernels.integers, *integer_range(kind.dtype, low, high))
    return result


_permutation = places(kernels.permutation)[CPU]
_PERMUTED = [
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
]


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """The integers from 0 to ``n - 1`` in random order, as int64 unless told otherwise.

    A vector of ``n`` integers, int64 by default; RuntimeError for a negative ``n``.

    >>> _ = torch.manual_seed(0)
    >>> randperm(4)
    tensor([0, 1, 3, 2])
    """
    if not hasattr(n, "__index__"):
        raise TypeError(
            f"randperm(): argument 'n' (position 1) must be int, not {type(n).__name__}"
        )
    n = n.__index__()
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    result = _target((n,), dtype if dtype is not None or out is not None else int64, device, out)
    _check_permutation(result.dtype, n)
    for row in result._array.reshape(-1, n) if n else ():
        draw(row, result.kind, generator, _permutation)  # type: ignore[arg-type]
    return _finished(result, requires_grad)


def _check_permutation(of: DType, n: int) -> None:
    """Raises where the dtype does not hold ``n`` different integers."""
    if of.name not in _PERMUTED:
        raise unsupported("randperm", of)
    if of.name == "float16" and n > 2049:
        raise RuntimeError("n cannot be greater than 2049 for Half type.")
    if of.numpy is not None and of.numpy.kind in "iu" and n - 1 > numpy.iinfo(of.numpy).max:
        raise RuntimeError(f"value cannot be converted to type {of.name}_t without overflow")


# ---- tensors like another


def _like(input: Any, name: str, dtype: Any, device: Any, memory_format: Any) -> Tensor:
    if not isinstance(input, Tensor):
        raise not_a_tensor(name, "input", 1, input)
    kind = input.kind
    if dtype is not None or device is not None:
        where = kind.device if device is None else as_device(device)
        kind = kind_of(dtype or kind.dtype, where)
    if modes.batches and (counts := examples.counts()):
        return made(filled((*counts, *input.shape), kind), kind)
    return made(like_array(input, kind, memory_format), kind)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """`rand` with the shape, dtype, device and memory layout of ``input``.

    NotImplementedError for integers.

    >>> torch.rand_like(torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    result = _like(input, "rand_like", dtype, device, memory_format)
    return _finished(_uniform(result, generator), requires_grad)


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """`randn` with the shape, dtype, device and memory layout of ``input``.

    NotImplementedError for integers.

    >>> torch.randn_like(torch.zeros(2, 3)).shape
    torch.Size([2, 3])
    """
    result = _like(input, "randn_like", dtype, device, memory_format)
    return _finished(_normal(result, generator), requires_grad)


def randint_like(
    input: Tensor, *bounds: Any, generator: Generator | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False, memory_format: Any = None, **named: Any,
) -> Tensor:  # fmt: skip
    """`randint` with the shape, dtype, device and memory layout of ``input``.

    ``randint_like(input, high)`` or ``randint_like(input, low, high)``; RuntimeError unless ``low``
    is below ``high``.

    >>> torch.randint_like(torch.zeros(2, 3), 5, 6)
    tensor([[5., 5., 5.],
            [5., 5., 5.]])
    """
    low, high, _ = _integer_arguments((*bounds, ()), named)
    result = _like(input, "randint_like", dtype, device, memory_format)
    return _finished(_integers(result, generator, low, high), requires_grad)


# ---- normal numbers with means and deviations


def _normal_sample(mean: Any, std: Any, kind: Kind, generator: Any) -> Any:
    """Standard normal numbers first, then scaled and moved by operations of their own."""
    shape = numpy.broadcast_shapes(numpy.shape(mean), numpy.shape(std))
    result = filled(shape, kind)
    scale = std if isinstance(std, float) else 1.0
    fill = normal_fill(result, kind.dtype, scale)
    draw(result, kind, generator, fill, 0.0, spread(kind.dtype, scale))
    if not isinstance(std, float):
        result[...] = wide(result) * wide(std)
    if isinstance(mean, float):
        mean = kind.array_type.type(mean)
    result[...] = wide(result) + wide(mean)
    return result


def _normal_shape(mean: Any, std: Any, kind: Kind, generator: Any) -> Any:
    return numpy.broadcast_shapes(numpy.shape(mean), numpy.shape(std)), kind.array_type


_normal_op = examples.RandomOp("normal", _normal_sample, inputs=("mean", "std"),
                params=("kind", "generator"),
                shape=_normal_shape, vjp={"mean": no_gradient, "std": no_gradient})  # fmt: skip


def normal(
    mean: Tensor | float, std: Tensor | float = 1.0, size: Any = None, *,
    generator: Generator | None = None, out: Tensor | None = None, dtype: DType | None = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers of the given means and standard deviations.

    Tensors of means and deviations are broadcast and their dtype, that of ``mean`` first, is the
    result's; with two numbers ``size`` gives the shape. RuntimeError for a negative deviation.

    >>> torch.normal(torch.tensor([0., 100.]), 0.).tolist()
    [0.0, 100.0]
    """
    if isinstance(mean, Tensor) or isinstance(std, Tensor):
        if size is not None:
            raise TypeError("normal() takes a size only with a mean and a std that are numbers")
        return deliver("normal", _normal_of_tensors(mean, std, generator), out)
    if size is None:
        names = f"{type(mean).__name__}, {type(std).__name__}"
        raise TypeError(
            f"normal() received an invalid combination of arguments - got ({names}), but expected "
            "one of:"
        )
    mean, std = number("normal", "mean", 1, mean), number("normal", "std", 2, std)
    result = _target(_shape("normal", (size,), {}), dtype, device, out)
    return _finished(_normal(result, generator, mean, std), requires_grad)


def _normal_of_tensors(mean: Any, std: Any, generator: Any) -> Tensor:
    if not isinstance(mean, Tensor):
        mean = number("normal", "mean", 1, mean)
    if isinstance(std, Tensor):
        if std.dtype.is_complex:
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.kind.place != META and std.numel() and not (wide(elements(std)) >= 0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    else:
        std = number("normal", "std", 2, std)
    kind = (mean if isinstance(mean, Tensor) else std).kind
    shapes = [t.shape if isinstance(t, Tensor) else () for t in (mean, std)]
    if broadcast_shape(shapes) is None:
        raise broadcast_error(shapes)
    return _normal_op(mean, std, kind, generator)


__all__ = exported(globals())
