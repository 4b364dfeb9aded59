"""Lazy conjugates and negatives: what is shared, what is asked for, and writes through them."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import flambeau as torch

Program = Callable[[Any, Any, Any], Any]
PROGRAMS: dict[str, Program] = {}


def matrix() -> torch.Tensor:
    return torch.tensor([[1 + 2j, 3 - 4j], [5j, 6 + 1j]], dtype=torch.complex128)


def bits(tensor: torch.Tensor) -> tuple[bool, bool]:
    return tensor.is_conj(), tensor.is_neg()


# ---- memory and flags


def test_a_conjugate_shares_memory() -> None:
    z = matrix()
    turned = z.conj()
    assert bits(turned) == (True, False)
    assert turned._base is z and turned.data_ptr() == z.data_ptr()
    assert turned.tolist() == [[1 - 2j, 3 + 4j], [-5j, 6 - 1j]]
    z[0, 0] = 7j
    assert turned[0, 0].item() == -7j
    assert bits(turned.conj()) == (False, False) and turned.conj().tolist() == z.tolist()


@pytest.mark.parametrize("name", ["mH", "H"])
def test_adjoints_are_lazy(name: str) -> None:
    z = matrix()
    adjoint = getattr(z, name)
    assert adjoint.is_conj() and adjoint.stride() == (1, 2) and adjoint.data_ptr() == z.data_ptr()
    np.testing.assert_allclose((adjoint @ z).numpy(), z.numpy().conj().T @ z.numpy())


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (lambda c: c.real, (False, False)),
        (lambda c: c.imag, (False, True)),
        (lambda c: c._neg_view(), (True, True)),
        (lambda c: c._neg_view().imag, (False, False)),
        (lambda c: c._neg_view().real, (False, True)),
        (lambda c: c.imag._neg_view(), (False, False)),
        (lambda c: c.imag.conj(), (False, True)),
        (lambda c: c[0], (True, False)),
        (lambda c: c.t(), (True, False)),
        (lambda c: c.reshape(4), (True, False)),
        (lambda c: c.unbind()[1], (True, False)),
        (lambda c: c.as_strided((2,), (1,)), (True, False)),
        (lambda c: c.detach(), (True, False)),
        (lambda c: c.data, (True, False)),
        (lambda c: c.contiguous(), (True, False)),
        (lambda c: torch.nn.Parameter(c), (True, False)),
        (lambda c: c.to(torch.complex128), (True, False)),
    ],
)
def test_views_keep_flips(view: Any, expected: Any) -> None:
    z = matrix()
    shown = view(z.conj())
    assert bits(shown) == expected
    assert shown.untyped_storage().data_ptr() == z.untyped_storage().data_ptr()
    assert torch.equal(shown, view(z.conj_physical()))


@pytest.mark.parametrize(
    "function",
    [
        lambda c: c.clone(),
        lambda c: c * 2,
        lambda c: c.resolve_conj(),
        lambda c: c.conj_physical(),
        lambda c: c.t().reshape(4),
        lambda c: c[torch.tensor([0, 1])],
        lambda c: torch.stack([c, c]),
        lambda c: torch.empty_like(c),
        lambda c: c.to(torch.complex64),
        copy.deepcopy,
    ],
)
def test_computed_results_are_plain(function: Any) -> None:
    assert bits(function(matrix().conj())) == (False, False)


def test_plain_tensors_are_resolved_already() -> None:
    x, z = torch.ones(2), matrix()
    assert x.conj() is x and z.resolve_conj() is z and z.resolve_neg() is z
    assert x.conj_physical() is x


def test_memory_is_not_handed_out() -> None:
    turned = matrix().conj()
    with pytest.raises(RuntimeError, match="Tensor that has conjugate bit set"):
        turned.numpy()
    with pytest.raises(RuntimeError, match="Tensor that has negative bit set"):
        np.asarray(turned.imag)
    with pytest.raises(RuntimeError, match="doesn't work on unresolved conjugated tensors"):
        torch.view_as_real(turned)
    with pytest.raises(RuntimeError, match="not supported for conjugate view tensors when"):
        turned.view(torch.float64)
    with pytest.raises(BufferError, match="Can't export tensors with the conjugate bit set"):
        turned.__dlpack__()
    np.testing.assert_array_equal(turned.numpy(force=True), matrix().numpy().conj())


def test_printing_and_python_values() -> None:
    turned = torch.tensor([1 + 2j, 3 - 4j]).conj()
    assert repr(turned) == "tensor([1.-2.j, 3.+4.j])"
    assert repr(turned.imag) == "tensor([-2.,  4.])"
    assert turned.imag.tolist() == [-2, 4] and turned.imag[1].item() == 4
    assert complex(turned[0]) == 1 - 2j and bool(turned[0])
    history = torch.tensor([1 + 2j], requires_grad=True).conj()
    assert repr(history) == "tensor([1.-2.j], grad_fn=<ConjBackward0>)"


@pytest.mark.parametrize("part", [lambda c: c, lambda c: c.imag])
def test_files_and_pickles_keep_flips(part: Any) -> None:
    turned, file = part(matrix().conj()), io.BytesIO()
    torch.save(turned, file)
    file.seek(0)
    for back in (torch.load(file), pickle.loads(pickle.dumps(turned)), copy.copy(turned)):
        assert bits(back) == bits(turned) and torch.equal(back, turned)
    assert torch.equal(copy.deepcopy(turned), turned)


def test_data_takes_the_flips_of_what_is_assigned() -> None:
    z = matrix()
    z.data = matrix().conj()
    assert z.is_conj() and z.tolist() == matrix().conj().tolist()
    z.data = matrix()
    assert not z.is_conj() and torch.equal(z, matrix())


def test_results_are_written_where_they_are_asked() -> None:
    z = matrix()
    torch.mul(matrix(), 2, out=z.conj())
    assert torch.equal(z, matrix().conj() * 2)
    fresh = torch.empty(2, 2, dtype=torch.complex128).copy_(matrix().conj())
    assert not fresh.is_conj() and torch.equal(fresh, matrix().conj())


def test_a_subclass_keeps_flips() -> None:
    class Mine(torch.Tensor):
        pass

    mine = matrix().conj().as_subclass(Mine)
    assert mine.is_conj() and isinstance(mine * 1, Mine)
    assert torch.equal((mine * 1).as_subclass(torch.Tensor), matrix().conj())


def test_no_memory() -> None:
    turned = torch.empty(2, dtype=torch.complex64, device="meta").conj()
    assert turned.is_conj() and (turned * 2).device.type == "meta"


# ---- gradients and transforms


def test_gradients_are_lazy_where_a_conjugate_ended_the_chain() -> None:
    z, w = matrix().requires_grad_(), matrix()
    (z.conj() * w).real.sum().backward()
    assert z.grad.is_conj() and torch.equal(z.grad, w)
    for function in (lambda: (z * w).real, lambda: z.conj().real, lambda: (z.mH @ z).real):
        z.grad = None
        function().sum().backward()
        assert not z.grad.is_conj()


def test_a_write_after_saving_is_noticed() -> None:
    base = matrix().requires_grad_() * 1
    turned = base.conj()
    product = turned * turned
    base.add_(1)
    with pytest.raises(RuntimeError, match="output 0 of Conj, is at version 1; expected version 0"):
        product.real.sum().backward()


def test_transforms() -> None:
    z = matrix()
    assert torch.func.vmap(lambda row: row.conj())(z).is_conj()
    assert torch.equal(torch.func.vmap(lambda row: row * 1)(z.conj()), z.conj())
    result, tangent = torch.func.jvp(lambda v: v.conj(), (z,), (z * 2,))
    assert result.is_conj() and tangent.is_conj() and torch.equal(tangent, z.conj() * 2)
    assert torch.autograd.gradcheck(lambda v: v.conj() * v + v.mH, (z.requires_grad_(),))
    assert torch.autograd.gradcheck(lambda v: v * v, (z.detach().conj().requires_grad_(),))


# ---- writes through lazy views


def program(function: Program) -> Program:
    """Registers a function of the library, a computed tensor and other numbers."""
    PROGRAMS[function.__name__] = function
    return function


def outcome(torch: Any, function: Program) -> Any:
    """The values of all results, and the gradient of a weighted sum of them."""
    numbers = [[[1 + 2j, 3 - 4j], [5j, 6 + 1j]], [[2 + 1j, 1 - 1j], [1j, 3 + 2j]]]
    z, w = (torch.tensor(n, dtype=torch.complex128) for n in numbers)
    results = function(torch, z.requires_grad_() * 1, w)
    total = 0
    for place, result in enumerate(results):
        weight = w if result.ndim == 2 else w.flatten()[: result.numel()]
        part = (result * weight).sum()
        total = total + (place + 1) * (part.real + 2 * part.imag)
    (grad,) = torch.autograd.grad(total, z)
    return [rounded(t.detach()) for t in (*results, grad)]


def rounded(tensor: Any) -> list[complex]:
    """The elements, with six decimals."""
    return [complex(round(v.real, 6), round(v.imag, 6)) for v in map(complex, tensor.flatten())]


@program
def multiplied(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.mul_(w)
    return b, turned


@program
def one_row(torch: Any, b: Any, w: Any) -> Any:
    row = b.conj()[0]
    row.mul_(1j)
    return b, row, b.conj()


@program
def imaginary_parts(torch: Any, b: Any, w: Any) -> Any:
    parts = b.conj().imag
    parts.add_(b.real.detach()).mul_(3)
    return b, parts


@program
def real_parts(torch: Any, b: Any, w: Any) -> Any:
    parts = b.conj().real
    parts.mul_(2)
    return b, parts


@program
def another_view(torch: Any, b: Any, w: Any) -> Any:
    turned, row = b.conj(), b[0]
    turned.mul_(w)
    return b, row, turned


@program
def a_view_made_before(torch: Any, b: Any, w: Any) -> Any:
    turned, row = b.conj(), b[0]
    row.mul_(2j)
    return b, row, turned


@program
def assigned(torch: Any, b: Any, w: Any) -> Any:
    turned = b.mH
    turned[0] = w[0]
    return b, turned


@program
def saved_result(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.mul_(0.1).exp_()
    return b, turned


@program
def negative(torch: Any, b: Any, w: Any) -> Any:
    turned = b._neg_view()
    turned.mul_(0.1).exp_()
    return b, turned


@program
def copied(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.copy_(w * b)
    return b, turned


@program
def filled(torch: Any, b: Any, w: Any) -> Any:
    row = b.conj()[0]
    row.fill_(2 + 3j)
    return b, row


@program
def view_of_a_detached_conjugate(torch: Any, b: Any, w: Any) -> Any:
    base = b.detach().conj()
    part = base.view(4)[1:3]
    part.mul_(b.flatten()[:2])
    return base, part, b


@program
def imaginary_parts_of_a_detached_conjugate(torch: Any, b: Any, w: Any) -> Any:
    base = b.detach().conj()
    part = base.imag
    part.mul_(b.real)
    return base, part, b


@program
def twice(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.mul_(w)
    b.add_(1j)
    turned.mul_(2)
    return b, turned


@program
def masked(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.masked_fill_(torch.tensor([True, False]), 1j)
    return b, turned


@program
def accumulated(torch: Any, b: Any, w: Any) -> Any:
    turned = b.conj()
    turned.index_add_(0, torch.tensor([1]), w[:1]).addmm_(w, w)
    return b, turned


# Measured with PyTorch 2.13.
EXPECTED: dict[str, Any] = {
    "multiplied": [
        [(4 + 3j), (7 - 1j), (5 - 0j), (20 - 9j)],
        [(4 - 3j), (7 + 1j), (5 + 0j), (20 + 9j)],
        [(27 + 6j), (-6 - 0j), (-1 + 6j), (71 + 30j)],
    ],
    "one_row": [
        [(2 - 1j), (-4 - 3j), 5j, (6 + 1j)],
        [(2 + 1j), (-4 + 3j)],
        [(2 + 1j), (-4 + 3j), -5j, (6 - 1j)],
        [(12 + 24j), (12 - 6j), (8 + 2j), (28 - 8j)],
    ],
    "imaginary_parts": [
        [(1 + 3j), (3 - 21j), 15j, (6 - 15j)],
        [(-3 + 0j), (21 + 0j), (-15 + 0j), (15 + 0j)],
        [(4 - 15j), (-1 + 15j), (2 - 15j), (7 - 30j)],
    ],
    "real_parts": [
        [(2 + 2j), (6 - 4j), 5j, (12 + 1j)],
        [(2 + 0j), (6 + 0j), 0j, (12 + 0j)],
        [(24 + 3j), (-6 + 3j), (12 - 1j), (42 + 4j)],
    ],
    "another_view": [
        [(4 + 3j), (7 - 1j), (5 - 0j), (20 - 9j)],
        [(4 + 3j), (7 - 1j)],
        [(4 - 3j), (7 + 1j), (5 + 0j), (20 + 9j)],
        [(48 + 24j), (-6 + 6j), (-2 + 8j), (100 + 32j)],
    ],
    "a_view_made_before": [
        [(-4 + 2j), (8 + 6j), 5j, (6 + 1j)],
        [(-4 + 2j), (8 + 6j)],
        [(-4 - 2j), (8 - 6j), -5j, (6 - 1j)],
        [-48j, 12j, (8 + 2j), (28 - 8j)],
    ],
    "assigned": [
        [(2 - 1j), (3 - 4j), (1 + 1j), (6 + 1j)],
        [(2 + 1j), (1 - 1j), (3 + 4j), (6 - 1j)],
        [0j, (3 + 5j), 0j, (21 - 4j)],
    ],
    "saved_result": [
        [
            (1.083141 + 0.219564j),
            (1.243302 - 0.52566j),
            (0.877583 + 0.479426j),
            (1.813016 + 0.181908j),
        ],
        [
            (1.083141 - 0.219564j),
            (1.243302 + 0.52566j),
            (0.877583 - 0.479426j),
            (1.813016 - 0.181908j),
        ],
        [
            (1.2339 - 0.588419j),
            (-0.215293 - 0.530689j),
            (0.574492 - 0.199897j),
            (3.73457 - 1.107214j),
        ],
    ],
    "negative": [
        [
            (-0.886801 + 0.179763j),
            (-0.682339 - 0.288488j),
            (-0.877583 + 0.479426j),
            (-0.54607 + 0.05479j),
        ],
        [
            (0.886801 - 0.179763j),
            (0.682339 + 0.288488j),
            (0.877583 - 0.479426j),
            (0.54607 - 0.05479j),
        ],
        [
            (-0.300791 - 0.337946j),
            (-0.018313 - 0.23355j),
            (-0.223459 - 0.008127j),
            (-0.360333 - 0.256781j),
        ],
    ],
    "copied": [
        [-5j, (-1 + 7j), (-5 - 0j), (16 - 15j)],
        [5j, (-1 - 7j), (-5 + 0j), (16 + 15j)],
        [(27 - 6j), (-6 + 0j), (-1 - 6j), (71 - 30j)],
    ],
    "filled": [
        [(2 - 3j), (2 - 3j), 5j, (6 + 1j)],
        [(2 + 3j), (2 + 3j)],
        [0j, 0j, (2 - 1j), (7 + 4j)],
    ],
    "view_of_a_detached_conjugate": [
        [(1 - 2j), (-5 + 10j), (-20 - 15j), (6 - 1j)],
        [(-5 + 10j), (-20 - 15j)],
        [(1 + 2j), (-5 - 10j), (-20 + 15j), (6 + 1j)],
        [(69 + 8j), (-28 + 9j), (6 - 3j), (21 + 12j)],
    ],
    "imaginary_parts_of_a_detached_conjugate": [
        [(1 - 2j), (3 + 12j), -0j, (6 - 6j)],
        [(-2 + 0j), (12 + 0j), (-0 + 0j), (-6 + 0j)],
        [(1 + 2j), (3 - 12j), 0j, (6 + 6j)],
        [(-10 + 9j), (1 + 9j), (-9 - 3j), (3 + 12j)],
    ],
    "twice": [
        [(8 + 8j), (14 - 0j), (10 + 2j), (40 - 16j)],
        [(8 - 8j), (14 + 0j), (10 - 2j), (40 + 16j)],
        [(54 + 12j), (-12 - 0j), (-2 + 12j), (142 + 60j)],
    ],
    "masked": [
        [-1j, (3 - 4j), -1j, (6 + 1j)],
        [1j, (3 + 4j), 1j, (6 - 1j)],
        [0j, (-3 - 3j), 0j, (21 - 4j)],
    ],
    "accumulated": [
        [(5 - 3j), (11 - 2j), (-1 - 1j), (13 - 11j)],
        [(5 + 3j), (11 + 2j), (-1 + 1j), (13 + 11j)],
        [(12 - 3j), (-3 - 3j), (6 + 1j), (21 - 4j)],
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    assert outcome(torch, PROGRAMS[name]) == EXPECTED[name]
