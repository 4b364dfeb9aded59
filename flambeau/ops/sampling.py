"""Random tensors with parameters for each element: Bernoulli, Poisson, gamma, binomial, categories.

Results are contiguous, and drawn in the logical order of their elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dtype import scalar_name
from flambeau.core.errors.messages import broadcast_error, broadcast_shape
from flambeau.core.families import pointwise_shape
from flambeau.core.generator import lock
from flambeau.core.kind import Kind
from flambeau.core.op import POINTWISE, Op
from flambeau.core.publish import aten, exported, method, not_a_tensor
from flambeau.core.tensor import Tensor
from flambeau.core.writing import deliver
from flambeau.kernels.select import CPU, places
from flambeau.kernels.shared import implicit_gradients, random_each
from flambeau.kernels.shared import random as kernels
from flambeau.ops.conversion import moved
from flambeau.ops.drawing import (
    DRAWABLE,
    REAL,
    Fill,
    check_chance,
    check_chances,
    draw,
    number,
    on_host,
    source,
    unsupported,
)  # fmt: skip
from flambeau.ops.examples import RandomOp
from flambeau.ops.factories import filled
from flambeau.ops.filling import no_gradient
from flambeau.ops.pointwise.rules import no_derivative

_bernoulli = places(kernels.bernoulli)[CPU]
_bernoulli_each = places(kernels.bernoulli_each)[CPU]

# ---- samples with parameters in tensors


def _sampled(arrays: tuple[Any, ...], kind: Kind, generator: Any, fill: Fill) -> Any:
    """A new array drawn with arrays of parameters, in the logical order of the elements."""
    result = filled(arrays[0].shape, kind)
    flat = [numpy.ascontiguousarray(on_host(a)).reshape(-1) for a in arrays]
    draw(result, kind, generator, fill, *flat)
    return result


def _bernoulli_sample(array: Any, kind: Kind, generator: Any) -> Any:
    check_chances(on_host(array))
    return _sampled((array,), kind, generator, _bernoulli_each)  # type: ignore[arg-type]


def _bernoulli_alike(array: Any, kind: Kind, generator: Any, p: float) -> Any:
    result = filled(array.shape, kind)
    draw(result, kind, generator, _bernoulli, p)  # type: ignore[arg-type]
    return result


def _sampler(name: str, forward: Callable[..., Any], **options: Any) -> Op:
    options.setdefault("vjp", {"input": no_gradient})
    options.setdefault("params", ("kind", "generator"))
    return RandomOp(
        name, forward, shape=_contiguous, jvp=lambda input_t: no_gradient(input_t), **options
    )


def _contiguous(array: Any, *rest: Any) -> Any:
    return array.shape, array.dtype


_bernoulli_op = _sampler("bernoulli", _bernoulli_sample)
_bernoulli_p_op = _sampler(
    "bernoulli_p", _bernoulli_alike, params=("kind", "generator", "p"), node="Bernoulli"
)


@method("bernoulli")
def bernoulli(
    input: Tensor, p: float | None = None, *, generator: Any = None, out: Tensor | None = None
) -> Tensor:
    """Ones with the chances that ``input`` holds, or all with chance ``p``, and zeros.

    The result has the shape and dtype of ``input``. RuntimeError for chances outside [0, 1].

    >>> torch.bernoulli(torch.tensor([0., 1., 1.]))
    tensor([0., 1., 1.])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("bernoulli", "input", 1, input)
    kind = input.kind
    of = kind.dtype
    if of.is_complex or (of.is_floating_point and of not in DRAWABLE):
        raise unsupported("bernoulli_tensor_cpu_self_", of)
    if p is not None:
        p = number("bernoulli", "p", 2, p)
        check_chance(p)
    elif not of.is_floating_point:
        raise unsupported("bernoulli_tensor_cpu_p_", of)
    op = _bernoulli_op if p is None else _bernoulli_p_op
    result = op(input, kind, generator, *(() if p is None else (p,)))
    if isinstance(out, Tensor) and result._node is None:
        result = result.to(out.dtype)  # any dtype holds zeros and ones
    return deliver("bernoulli", result, out)


_poisson, _gamma = places(random_each.poisson)[CPU], places(random_each.standard_gamma)[CPU]
_binomial = places(random_each.binomial)[CPU]


def _poisson_sample(array: Any, kind: Kind, generator: Any) -> Any:
    wide = array.astype(numpy.float32) if kind.narrow else array
    if not (wide >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _sampled((array,), kind, generator, _poisson)  # type: ignore[arg-type]


_poisson_op = _sampler("poisson", _poisson_sample)


@method("poisson")
def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson numbers with the rates that ``input`` holds, in its dtype.

    Floating, of any shape; RuntimeError for negative rates.

    >>> torch.poisson(torch.tensor([0., 0.]))
    tensor([0., 0.])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("poisson", "input", 1, input)
    if input.dtype not in REAL:
        raise unsupported("poisson_cpu", input.dtype)
    return _poisson_op(input, input.kind, generator)


def _gamma_sample(array: Any, kind: Kind, generator: Any) -> Any:
    return _sampled((array,), kind, generator, _gamma)  # type: ignore[arg-type]


def _same_dtypes(*tensors: Tensor) -> None:
    of = tensors[0].dtype
    for tensor in tensors[1:]:
        if tensor.dtype is not of:
            names = scalar_name(tensor.dtype), scalar_name(of)
            raise RuntimeError(f"Found dtype {names[0]} but expected {names[1]}")


def _no_second_derivative(grad: Tensor) -> Tensor:
    raise NotImplementedError("the derivative for '_standard_gamma_grad' is not implemented.")


_gamma_gradient = Op("standard_gamma_grad", implicit_gradients.standard_gamma_gradient,
    inputs=("input", "output"), accepts="f", refusal="_standard_gamma_grad_cpu", widen=True,
    batch=POINTWISE, check=_same_dtypes,
    shape=pointwise_shape(implicit_gradients.standard_gamma_gradient),
    vjp={"input": _no_second_derivative, "output": _no_second_derivative})  # fmt: skip


@aten("_standard_gamma_grad")
def _standard_gamma_grad(input: Tensor, output: Tensor) -> Tensor:
    """The derivative of gamma samples ``output`` with respect to their shapes ``input``.

    Both broadcast and are of one floating dtype; RuntimeError or NotImplementedError otherwise.
    By implicit reparametrisation, to nine digits (the kernel tells how).

    >>> x = torch.tensor([1.5])
    >>> torch._standard_gamma_grad(torch.ones(1), x)
    tensor([1.4309])
    """
    return _gamma_gradient(input, output)


_dirichlet_gradient = Op("dirichlet_grad", implicit_gradients.dirichlet_gradient,
    inputs=("x", "alpha", "total"), accepts="f", refusal="_dirichlet_grad_cpu", widen=True,
    batch=POINTWISE, check=_same_dtypes,
    shape=pointwise_shape(implicit_gradients.dirichlet_gradient),
    vjp=dict.fromkeys(("x", "alpha", "total"), no_derivative("_dirichlet_grad")))  # fmt: skip


@aten("_dirichlet_grad")
def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """The derivative of coordinates ``x`` of points of the simplex with respect to their own
    concentrations ``alpha``, which sum to ``total``, divided by ``1 - x``.

    All broadcast and are of one floating dtype; RuntimeError or NotImplementedError otherwise.

    >>> x = torch.tensor([0.5])
    >>> torch._dirichlet_grad(x, torch.ones(1), torch.tensor([2.0]))
    tensor([0.6931])
    """
    return _dirichlet_gradient(x, alpha, total)


@aten("_sample_dirichlet")
def _sample_dirichlet(input: Tensor, generator: Any = None) -> Tensor:
    """Points of the simplex with the concentrations in the last dimension, float32 or float64."""
    if input.dtype.name not in ("float32", "float64"):
        raise unsupported("dirichlet", input.dtype)
    return _dirichlet_op(input, input.kind, generator)


def _dirichlet_sample(array: Any, kind: Kind, generator: Any) -> Any:
    """Gamma numbers of float64, divided by their sum."""
    wide = kind.family[numpy.dtype(numpy.float64)]
    numbers = _gamma_sample(array.astype(numpy.float64), wide, generator)
    points = (numbers / numbers.sum(-1, keepdims=True)).astype(kind.array_type)
    info = numpy.finfo(kind.array_type)
    return points.clip(info.tiny, 1 - info.epsneg)


_gamma_op = _sampler("standard_gamma", _gamma_sample, vjp={
    "input": lambda grad, input, result: grad * _gamma_gradient(input, result)})  # fmt: skip
_dirichlet_op = _sampler("dirichlet", _dirichlet_sample,
    vjp={"input": no_derivative("_sample_dirichlet")})  # fmt: skip


@aten("_standard_gamma")
def _standard_gamma(input: Tensor, generator: Any = None) -> Tensor:
    """Gamma numbers of rate 1 with the shapes that ``input`` holds, float32 or float64."""
    if input.dtype.name not in ("float32", "float64"):
        raise unsupported("gamma_cpu", input.dtype)
    return _gamma_op(input, input.kind, generator)


def _binomial_sample(count: Any, prob: Any, kind: Kind, generator: Any) -> Any:
    pair = tuple(numpy.broadcast_arrays(on_host(count), on_host(prob)))
    return _sampled(pair, kind, generator, _binomial)  # type: ignore[arg-type]


def _pair_shape(count: Any, prob: Any, *rest: Any) -> Any:
    return numpy.broadcast_shapes(count.shape, prob.shape), count.dtype


def _binomial_gradient(grad: Tensor) -> Tensor:
    raise RuntimeError("derivative for aten::binomial is not implemented")


_binomial_op = RandomOp("binomial", _binomial_sample, inputs=("count", "prob"),
                  params=("kind", "generator"), shape=_pair_shape,
                  vjp={"count": _binomial_gradient, "prob": _binomial_gradient})  # fmt: skip


@method("binomial")
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """The numbers of successes in ``count`` trials of chance ``prob``, broadcast.

    Both are float32, or both float64, as is the result.

    NotImplementedError or RuntimeError for other dtypes.

    >>> torch.binomial(torch.tensor([3., 7.]), torch.tensor([0., 1.]))
    tensor([0., 7.])
    """
    for position, (name, value) in enumerate((("count", count), ("prob", prob)), 1):
        if not isinstance(value, Tensor):
            raise not_a_tensor("binomial", name, position, value)
    of = count.dtype
    if not of.is_floating_point:
        raise ValueError(
            f"binomial only supports floating-point dtypes for count, got: {scalar_name(of)}"
        )
    if of.itemsize < 4:
        raise unsupported("binomial_cpu", of)
    if prob.dtype is not of:
        raise RuntimeError(f"Found dtype {scalar_name(prob.dtype)} but expected {scalar_name(of)}")
    if broadcast_shape([count.shape, prob.shape]) is None:
        raise broadcast_error([count.shape, prob.shape])
    return _binomial_op(count, prob, count.kind, generator)


# ---- categories


def _check_weights(array: Any, replacement: bool) -> None:
    """The errors of weights that are no distribution; they differ between the two methods."""
    finite, positive = numpy.isfinite(array), array >= 0
    if not replacement and not (finite & positive).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not positive.all():
        raise RuntimeError("invalid multinomial distribution (encountering probability entry < 0)")
    if not finite.all():
        raise RuntimeError(
            "invalid multinomial distribution (encountering probability entry = infinity or NaN)"
        )
    if array.size and not (array.sum(-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def _categories(array: Any, kind: Kind, generator: Any, samples: int, replacement: bool) -> Any:
    weights = on_host(array).reshape(-1, array.shape[-1])
    serial = replacement and samples > 1
    _check_weights(weights.astype(numpy.float32) if kind.narrow else weights, serial)
    host = numpy.empty((weights.shape[0], samples), numpy.int64)
    if host.size:
        with lock.held:
            fill = random_each.choices if serial else random_each.selections
            fill(host, source(generator, kind).stream, weights)
    return moved(host.reshape((*array.shape[:-1], samples)), kind)


def _categories_shape(
    array: Any, kind: Kind, generator: Any, samples: int, replacement: bool
) -> Any:
    return (*array.shape[:-1], samples), numpy.dtype(numpy.int64)


_multinomial_op = RandomOp("multinomial", _categories, shape=_categories_shape,
                     params=("kind", "generator", "samples", "replacement"))  # fmt: skip


@method("multinomial")
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Indices of categories, drawn with the weights that a row of ``input`` holds.

    ``input`` is ``(categories,)`` or ``(rows, categories)``, floating, not negative; the int64
    result has ``num_samples`` in place of the categories. Without replacement they all differ.
    RuntimeError for negative weights, or more samples than categories without replacement.

    >>> torch.multinomial(torch.tensor([0., 1., 0.]), 3, replacement=True)
    tensor([1, 1, 1])
    """
    if not isinstance(input, Tensor):
        raise not_a_tensor("multinomial", "input", 1, input)
    if not hasattr(num_samples, "__index__"):
        raise TypeError(
            "multinomial(): argument 'num_samples' (position 2) must be int, not "
            f"{type(num_samples).__name__}"
        )
    _check_multinomial(input, num_samples, replacement, out)
    result = _multinomial_op(input, input.kind, generator, int(num_samples), replacement)
    return deliver("multinomial", result, out)


def _check_multinomial(input: Tensor, samples: int, replacement: bool, out: Tensor | None) -> None:
    if out is not None and out.dtype.name != "int64":
        raise RuntimeError(f"multinomial expects Long tensor out, got: {scalar_name(out.dtype)}")
    if input.ndim not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if input.dtype not in REAL:
        raise RuntimeError(
            "multinomial only supports floating-point dtypes for input, got: "
            f"{scalar_name(input.dtype)}"
        )
    if samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and samples > input.shape[-1]:
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement"
        )
    if input.shape[-1] > 1 << 24:
        raise RuntimeError("number of categories cannot exceed 2^24")


__all__ = exported(globals())
