"""Strides that results, copies and ``out`` have; the expected ones are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as torch


def strided(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A tensor with gaps."""
    return torch.ones((*shape, 2), dtype=dtype).select(-1, 0)


# ---- out=


@pytest.mark.parametrize(
    "name", ["linalg.inv", "linalg.cholesky", "add", "linalg.lu_factor", "geqrf"]
)
def test_a_resized_output_takes_the_layout_of_the_result(name: str) -> None:
    matrix = torch.eye(3).t().contiguous().t()
    arguments = (matrix, 1) if name == "add" else (matrix,)
    function = eval(f"torch.{name}")
    result = function(*arguments)
    results = result if isinstance(result, tuple) else (result,)
    outs = [torch.empty(0, dtype=r.dtype) for r in results]
    function(*arguments, out=tuple(outs) if len(outs) > 1 else outs[0])
    for out, result in zip(outs, results):
        assert out.stride() == result.stride()
        assert torch.equal(out, result)
    assert outs[0].stride() == (1, 3)


@pytest.mark.parametrize("name", ["add", "linalg.inv"])
def test_an_output_of_the_right_shape_keeps_its_strides(name: str) -> None:
    arguments = (torch.eye(3), 1) if name == "add" else (torch.eye(3),)
    out = strided(3, 3)
    eval(f"torch.{name}")(*arguments, out=out)
    assert out.stride() == (6, 2)


def test_empty_outputs_keep_their_strides_except_of_reflectors_and_eigenvalues() -> None:
    empty = torch.ones(2, 0)
    kept = strided(2, 0)
    torch.linalg.solve(torch.eye(2), empty, out=kept)
    assert kept.stride() == (2, 2)
    for fill in (
        lambda out: torch.geqrf(empty, out=(out, torch.empty(0))),
        lambda out: torch.linalg.householder_product(empty, torch.empty(0), out=out),
        lambda out: torch.ormqr(torch.eye(2), torch.ones(2), empty, out=out),
    ):
        out = strided(2, 0)
        fill(out)
        assert out.stride() == (1, 2)
    values = strided(0, dtype=torch.complex64)
    torch.linalg.eigvals(torch.ones(0, 0), out=values)
    assert values.stride() == (1,)


def test_lu_writes_to_outputs_of_any_dtype() -> None:
    out = torch.ones(2, 2, dtype=torch.int64), torch.ones(2)
    assert torch.lu(torch.tensor([[4.0, 2.0], [0.0, 2.0]]), out=out) is out
    assert out[0].tolist() == [[4, 2], [0, 2]] and out[1].tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match="expected tuple of 2 elements but got 3"):
        torch.lu(torch.eye(2), out=(*out, out[0]))


# ---- strides of zero, in tensors without elements


def test_zero_strides_of_empty_tensors() -> None:
    assert torch.empty(0, 3).stride() == (3, 1)
    assert torch.ones(1).expand(0).stride() == (0,)
    assert torch.ones(3, 1).expand(0, 3, 0).stride() == (0, 1, 0)
    zero = torch.empty_strided((0, 2), (0, 0))
    assert zero.stride() == zero.t().stride() == zero[0:0].stride() == zero.clone().stride()
    assert zero.stride() == torch.from_numpy(zero.numpy()).stride() == (0, 0)
    assert (zero + 1).stride() == (2, 1)
    assert zero.is_contiguous() and zero.tolist() == [] and zero.numpy().strides == (0, 0)


@pytest.mark.parametrize("stride", [(5, 7), (1, 7), (0, 0)])
def test_copies_of_empty_tensors_keep_the_strides(stride: tuple[int, int]) -> None:
    tensor = torch.empty_strided((2, 0), stride)
    assert tensor.clone().stride() == torch.empty_like(tensor).stride() == stride


# ---- copies of arrays


def test_tensors_of_arrays_keep_the_order_in_memory() -> None:
    array = np.arange(6.0).reshape(2, 3)
    assert torch.tensor(np.asfortranarray(array)).stride() == (1, 2)
    assert torch.tensor(array.T, dtype=torch.float32).stride() == (1, 3)
    assert torch.tensor(np.ones((4, 6))[::2, ::3].T).stride() == (1, 2)
    assert torch.tensor(np.broadcast_to(np.ones(3), (2, 3))).stride() == (3, 1)
    assert torch.tensor(np.empty((0, 2))).stride() == (0, 0)
    assert torch.tensor(array.T).tolist() == array.T.tolist()


# ---- resize_


def test_resize_to_the_same_shape_keeps_the_strides() -> None:
    def turned() -> torch.Tensor:
        return torch.arange(12.0).view(3, 4).t()

    like = torch.ones(4, 3)
    assert turned().resize_(4, 3).stride() == turned().resize_as_(like).stride() == (1, 4)
    asked = {"memory_format": torch.contiguous_format}
    assert turned().resize_(4, 3, **asked).stride() == (3, 1)
    assert turned().resize_as_(like, **asked).stride() == (3, 1)
    assert turned().resize_(3, 4).stride() == (4, 1)


# ---- ormqr


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5,), (1,), (5, 5)), "input must have at least 2 dimensions."),
        (((5, 2), (2,), (5,)), "other must have at least 2 dimensions."),
        (((5, 2), (3,), (5, 5)), "tau.shape[-1] must be equal to min(other.shape[-2], input.sh"),
        (((5, 2), (2,), (4, 5)), "other.shape[-2] must be equal to input.shape[-2]"),
        (((3, 5, 2), (2,), (3, 5, 5)), "Expected tau to have one dimension less than input, but"),
        (((3, 5, 2), (3, 2), (5, 5)), "Expected other to have the same number of dimensions as"),
        (((3, 5, 2), (2, 2), (3, 5, 5)), "Expected batch dimensions of tau to be equal to input"),
        (((3, 5, 2), (3, 2), (2, 5, 5)), "Expected batch dimensions of other to be equal to in"),
    ],
)
def test_ormqr_refuses_shapes(shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ormqr(*[torch.ones(shape) for shape in shapes])
    assert str(caught.value).startswith(f"torch.ormqr: {message}")


def test_ormqr_refuses_dtypes() -> None:
    a, tau, other = torch.ones(5, 2), torch.ones(2), torch.ones(5, 5)
    with pytest.raises(RuntimeError, match="input has dtypeFloat and tau has dtype Double"):
        torch.ormqr(a, tau.double(), other)
    with pytest.raises(NotImplementedError, match="\"ormqr_cpu\" not implemented for 'Long'"):
        torch.ormqr(a.long(), tau.long(), other.long())


# ---- copies of views


def test_view_copy_of_what_has_no_such_view() -> None:
    turned = torch.arange(6).view(2, 3).t()
    assert torch.view_copy(turned, (6,)).tolist() == [0, 3, 1, 4, 2, 5]
    assert torch.view_copy(turned, (3, 2)).stride() == (2, 1)
    assert torch.view_copy(torch.ones(2), dtype=torch.int32).tolist() == [0x3F800000] * 2
    with pytest.raises(RuntimeError, match=r"shape '\[5\]' is invalid for input of size 6"):
        torch.view_copy(turned, (5,))
