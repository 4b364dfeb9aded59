"""Operators that work element by element."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, holed, sample, twice

UNARY = [
    "abs", "neg", "sin", "tanh", "sqrt", "sign", "sgn", "floor", "ceil", "trunc", "round", "expm1",
    "log1p", "asin", "atan", "sinh", "asinh", "erf", "tan", "relu", "isnan", "isinf", "isposinf",
    "isneginf", "signbit", "deg2rad", "rad2deg", "frac", "nan_to_num", "angle", "positive",
]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name: str, layout: str) -> None:
    """What the operator makes of the dense tensor, at the same places."""
    it = sample(layout)
    result = getattr(torch, name)(it)
    assert result.layout is it.layout and result._nnz() == it._nnz()
    expected = getattr(torch, name)(it.to_dense())
    np.testing.assert_array_equal(result.to_dense().numpy(), expected.numpy())


def test_repeated_places_are_added_first() -> None:
    """Operators that are not linear see sums, linear ones leave repetitions alone."""
    it = twice()
    dense = it.to_dense()
    assert it.sin().is_coalesced() and torch.equal(it.sin().to_dense(), dense.sin())
    assert it.pow(2)._nnz() == 3 and torch.equal(it.pow(2).to_dense(), dense**2)
    assert (-it)._nnz() == 5 and (it * 2)._nnz() == 5
    assert torch.equal((it * it).to_dense(), dense * dense)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_numbers(layout: str) -> None:
    """Products with numbers, Python's or tensors of one element; promotion as for dense tensors."""
    it = sample(layout)
    dense = it.to_dense()
    for scaled in (it * 2.5, 2.5 * it, it * torch.tensor(2.5), it.clone().mul_(2.5)):
        assert torch.equal(scaled.to_dense(), dense * 2.5)
    assert torch.equal((it / 4).to_dense(), dense / 4)
    assert (it.int() * 2.5).dtype is torch.float32
    floored = torch.div(it, 2, rounding_mode="floor")
    assert torch.equal(floored.to_dense(), torch.div(dense, 2, rounding_mode="floor"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_of_one_layout(layout: str) -> None:
    """Sums, differences and products against NumPy's."""
    a, b = sample(layout), sample(layout, seed=1)
    x, y = a.to_dense(), b.to_dense()
    assert torch.equal((a + b).to_dense(), x + y) and (a + b).layout is a.layout
    assert torch.equal(torch.add(a, b, alpha=-2.0).to_dense(), x - 2 * y)
    assert torch.equal((a - b).to_dense(), x - y)
    assert torch.equal((a * b).to_dense(), x * y)
    changed = a.clone()
    assert changed.add_(b) is changed and torch.equal(changed.to_dense(), x + y)


def test_sum_of_what_is_not_coalesced() -> None:
    """The places of both, walked through side by side, as PyTorch stores them."""
    it = twice()
    assert (it + it)._nnz() == 5 and torch.equal((it + it).to_dense(), 2 * it.to_dense())
    mixed = it - it.coalesce()
    assert mixed._nnz() == 7 and not mixed.is_coalesced() and not mixed.to_dense().any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_with_dense(layout: str) -> None:
    """Dense plus sparse is dense, in place too; the product is sparse."""
    it, dense = sample(layout), torch.tensor(holed(4, 6, seed=3, share=0))
    x = it.to_dense()
    assert torch.equal(dense + it, dense + x)
    assert torch.equal(torch.sub(dense, it, alpha=2), dense - 2 * x)
    for target in (dense.clone(), dense.t().contiguous().t()):
        address = target.data_ptr()
        target.add_(it, alpha=0.5)
        assert torch.equal(target, dense + 0.5 * x) and target.data_ptr() == address
    assert torch.equal((it * dense).to_dense(), x * dense)
    assert torch.equal((it * dense[:1]).to_dense(), x * dense[:1])


def test_complex() -> None:
    """Conjugates are taken at once; gradients use them."""
    it = torch.tensor([[0, 1 + 2j], [3j, 0]], dtype=torch.complex128).to_sparse()
    for turned in (it.conj(), torch.conj_physical(it)):
        assert torch.equal(turned.to_dense(), it.to_dense().conj())
    assert torch.equal(it.mH.to_dense(), it.to_dense().mH)
    assert torch.equal(it.abs().to_dense(), it.to_dense().abs())
    assert torch.autograd.gradcheck(
        lambda x: torch.sparse.mm(x, torch.ones(2, 2, dtype=torch.complex128) * 1j),
        (it.requires_grad_(),),
        masked=True,
    )


def test_refused() -> None:
    """PyTorch's words for what there is not."""
    it, csr, dense = sample("coo"), sample("csr"), torch.ones(4, 6, dtype=torch.float64)
    refusals = [
        (lambda: it + dense, RuntimeError, "add(sparse, dense) is not supported. Use add(dense,"),
        (lambda: it + 1, RuntimeError, "add(sparse, dense) is not supported."),
        (lambda: it + sample("coo", 3, 3), RuntimeError, "but [4, 6] != [3, 3]"),
        (lambda: it / it, RuntimeError, "requires a scalar or zero-dim dense tensor divisor"),
        (lambda: it.pow(0), RuntimeError, "cannot raise to zeroth power on sparse tensor"),
        (lambda: it.exp(), NotImplementedError, "'aten::exp' with arguments from the 'SparseCPU'"),
        (lambda: csr.exp(), RuntimeError, "unsupported tensor layout: SparseCsr"),
        (lambda: csr.argmax(), NotImplementedError, "from the 'SparseCsrCPU' backend"),
        (lambda: it.expand(2, 4, 6), RuntimeError, "expand is unsupported for Sparse tensors"),
        (lambda: it.numpy(), TypeError, "can't convert Sparse layout tensor to numpy."),
        (lambda: np.asarray(csr), TypeError, "can't convert SparseCsr layout tensor to numpy."),
        (lambda: csr.stride(), RuntimeError, "Sparse CSR tensors do not have strides"),
        (lambda: bool(it), RuntimeError, "more than one value is ambiguous"),
        (lambda: it.item(), RuntimeError, "a Tensor with 24 elements cannot be converted"),
        (lambda: it.view(6, 4), NotImplementedError, "Could not run 'aten::view'"),
        (lambda: it.cumsum(0), NotImplementedError, "Could not run 'aten::cumsum'"),
    ]
    for call, kind, words in refusals:
        with pytest.raises(kind) as caught:
            call()  # type: ignore[no-untyped-call]
        assert words in str(caught.value)
