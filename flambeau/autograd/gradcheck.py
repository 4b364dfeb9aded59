"""Gradients checked against finite differences, in first and second order.

The gradient of a function with complex inputs or outputs is checked as that of the function of
real and imaginary parts, with PyTorch's convention: the gradient of a real loss ``L`` with respect
to ``z = x + iy`` is ``dL/dx + i dL/dy``.
"""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy

from flambeau.autograd.backward import grad as _grad
from flambeau.autograd.grad_mode import enable_grad, no_grad
from flambeau.core.sparse import is_sparse
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones_like, zeros_like
from flambeau.ops.from_data import from_numpy

Function = Callable[..., Any]


class GradcheckError(RuntimeError):
    """A gradient that does not agree with finite differences."""


# ---- arguments


def _inputs(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, collections.abc.Sequence) else (given,)


def _is_checked(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad  # type: ignore[attr-defined]


def _check_inputs(inputs: tuple[Any, ...]) -> None:
    checked = [i for i in inputs if _is_checked(i)]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of "
            "them have requires_grad=True."
        )
    for index, tensor in enumerate(inputs):
        if not _is_checked(tensor):
            continue
        if tensor.dtype.name not in ("float64", "complex128"):
            warnings.warn(
                f"Input #{index} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision "
                "floating point or complex. ",
                stacklevel=4,
            )
        if any([s == 0 and n > 1 for s, n in zip(tensor.stride(), tensor.shape)]):
            raise RuntimeError(
                f"The {index}th input has a dimension with stride 0. gradcheck only supports "
                "inputs that "
                "are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should "
                "call .contiguous on the input before passing it to gradcheck."
            )


def _outputs(result: Any) -> list[Tensor]:
    """The differentiable outputs of a call."""
    values = result if isinstance(result, tuple | list) else (result,)
    return [v for v in values if isinstance(v, Tensor) and v.kind.floating]


# ---- Jacobians as real matrices


def _real(tensor: Tensor) -> numpy.ndarray:
    """The elements as a flat vector of reals: real and imaginary parts alternate."""
    array = numpy.ascontiguousarray(tensor.detach().cpu().numpy())  # type: ignore[attr-defined]
    return (
        array.view(array.real.dtype).reshape(-1) if array.dtype.kind == "c" else array.reshape(-1)
    )


def _weights(output: Tensor) -> Iterator[Tensor]:
    """For each real number of an output, the weight that picks it."""
    of = output.kind.array_type
    for k in range(output.numel()):
        for value in (1, 1j) if of.kind == "c" else (1,):
            flat = numpy.zeros(output.numel(), of)
            flat[k] = value
            yield from_numpy(flat.reshape(output.shape)).to(output.device)  # type: ignore


def _analytic(output: Tensor, checked: list[Tensor]) -> list[numpy.ndarray]:
    """The Jacobian by gradients: ``[reals of the output, reals of the input]`` for each input."""
    rows: list[list[numpy.ndarray]] = [[] for _ in checked]
    for weight in _weights(output):
        grads: Any = (None,) * len(checked)
        if output.requires_grad:  # type: ignore[attr-defined]
            grads = _grad(output, checked, weight, retain_graph=True, allow_unused=True)
        for row, g, tensor in zip(rows, grads, checked):
            if g is not None and g.shape != tensor.shape:
                raise GradcheckError("grad is incorrect size")
            if g is not None and g.dtype is not tensor.dtype:
                raise GradcheckError("grad is incorrect type")
            row.append(_real(zeros_like(tensor) if g is None else g))
    return [
        numpy.stack(row) if row else numpy.zeros((0, _real(t).size))
        for row, t in zip(rows, checked)
    ]


def _numeric(func: Function, inputs: tuple[Any, ...], at: int, eps: float) -> list[numpy.ndarray]:
    """The Jacobians of all outputs with respect to one input, by central differences."""
    moving = inputs[at].detach().clone()
    args = tuple([moving if i == at else _detached(v) for i, v in enumerate(inputs)])
    columns: list[list[numpy.ndarray]] = []
    steps = (eps, 1j * eps) if moving.dtype.is_complex else (eps,)
    for place in numpy.ndindex(*moving.shape):
        for step in steps:
            columns.append(_difference(func, args, moving, place, step, eps))
    if not columns:
        return [numpy.zeros((_real(o).size, 0)) for o in _outputs(_quietly(func, args))]
    return [numpy.stack([c[k] for c in columns], 1) for k in range(len(columns[0]))]


def _detached(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.detach().requires_grad_(value.requires_grad)  # type: ignore[attr-defined]


def _quietly(func: Function, args: tuple[Any, ...]) -> Any:
    with no_grad():
        return func(*args)


def _difference(
    func: Function, args: Any, moving: Tensor, place: Any, step: Any, eps: float
) -> list[numpy.ndarray]:
    array, sides = moving._array, []
    centre = array[place]
    for sign in (1, -1):
        array[place] = centre + sign * step
        sides.append([_real(o).copy() for o in _outputs(_quietly(func, args))])
    array[place] = centre
    return [(up - down) / (2 * eps) for up, down in zip(*sides)]


def get_numerical_jacobian_wrt_specific_input(
    fn: Function,
    input_idx: int,
    inputs: Any,
    outputs: Any,
    eps: float,
    input: Tensor | None = None,
    is_forward_ad: bool = False,
) -> tuple[Tensor, ...]:
    """The Jacobian of each output, ``[elements of the input, elements of the output]``.

    By central differences of ``fn(*inputs)`` in the input of that index, which requires grad.
    Outputs are real, unless the input is real too and ``is_forward_ad`` says that tangents are
    meant; for a complex input ``x + iy`` the result is ``d/dx + i d/dy``.

    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    >>> get_numerical_jacobian_wrt_specific_input(torch.square, 0, (x,), x * x, 1e-6)[0].round()
    tensor([[2., 0.],
            [0., 4.]], dtype=torch.float64)
    """
    point = inputs[input_idx] if input is None else input
    if not point.requires_grad:  # type: ignore[attr-defined]
        raise AssertionError("Expected input to have requires_grad=True")
    given = tuple([point if i == input_idx else v for i, v in enumerate(inputs)])
    of_complex = point.dtype.is_complex
    jacobians = []
    for output, found in zip(_outputs(outputs), _numeric(fn, given, input_idx, eps)):
        if output.dtype.is_complex and (of_complex or not is_forward_ad):
            raise AssertionError("Expected ds_dx to be real-valued, not complex")
        rows = found.T[0::2] + 1j * found.T[1::2] if of_complex else found.T
        rows = rows[:, 0::2] + 1j * rows[:, 1::2] if output.dtype.is_complex else rows
        jacobians.append(from_numpy(numpy.ascontiguousarray(rows)))
    return tuple(jacobians)


# ---- the checks


def gradcheck(
    func: Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` at ``inputs`` agree with central differences.

    ``fast_mode`` compares one random projection instead of whole Jacobians. Raises GradcheckError
    at the first disagreement, or returns False with ``raise_exception=False``.

    >>> x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, x)
    True
    """
    if not (check_backward_ad or check_forward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    args = _inputs(inputs)
    if any([is_sparse(a) for a in args]):
        gradients = import_module("flambeau.sparse.gradients")
        func, args = gradients.on_values(func, args, masked is not False)
    try:
        _check_inputs(args)
        if check_forward_ad:
            _check_forward(func, args, eps, atol, rtol)
        if not check_backward_ad:
            return True
        _check(func, args, eps, atol, rtol, nondet_tol, fast_mode)
        if check_undefined_grad:
            _check_undefined(func, args)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(
    func: Function,
    args: tuple[Any, ...],
    eps: float,
    atol: float,
    rtol: float,
    nondet_tol: float,
    fast: bool,
) -> None:
    with enable_grad():
        outputs = _outputs(func(*args))
    at = [i for i, v in enumerate(args) if _is_checked(v)]
    checked = [args[i] for i in at]
    numeric = [_numeric(func, args, i, eps) for i in at]
    again = _outputs(func(*args)) if outputs else []
    for o, (output, other) in enumerate(zip(outputs, again)):
        analytic, repeated = _analytic(output, checked), _analytic(other, checked)
        for k, (found, second) in enumerate(zip(analytic, repeated)):
            if found.size and numpy.abs(found - second).max() > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output "
                    "multiple times gives different values, although analytical gradient "
                    "matches numerical "
                    f"gradient.The tolerance for nondeterminism was {nondet_tol}."
                )
            _compare(found, numeric[k][o], o, at[k], atol, rtol, fast)


def _check_forward(
    func: Function, args: tuple[Any, ...], eps: float, atol: float, rtol: float
) -> None:
    """The Jacobian by forward mode, column by column, against central differences."""
    forward = import_module(f"{__package__}.forward_ad")
    for at, tensor in enumerate(args):
        if not _is_checked(tensor):
            continue
        numeric = _numeric(func, args, at, eps)
        columns: list[list[numpy.ndarray]] = []
        for tangent in _weights(tensor):
            with forward.dual_level():
                moved = forward.make_dual(tensor.detach(), tangent)
                inner = [moved if i == at else _plain(v) for i, v in enumerate(args)]
                outputs = [forward.unpack_dual(o) for o in _outputs(func(*inner))]
                tangents = [o.primal * 0 if o.tangent is None else o.tangent for o in outputs]
                columns.append([_real(t).copy() for t in tangents])
        for o in range(len(numeric)):
            found = numpy.stack([column[o] for column in columns], 1) if columns else numeric[o]
            _compare(found, numeric[o], o, at, atol, rtol, False)


def _plain(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value  # type: ignore[attr-defined]


def _compare(
    found: Any, expected: Any, o: int, k: int, atol: float, rtol: float, fast: bool
) -> None:
    if fast:
        rng = numpy.random.default_rng(0)
        left, right = rng.random(found.shape[0]), rng.random(found.shape[1])
        found, expected = left @ found @ right, left @ expected @ right
    if numpy.allclose(found, expected, rtol=rtol, atol=atol, equal_nan=True):
        return
    raise GradcheckError(
        f"Jacobian mismatch for output {o} with respect to input {k},\n"
        f"numerical:{numpy.transpose(expected)}\nanalytical:{numpy.transpose(found)}\n"
    )


def _check_undefined(func: Function, args: tuple[Any, ...]) -> None:
    """A backward pass in which some gradients are absent must not fail."""
    with enable_grad():
        outputs = [o for o in _outputs(func(*args)) if o.requires_grad]  # type: ignore[attr-defined]
    checked = [v for v in args if _is_checked(v)]
    if len(outputs) < 2:
        return
    for output in outputs:
        try:
            _grad(output, checked, ones_like(output), retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads. Please look at "
                '"Notes about '
                'undefined output gradients" in "tools/autograd/derivatives.yaml"'
            ) from error


def gradgradcheck(
    func: Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether the second gradients of ``func`` agree with central differences of the first."""
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    args = _inputs(inputs)
    if grad_outputs is None:
        with enable_grad():
            weights = tuple([_random_like(o) for o in _outputs(func(*args))])
    else:
        weights = _inputs(grad_outputs)
    count = len(args)

    def first_gradients(*values: Any) -> Any:
        own = tuple(
            [
                v
                if not isinstance(v, Tensor) or v.requires_grad or not _is_checked(a)
                else v.detach().requires_grad_()  # type: ignore
                for v, a in zip(values[:count], args)
            ]
        )
        with enable_grad():
            outputs = _outputs(func(*own))
        inner = [v for v in own if _is_checked(v)]
        pairs = [(o, w) for o, w in zip(outputs, values[count:]) if o.requires_grad]  # type: ignore
        grads = _grad(
            [o for o, _ in pairs],
            inner,
            [w for _, w in pairs],
            create_graph=True,
            allow_unused=True,
        )
        return tuple([g for g in grads if g is not None])

    return gradcheck(
        first_gradients,
        args + weights,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=False,
        fast_mode=fast_mode,
    )


def _random_like(output: Tensor) -> Tensor:
    rng = numpy.random.default_rng(0)
    values = rng.standard_normal(output.shape)
    if output.dtype.is_complex:
        values = values + 1j * rng.standard_normal(output.shape)
    array = numpy.asarray(values).astype(output.kind.array_type)
    return from_numpy(array).to(output.device).requires_grad_()  # type: ignore[attr-defined]


__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
