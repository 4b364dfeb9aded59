"""Autocast: dtypes as PyTorch's (stored facts), regions, decorators, the cache."""

from __future__ import annotations

import importlib.util
import threading
import warnings
from pathlib import Path

import pytest

import flambeau as torch
from flambeau import nn

_spec = importlib.util.spec_from_file_location("amp_cases", Path(__file__).with_name("cases.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)

FACTS = Path(__file__).parents[1] / "files" / "autocast_facts.txt"
# pinv is made of other operators than PyTorch's, which decide in what type it ends; there is no
# complex32.
ELSEWHERE = ("torch.linalg.pinv(p)", "torch.complex(x, y)")


def facts():
    return [line.split(" | ") for line in FACTS.read_text().splitlines()]


def test_the_dtypes_are_pytorchs():
    """Where PyTorch gives a result, the dtype is the same; where it refuses mixed operands, a
    result is allowed."""
    wrong = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = dict(line.split(" | ") for line in cases.table(torch))
    for expression, expected in facts():
        pairs = zip(expected.split(), found[expression].split(), strict=True)
        if expression not in ELSEWHERE and any(e != f for e, f in pairs if "Error" not in e):
            wrong.append(f"{expression}: {expected} expected, {found[expression]} found")
    assert wrong == []


class TestRegions:
    def test_nesting_and_islands(self):
        a = torch.ones(2, 2)
        with torch.autocast("cpu"):
            with torch.autocast("cpu", dtype=torch.float16):
                assert (a @ a).dtype is torch.float16
            with torch.autocast("cpu", enabled=False):
                assert (a @ a).dtype is torch.float32
            assert (a @ a).dtype is torch.bfloat16
        assert (a @ a).dtype is torch.float32
        assert torch.get_autocast_dtype("cpu") is torch.bfloat16

    def test_state_functions(self):
        assert not torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", cache_enabled=False):
            assert torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled()
            assert not torch.is_autocast_cache_enabled()
        torch.set_autocast_enabled("cpu", True)
        torch.set_autocast_dtype("cpu", torch.float16)
        assert torch.ones(1, 1).mm(torch.ones(1, 1)).dtype is torch.float16
        torch.set_autocast_enabled("cpu", False)
        torch.set_autocast_dtype("cpu", torch.bfloat16)
        assert torch.ones(1, 1).mm(torch.ones(1, 1)).dtype is torch.float32

    def test_it_ends_after_an_error_and_belongs_to_its_thread(self):
        seen = []
        with pytest.raises(KeyError), torch.autocast("cpu"):
            thread = threading.Thread(target=lambda: seen.append(torch.is_autocast_enabled("cpu")))
            thread.start()
            thread.join()
            raise KeyError
        assert seen == [False] and not torch.is_autocast_enabled("cpu")

    def test_decorator(self):
        @torch.autocast("cpu")
        def product(a):
            """Squares."""
            return a @ a

        assert product(torch.ones(2, 2)).dtype is torch.bfloat16
        assert product.__doc__ == "Squares."

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((3,), ValueError, "Expected `device_type` of type `str`, got: `<class 'int'>`"),
            (("meta",), RuntimeError, "unsupported scalarType"),
            (("foo",), RuntimeError, "Expected one of cpu, cuda"),
        ],
    )
    def test_refusals(self, arguments, error, message):
        with pytest.raises(error, match=message):
            torch.autocast(*arguments)

    def test_a_type_it_cannot_use_warns(self):
        with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not"):
            region = torch.autocast("cpu", dtype=torch.float32)
        with region:
            assert not torch.is_autocast_enabled("cpu")

    def test_deprecated_names(self):
        with pytest.warns(DeprecationWarning, match="torch.is_autocast_enabled"):
            assert not torch.is_autocast_cpu_enabled()
        with pytest.warns(
            FutureWarning, match=r"Please use `torch.amp.autocast\('cpu', args...\)`"
        ):
            torch.cpu.amp.autocast()


class TestTraining:
    def test_gradients_have_the_dtype_of_the_parameters(self):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        x, y = torch.randn(6, 4), torch.randn(6, 1)
        nn.functional.mse_loss(model(x), y).backward()
        exact = [p.grad.clone() for p in model.parameters()]
        model.zero_grad()
        with torch.autocast("cpu"):
            loss = nn.functional.mse_loss(model(x), y)
        assert loss.dtype is torch.float32
        loss.backward()
        for p, expected in zip(model.parameters(), exact, strict=True):
            assert p.grad.dtype is torch.float32
            assert torch.allclose(p.grad, expected, rtol=0.1, atol=0.05)

    def test_the_cast_of_a_parameter_is_kept(self):
        layer = nn.Linear(3, 3, bias=False)
        x = torch.ones(1, 3)
        with torch.autocast("cpu"):
            with torch.no_grad():
                layer(x)
            first, second = layer(x), layer(x)
            assert first.requires_grad
        (first.sum() + second.sum()).float().backward()
        assert layer.weight.grad.tolist() == [[2.0] * 3] * 3

    def test_custom_functions(self):
        seen = []

        class Product(torch.autograd.Function):
            @staticmethod
            @torch.amp.custom_fwd(device_type="cpu")
            def forward(ctx, a, b):
                ctx.save_for_backward(a, b)
                return a @ b

            @staticmethod
            @torch.amp.custom_bwd(device_type="cpu")
            def backward(ctx, grad):
                seen.append(torch.is_autocast_enabled("cpu"))
                a, b = ctx.saved_tensors
                return grad @ b.mT, a.mT @ grad

        a = torch.ones(2, 2, requires_grad=True)
        with torch.autocast("cpu"):
            result = Product.apply(a, a)
        assert result.dtype is torch.bfloat16
        result.sum().backward()
        assert seen == [True] and a.grad.tolist() == [[4.0, 4.0]] * 2

    def test_cast_inputs(self):
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, a):
            return a.dtype, torch.is_autocast_enabled("cpu")

        class Context:
            pass

        half = torch.ones(1, dtype=torch.float16)
        assert forward(Context(), half) == (torch.float16, False)
        with torch.autocast("cpu"):
            assert forward(Context(), half) == (torch.float32, False)


def test_binary_cross_entropy_of_two_dtypes():
    """Is cast before the dtypes are compared; ``with`` gives the context."""
    with torch.autocast("cpu") as context:
        assert isinstance(context, torch.autocast)
        loss = torch.nn.functional.binary_cross_entropy(
            torch.tensor([0.5]).bfloat16(), torch.tensor([1.0])
        )
    assert loss.dtype is torch.float32
