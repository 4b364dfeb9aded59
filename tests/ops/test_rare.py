"""Operators that few programs call: against NumPy and SciPy, and facts of PyTorch 2.13."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import flambeau as torch

rng = np.random.default_rng(0)


def test_gradient_is_numpys() -> None:
    values = rng.normal(size=(5, 4))
    at = np.cumsum(rng.uniform(0.5, 2, 5))
    for order in (1, 2):
        ours = torch.gradient(torch.tensor(values), edge_order=order)
        for mine, reference in zip(ours, np.gradient(values, edge_order=order)):
            np.testing.assert_allclose(mine.numpy(), reference)
        (mine,) = torch.gradient(
            torch.tensor(values), spacing=(torch.tensor(at),), dim=0, edge_order=order
        )
        np.testing.assert_allclose(mine.numpy(), np.gradient(values, at, axis=0, edge_order=order))
    with pytest.raises(RuntimeError, match=r"at least edge_order\+1"):
        torch.gradient(torch.ones(2), edge_order=2)


def test_histograms_are_numpys() -> None:
    points, weight = rng.normal(size=(40, 2)), rng.uniform(size=40)
    for density in (False, True):
        mine = torch.histogramdd(
            torch.tensor(points), [3, 4], weight=torch.tensor(weight), density=density
        )
        reference, edges = np.histogramdd(points, [3, 4], weights=weight, density=density)
        np.testing.assert_allclose(mine.hist.numpy(), reference)
        for one, other in zip(mine.bin_edges, edges):
            np.testing.assert_allclose(one.numpy(), other)
    edges = np.array([-1.0, 0.0, 0.3, 2.0])
    hist = torch.histogram(torch.tensor(points), torch.tensor(edges)).hist
    assert hist.tolist() == np.histogram(points, edges)[0].tolist()
    flat = torch.histogram(torch.tensor([2.0, 2.0]), 3)
    assert flat.hist.tolist() == [0, 2, 0] and flat.bin_edges[0].item() == 1.5


def test_hash_tensor() -> None:
    x = torch.arange(6.0).reshape(2, 3) ** 2
    assert torch.hash_tensor(x).item() == 4596767844661723136
    assert torch.hash_tensor(x, 1).tolist() == [9214364837600034816, 4623789442425946112]
    assert torch.hash_tensor(x.int(), 0).tolist() == [9, 17, 29]
    assert torch.hash_tensor(torch.tensor([-1], dtype=torch.int8)).item() == 2**64 - 1


def test_segment_reduce() -> None:
    x, lengths = torch.arange(6.0).reshape(2, 3) ** 2, torch.tensor([2, 0])
    facts = {"max": [9, 16, 25], "min": [0, 1, 4], "mean": [4.5, 8.5, 14.5], "prod": [0, 16, 100]}
    for name, expected in facts.items():
        result = torch.segment_reduce(x, name, lengths=lengths)
        assert result[0].tolist() == expected
    assert result[1].tolist() == [1, 1, 1]
    first = torch.segment_reduce(x, "mean", lengths=torch.tensor([0, 2]), initial=3)
    assert first.tolist() == [[3, 3, 3], [6, 10, 16]]
    rows = torch.segment_reduce(x, "sum", lengths=torch.tensor([[2, 1], [1, 2]]), axis=1)
    assert rows.tolist() == [[1, 4], [9, 41]]
    with pytest.raises(RuntimeError, match="Expected all rows of lengths along axis to sum"):
        torch.segment_reduce(x, "sum", lengths=torch.tensor([1, 2]))


def test_lobpcg_and_its_gradient() -> None:
    torch.manual_seed(0)
    root, weight = (torch.randn(9, 9, dtype=torch.float64) for _ in range(2))
    matrix = (root @ root.T).requires_grad_()

    def loss(values: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        return values.sum() + (vectors @ vectors.mT * weight).sum()

    values, vectors = torch.lobpcg(matrix, k=2, tol=1e-13)
    every, basis = torch.linalg.eigh(matrix)
    assert torch.allclose(values, every[-2:].flip(0))
    gradients = [
        torch.autograd.grad(loss(*pair), matrix)[0]
        for pair in ((values, vectors), (every[-2:], basis[:, -2:]))
    ]
    mine, reference = (g + g.mT for g in gradients)
    assert torch.allclose(mine, reference)
    with pytest.raises(ValueError, match="3 x the number of requested eigenpairs"):
        torch.lobpcg(matrix, k=4)


def test_from_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(4, dtype=np.float32).tofile(path)
    private = torch.from_file(str(path), size=4)
    private[0] = 7
    assert np.fromfile(path, np.float32)[0] == 0
    shared = torch.from_file(str(path), shared=True, size=6)
    shared[5] = 9
    del shared
    assert np.fromfile(path, np.float32).tolist() == [0, 1, 2, 3, 0, 9]
    with pytest.raises(RuntimeError, match=r"unable to open file <.*> in read-only mode: No such"):
        torch.from_file(str(tmp_path / "none"), size=3)


def test_renorm_and_powers() -> None:
    x = torch.arange(6.0).reshape(2, 3) ** 2
    assert torch.allclose(torch.renorm(x, 2, 0, 1.0).norm(dim=1), torch.ones(2))
    assert torch.equal(torch.renorm(x, 2, 0, 100.0), x)
    assert torch.vander(torch.tensor([1, 2]), 3).tolist() == [[1, 1, 1], [4, 2, 1]]
    assert torch.unravel_index(torch.tensor(-1), (2, 3)) == (1, 2)


def test_householder_product_to_second_order() -> None:
    torch.manual_seed(0)
    for dtype in (torch.float64, torch.complex128):
        a = torch.randn(2, 4, 3, dtype=dtype, requires_grad=True)
        tau = torch.randn(2, 2, dtype=dtype, requires_grad=True)
        assert torch.autograd.gradcheck(torch.linalg.householder_product, (a, tau))
        assert torch.autograd.gradgradcheck(torch.linalg.householder_product, (a, tau))


def test_logcumsumexp_of_complex_goes_beyond_pi() -> None:
    x = torch.tensor([0.1 + 3j, 0.2 + 3j, 0.1 + 3.1j, 3 + 6j])
    parts = x.logcumsumexp(0)
    assert torch.allclose(parts.exp(), x.exp().cumsum(0), rtol=1e-4)
    assert parts[-1].imag.item() > math.pi
    y = x.to(torch.complex128).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: z.logcumsumexp(0).exp(), (y,))


def test_written_at_once_or_by_way_of_dispatch() -> None:
    """``addcmul_`` and its kin have one result on both roads, and write parameters."""
    torch.manual_seed(0)
    start, one, two = (torch.randn(3, 4) for _ in range(3))
    for value in (1, 0.3, -1.5):
        for name in ("addcmul", "addcdiv"):
            quick = getattr(start.clone(), f"{name}_")(one, two, value=value)
            assert torch.equal(quick, getattr(torch, name)(start, one, two, value=value))
        assert torch.equal(start.clone().lerp_(one, value), torch.lerp(start, one, value))
    parameter = torch.nn.Parameter(torch.ones(2))
    with torch.no_grad():
        parameter.lerp_(torch.zeros(2), 0.5)
    assert parameter.tolist() == [0.5, 0.5] and parameter._version == 1
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        parameter.addcmul_(one[0, :2], two[0, :2])


def test_functions_called_with_each_element() -> None:
    x = torch.tensor([1.0, 2.0])
    assert x.apply_(lambda v: v * 10).tolist() == [10, 20]
    assert x.map_(torch.tensor([1.0, 2.0]), lambda a, b: a + b).tolist() == [11, 22]
    assert x.map2_(torch.ones(2), torch.ones(1), lambda a, b, c: a - b - c).tolist() == [9, 20]
    assert x._version == 3
    with pytest.raises(RuntimeError, match="Can't call apply_"):
        x.requires_grad_().apply_(lambda v: v)


def test_where_a_tensor_lies() -> None:
    x = torch.zeros(3, 4)
    whole = x[:, 1:3].slice_inverse(x, 1, 1, 3)
    assert whole.data_ptr() == x.data_ptr() == x.const_data_ptr() and whole.stride() == (4, 1)
    assert torch.zeros(2, 3).t().dim_order() == (1, 0)
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        torch.ones(1, 2, 1).dim_order(ambiguity_check=True)
    with pytest.raises(RuntimeError, match="unknown parameter type"):
        x.record_stream(None)


def test_arrays_of_tensors_that_require_gradients() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        x.numpy()
    with torch.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]
