"""NumPy's names of parameters, ``axis`` and ``keepdims``, wherever PyTorch takes them."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch

VALUES: Any = torch.tensor([[[3.0, 1.0], [5.0, 2.0]], [[4.0, 9.0], [0.0, 7.0]]])
BOTH = [
    "sum", "nansum", "mean", "nanmean", "prod", "max", "min", "argmax", "argmin", "amax", "amin",
    "any", "all", "std", "var", "median", "nanmedian", "mode", "logsumexp", "aminmax",
]  # fmt: skip
DIM = [
    "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp", "softmax", "log_softmax", "squeeze",
    "sort", "argsort", "count_nonzero", "unbind", "diff",
]  # fmt: skip


def listed(result: Any) -> Any:
    return result.tolist() if isinstance(result, torch.Tensor) else [listed(r) for r in result]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("name", BOTH)
def test_reductions_take_axis_and_keepdims(name: str, keepdim: bool) -> None:
    expected = listed(getattr(torch, name)(VALUES, dim=1, keepdim=keepdim))
    assert listed(getattr(torch, name)(VALUES, axis=1, keepdims=keepdim)) == expected
    assert listed(getattr(VALUES, name)(axis=1, keepdims=keepdim)) == expected
    assert listed(getattr(VALUES, name)(axis=1, keepdim=keepdim)) == expected


@pytest.mark.parametrize("name", DIM)
def test_others_take_axis_alone(name: str) -> None:
    expected = listed(getattr(torch, name)(VALUES, dim=1))
    assert listed(getattr(torch, name)(VALUES, axis=1)) == expected
    assert listed(getattr(VALUES, name)(axis=1)) == expected
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'keepdims'"):
        getattr(torch, name)(VALUES, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "cumsum"])
def test_a_dimension_has_to_be_given(name: str) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        getattr(torch, name)(VALUES)


INDEX = torch.zeros(1, 1, 1, dtype=torch.int64)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [  # with PyTorch's results
    ("cat", ([VALUES, VALUES],), {"axis": 1}, (2, 4, 2)),
    ("concat", ([VALUES, VALUES],), {"axis": -1}, (2, 2, 4)),
    ("concatenate", ([VALUES, VALUES],), {"axis": 1}, (2, 4, 2)),
    ("stack", ([VALUES, VALUES],), {"axis": 1}, (2, 2, 2, 2)),
    ("sum", (VALUES,), {"axis": (0, 1)}, (2,)),
    ("sum", (VALUES,), {"axis": None}, ()),
    ("mean", (VALUES,), {"axis": None}, ()),
    ("argmax", (VALUES,), {"axis": None}, ()),
    ("argmax", (VALUES,), {"keepdims": True}, (1, 1, 1)),
    ("logsumexp", (VALUES,), {"axis": (0, 1), "keepdims": True}, (1, 1, 2)),
    ("repeat_interleave", (VALUES, 2), {"axis": 0}, (4, 2, 2)),
    ("gather", (VALUES,), {"axis": 0, "index": INDEX}, (1, 1, 1)),
    ("index_select", (VALUES,), {"axis": 0, "index": INDEX.flatten()}, (1, 2, 2)),
    ("index_fill", (VALUES,), {"axis": 0, "index": INDEX.flatten(), "value": 1}, (2, 2, 2)),
    ("scatter", (VALUES,), {"axis": 0, "index": INDEX, "src": VALUES}, (2, 2, 2)),
    ("scatter_add", (VALUES,), {"axis": 0, "index": INDEX, "src": VALUES}, (2, 2, 2)),
    ("take_along_dim", (VALUES, INDEX), {"axis": 0}, (1, 2, 2)),
    ("quantile", (VALUES, 0.5), {"axis": 0, "keepdims": True}, (1, 2, 2)),
    ("nanquantile", (VALUES, 0.5), {"axis": 0}, (2, 2)),
    ("trapezoid", (VALUES,), {"axis": 0}, (2, 2)),
    ("cumulative_trapezoid", (VALUES,), {"axis": 0}, (1, 2, 2)),
    ("renorm", (VALUES, 2), {"axis": 0, "maxnorm": 1}, (2, 2, 2)),
    ("cosine_similarity", (VALUES, VALUES), {"axis": 0}, (2, 2)),
    ("linalg.norm", (VALUES,), {"axis": 0}, (2, 2)),
    ("linalg.vector_norm", (VALUES,), {"axis": 0, "keepdims": True}, (1, 2, 2)),
    ("linalg.matrix_norm", (VALUES,), {"axis": (0, 1)}, (2,)),
    ("fft.fft", (VALUES,), {"axis": 0}, (2, 2, 2)),
    ("fft.rfft", (VALUES,), {"axis": 0}, (2, 2, 2)),
    ("fft.fft2", (VALUES,), {"axis": (0, 1)}, (2, 2, 2)),
    ("fft.fftn", (VALUES,), {"axis": 0}, (2, 2, 2)),
    ("fft.fftshift", (VALUES,), {"axis": 0}, (2, 2, 2)),
]


@pytest.mark.parametrize("name, args, options, shape", CALLS, ids=[c[0] for c in CALLS])
def test_calls_with_axis(name: str, args: Any, options: Any, shape: tuple[int, ...]) -> None:
    function: Any = torch
    for part in name.split("."):
        function = getattr(function, part)
    found = function(*args, **options)
    renamed = {{"axis": "dim", "keepdims": "keepdim"}.get(k, k): v for k, v in options.items()}
    if renamed.get("dim", 0) is None:
        del renamed["dim"]
    assert tuple(found.shape) == shape
    assert found.equal(function(*args, **renamed))


def test_results_of_several_tensors() -> None:
    assert VALUES.topk(1, axis=0).values.tolist() == [[[4.0, 9.0], [5.0, 7.0]]]
    assert torch.kthvalue(VALUES, 2, axis=0, keepdims=True).values.shape == (1, 2, 2)
    assert [tuple(t.shape) for t in VALUES.chunk(2, axis=1)] == [(2, 1, 2), (2, 1, 2)]
    assert [tuple(t.shape) for t in torch.tensor_split(VALUES, 2, axis=0)] == [(1, 2, 2)] * 2
    assert [t.tolist() for t in torch.std_mean(VALUES, axis=(0, 1, 2), correction=0)] == [
        t.tolist() for t in torch.std_mean(VALUES, dim=(0, 1, 2), correction=0)
    ]
    assert len(torch.gradient(VALUES, axis=0)) == 1


def test_in_place_forms_and_gradients() -> None:
    assert torch.ones(3).cumsum_(axis=0).tolist() == [1, 2, 3]
    assert torch.ones(1, 3).squeeze_(axis=0).shape == (3,)
    x = torch.ones(2, 3, requires_grad=True)
    x.sum(axis=0).cumsum(axis=0).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[3, 2, 1], [3, 2, 1]]


@pytest.mark.parametrize("name", ["sum", "mean", "argmax", "amax", "std", "cumsum", "softmax"])
def test_both_names_at_once_are_refused(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(torch, name)(VALUES, dim=0, axis=1)
    with pytest.raises(TypeError):
        getattr(torch, name)(VALUES, 0, axis=1)


def test_the_other_names_of_numpy_are_refused_where_pytorch_refuses_them() -> None:
    for call in (
        lambda: torch.flip(VALUES, axis=0),
        lambda: torch.split(VALUES, 1, axis=0),
        lambda: torch.roll(VALUES, 1, axis=0),
        lambda: torch.norm(VALUES, axis=0),
        lambda: torch.unique(VALUES, axis=0),
    ):
        with pytest.raises(TypeError, match="axis"):
            call()
