"""Corners in which PyTorch 2.13 is easily missed, or is wrong: what we do there."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as torch

# ---- in-place forms that make the tensor larger


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 3), (2, 3)])
def test_addbmm_in_place_takes_the_shape_of_the_result(shape: tuple[int, ...]) -> None:
    tensor = torch.ones(shape)
    same = tensor.addbmm_(torch.ones(4, 2, 5), torch.ones(4, 5, 3), beta=2)
    assert same is tensor and tensor.tolist() == [[22.0] * 3] * 2


def test_gradients_of_a_tensor_that_addbmm_made_larger() -> None:
    leaf = torch.ones(1, requires_grad=True)
    grown = (leaf * 1).addbmm_(torch.ones(4, 2, 5), torch.ones(4, 5, 3))
    grown.sum().backward()
    assert leaf.grad.tolist() == [6.0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf.addbmm_(torch.ones(4, 2, 5), torch.ones(4, 5, 3))


# ---- out=


def test_diff_of_order_zero_demands_the_dtype() -> None:
    message = "expected scalar_type Bool but found Float"
    with pytest.raises(RuntimeError, match=message):
        torch.diff(torch.ones(2, dtype=torch.bool), 0, out=torch.empty(2))
    out = torch.empty(1, dtype=torch.int64)
    torch.diff(torch.ones(2, dtype=torch.bool), 1, out=out)
    assert out.tolist() == [0]


INDEX = torch.tensor([0, 1, 2])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: torch.gather(x, 0, INDEX, out=x[:3]),
        lambda x: torch.gather(x, 0, INDEX, out=x),
        lambda x: torch.index_select(x, 0, INDEX, out=x[:3]),
        lambda x: torch.take(x, INDEX, out=x[:3]),
        lambda x: torch.scatter(x.clone(), 0, INDEX, x[:3], out=x),
        lambda x: torch.scatter_add(x.clone(), 0, INDEX, x[:3], out=x),
        lambda x: torch.nonzero(y := x.long(), out=y),
    ],
)  # fmt: skip
def test_outputs_over_what_is_read_are_refused(call) -> None:
    with pytest.raises(RuntimeError, match="unsupported operation: some elements of the input"):
        call(torch.arange(6.0))


def test_outputs_beside_what_is_read_are_written() -> None:
    x = torch.arange(6.0)
    torch.gather(x[3:], 0, INDEX, out=x[:3])
    assert x.tolist() == [3.0, 4.0, 5.0, 3.0, 4.0, 5.0]
    assert torch.scatter(x, 0, INDEX, torch.zeros(3), out=x) is x  # all over the input itself


def test_outputs_with_gaps_are_written_where_their_elements_lie() -> None:
    """PyTorch writes the results of these one after the other from the first place on."""
    x = torch.arange(12.0).view(3, 4)
    memory = torch.full((3, 2, 2), -1.0)
    torch.narrow_copy(x, 1, 1, 2, out=memory.select(-1, 0))
    assert memory[..., 0].tolist() == [[1.0, 2.0], [5.0, 6.0], [9.0, 10.0]]
    assert (memory[..., 1] == -1).all()


@pytest.mark.parametrize("name", ["ihfft2", "ihfftn"])
def test_transforms_of_one_dimension_fill_the_output(name: str) -> None:
    """PyTorch leaves it as it was when ``ihfft2`` or ``ihfftn`` transforms one dimension."""
    x = np.random.default_rng(0).normal(size=(4, 3))
    out = torch.ones(3, 3, dtype=torch.complex128)
    getattr(torch.fft, name)(torch.tensor(x), dim=0, out=out)
    np.testing.assert_allclose(out.numpy(), np.fft.ihfft(x, axis=0))


# ---- gradients


def test_gradient_of_as_strided_scatter_is_zero_where_src_was_written() -> None:
    """PyTorch has it the other way round; its own test of this gradient is marked as failing."""
    whole = torch.arange(5.0, dtype=torch.float64, requires_grad=True)
    part = torch.ones(2, dtype=torch.float64, requires_grad=True)
    given = torch.arange(1.0, 6.0, dtype=torch.float64)
    whole.as_strided_scatter(part, (2,), (2,), 1).backward(given)
    assert whole.grad.tolist() == [1.0, 0.0, 3.0, 0.0, 5.0]
    assert part.grad.tolist() == [2.0, 4.0]
    assert torch.autograd.gradcheck(
        lambda a, b: a.as_strided_scatter(b, (2,), (2,), 1), (whole, part)
    )


def test_second_derivatives_of_norms_of_zeros() -> None:
    """Zero, also with respect to the incoming gradient, where PyTorch has NaN."""
    x = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    given = torch.ones((), dtype=torch.float64, requires_grad=True)
    norm = torch.linalg.norm(x, 3.5)
    (first,) = torch.autograd.grad(norm, x, given, create_graph=True)
    of_x, of_given = torch.autograd.grad(first.sum(), (x, given))
    assert of_x.tolist() == [0.0] * 3 and of_given.item() == 0.0


def test_an_infinite_curvature_stays_with_its_element() -> None:
    x = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(torch.linalg.norm(x, 1.5), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert second[0].isnan()
    assert second[1:].tolist() == pytest.approx([0.11806590200055778, -0.05903295100027883])


def test_second_derivatives_of_losses_in_chunks() -> None:
    """PyTorch's chunked path has no second derivative; ours is that of the whole."""
    rng = np.random.default_rng(0)
    x, w = (torch.tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 3), (5, 3)))
    target = torch.tensor([0, 4, 2, 1])
    found = []
    for options in (None, torch.nn.LinearCrossEntropyOptions()):
        loss = torch.nn.functional.linear_cross_entropy(x, w, target, options=options)
        (first,) = torch.autograd.grad(loss, x, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), x)[0])
    assert torch.allclose(*found) and found[0].any()


# ---- values


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [  # with mpmath 1.3 in 40 digits; PyTorch's differ from the sixth or seventh digit on
        ("airy_ai", -2.14673, 0.1323665367968329),
        ("bessel_j0", 5.033232, -0.16665083488524263),
        ("bessel_j1", 5.005456, -0.32818563583062776),
        ("bessel_y0", 5.000957, -0.3086589754466019),
        ("bessel_y1", 5.002005, 0.14718512346138118),
    ],
)
def test_oscillating_functions_are_exact_to_the_last_digits(
    name: str, at: float, value: float
) -> None:
    found = getattr(torch.special, name)(torch.tensor(at, dtype=torch.float64)).item()
    assert abs(found - value) < 4e-15


def test_bytes_at_the_border_are_weighted_once() -> None:
    """The weights of taps beyond the border are added before they are rounded."""
    rows = [[85, 98, 111, 124], [170, 183, 196, 209], [255, 12, 25, 38], [84, 97, 110, 123]]
    image = torch.tensor([[rows]], dtype=torch.uint8)
    found = torch.nn.functional.interpolate(image, (3, 3), mode="bicubic")
    assert found.flatten().tolist() == [98, 120, 137, 217, 93, 122, 106, 86, 106]
