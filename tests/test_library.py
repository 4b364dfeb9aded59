"""``torch.library``: operators of a program's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

import flambeau as torch
from flambeau import library as L
from flambeau.library.checking import OpCheckError
from flambeau.library.registry import OPERATORS, forget
from flambeau.library.schema import parse

Tensor = torch.Tensor


@pytest.fixture(autouse=True)
def only_here() -> Iterator[None]:
    """Removes the operators that a test has defined."""
    before = set(OPERATORS)
    yield
    for name in set(OPERATORS) - before:
        forget(name)


def power(x: Tensor, k: int = 2, *, scale: float = 1.0) -> Tensor:
    return torch.from_numpy(scale * x.numpy() ** k)


def defined(**options: Any) -> Any:
    return L.custom_op("mine::power", power, mutates_args=(), **options)


def with_gradient() -> Any:
    op = defined()

    def setup(ctx: Any, inputs: Any, keyword_only_inputs: Any, output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])
        ctx.k, ctx.scale = inputs[1], keyword_only_inputs["scale"]

    def backward(ctx: Any, grad: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return grad * ctx.scale * ctx.k * x ** (ctx.k - 1), None

    op.register_autograd(backward, setup_context=setup)
    op.register_fake(lambda x, k=2, *, scale=1.0: torch.empty_like(x))
    return op


# ---- custom_op


def test_a_function_becomes_an_operator() -> None:
    op = defined()
    x = torch.tensor([3.0])
    assert op(x).item() == torch.ops.mine.power(x, 2).item() == 9
    assert torch.ops.mine.power.default(x, k=3, scale=2.0).item() == 54
    assert str(torch.ops.mine.power.default._schema) == (
        "mine::power(Tensor x, SymInt k=2, *, float scale=1.0) -> Tensor"
    )
    assert (
        repr(op) == "<CustomOpDef(mine::power)>" and op._opoverload is torch.ops.mine.power.default
    )
    assert torch.ops.mine.power.overloads() == ["default"]
    with pytest.raises(AttributeError, match="no overload name 'other'"):
        torch.ops.mine.power.other
    with pytest.raises(RuntimeError, match="with the same name and overload name multiple times"):
        defined()


def test_gradients_are_those_that_are_registered() -> None:
    x = torch.tensor([3.0], requires_grad=True)
    plain = L.custom_op("mine::plain", mutates_args=())(power)
    with pytest.raises(RuntimeError, match=r"through mine\.plain\.default but no autograd"):
        plain(x.detach().requires_grad_()).backward()
    op = with_gradient()
    op(x, 3, scale=2.0).backward()
    assert x.grad.item() == 54
    assert type(op(x).grad_fn).__name__ == "GeneratedBackwardFor_mine_power_defaultBackward"
    assert not op(x.detach()).requires_grad
    assert torch.autograd.gradcheck(op, (torch.rand(3, dtype=torch.float64, requires_grad=True),))


def test_gradients_of_lists() -> None:
    @L.custom_op("mine::total", mutates_args=())
    def total(xs: Sequence[Tensor], w: Tensor) -> Tensor:
        return sum(xs[1:], xs[0]) * w

    def setup(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.count = len(inputs[0])

    total.register_autograd(
        lambda ctx, grad: ([grad * ctx.saved_tensors[0]] * ctx.count, None), setup_context=setup
    )
    a, b, w = (torch.tensor(v, requires_grad=True) for v in (1.0, 2.0, 3.0))
    total([a, b], w).backward()
    assert (a.grad.item(), b.grad.item(), w.grad) == (3.0, 3.0, None)


def test_results_without_elements() -> None:
    x = torch.ones(2, 3, device="meta")
    with pytest.raises(RuntimeError, match="There was no fake impl registered for mine::power"):
        defined()(x)
    forget("mine::power")
    assert with_gradient()(x).shape == (2, 3)
    with pytest.raises(NotImplementedError, match="sizes that depend on elements"):
        L.get_ctx().new_dynamic_size()


def test_kernels_of_devices() -> None:
    op = defined(device_types="cuda")
    x = torch.ones(1)
    with pytest.raises(NotImplementedError, match="with arguments from the 'CPU' backend: it has"):
        op(x)

    @op.register_kernel("cpu")
    def _(x: Tensor, k: int = 2, *, scale: float = 1.0) -> Tensor:
        return x + k

    assert op(x).item() == L.get_kernel(op, "CPU")(x).item() == 3
    with op.set_kernel_enabled("cpu", False), pytest.raises(NotImplementedError):
        op(x)
    assert op(x).item() == 3
    with pytest.raises(ValueError, match="there is no kernel of mine::power for tpu"):
        op.set_kernel_enabled("tpu")


def test_arguments_that_are_written_to() -> None:
    @L.custom_op("mine::increase", mutates_args=("x",))
    def increase(x: Tensor) -> None:
        x.numpy()[...] += 1

    x = torch.zeros(1)
    assert increase(x) is None and x.item() == 1 and x._version == 1
    assert str(torch.ops.mine.increase.default._schema) == "mine::increase(Tensor(a0!) x) -> ()"

    @L.custom_op("mine::same", mutates_args=())
    def same(x: Tensor) -> Tensor:
        return x

    with pytest.raises(RuntimeError, match="must not also be an input to this custom operator"):
        same(x)


def test_rules_for_vmap_autocast_and_subclasses() -> None:
    op = with_gradient()
    x = torch.tensor([[1.0], [2.0]])

    @op.register_vmap
    def _(info: Any, in_dims: Any, x: Tensor, k: int, *, scale: float) -> Any:
        assert (info.batch_size, in_dims[0]) == (2, 0)
        return op(x, k, scale=scale), 0

    assert torch.vmap(op)(x).tolist() == [[1.0], [4.0]]
    op.register_autocast("cpu", torch.float64)
    with torch.autocast("cpu"):
        assert op(x).dtype is torch.float64
    assert op(x).dtype is torch.float32

    class Sub(torch.Tensor):
        pass

    op.register_torch_dispatch(Sub, lambda cls, op, types, args, kwargs: (cls, args[1], kwargs))
    assert op(x.as_subclass(Sub), 3) == (Sub, 3, {"scale": 1.0})
    with pytest.raises(ValueError, match="is not supported: cpu or cuda"):
        op.register_autocast("tpu", torch.float16)


# ---- Library, define, impl


def test_a_library_defines_operators() -> None:
    library = L.Library("mine", "DEF")
    assert (
        library.define("scaled(Tensor x, float by=2.0, *, bool negate=False) -> Tensor") == "scaled"
    )
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"Could not run 'mine::scaled'.*kernels of none"):
        torch.ops.mine.scaled(x)
    library.impl("scaled", lambda x, by=2.0, *, negate=False: -x * by if negate else x * by, "CPU")
    torch.ops.mine.scaled(x, 3.0, negate=True).backward()
    assert x.grad.item() == -3  # recorded as what it is made of
    library.impl(torch.ops.mine.scaled.default, torch.empty_like, "Meta")
    assert library.register_symm_mem_args("scaled", ["x"]) is None
    with pytest.raises(RuntimeError, match="Only a single TORCH_LIBRARY"):
        L.Library("mine", "DEF")
    fragment = L.Library("mine", "FRAGMENT")
    fragment.define("other(Tensor x) -> Tensor")
    L.Library("mine", "IMPL", "CompositeImplicitAutograd").impl("other", torch.exp)
    assert torch.ops.mine.other(torch.zeros(1)).item() == 1
    assert sorted(torch.ops.mine) == ["other", "scaled"]
    library._destroy()
    assert not hasattr(torch.ops.mine, "scaled")


def test_define_and_impl() -> None:
    L.define("mine::twice", "(Tensor x) -> Tensor")

    @L.impl("mine::twice", ("cpu", "cuda"))
    def twice(x: Tensor) -> Tensor:
        return 2 * x

    assert twice(3) == 6 and torch.ops.mine.twice(torch.ones(1)).item() == 2
    L.register_fake("mine::twice", torch.empty_like)
    L.impl_abstract("mine::twice")(torch.empty_like)
    L.register_kernel("mine::twice", None)(torch.neg)
    L.register_autograd("mine::twice", lambda ctx, grad: grad * 7)
    x = torch.ones(1, requires_grad=True)
    torch.ops.mine.twice(x).backward()
    assert x.grad.item() == 7


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "Unsupported kind: XX", lambda: L.Library("mine", "XX")),
        (ValueError, "prim is a reserved namespace", lambda: L.Library("prim", "DEF")),
        (ValueError, "aten is a reserved namespace", lambda: L.define("aten::x", "() -> ()")),
        (ValueError, "expected qualname to look like", lambda: L.define("x", "() -> ()")),
        (ValueError, "expected qualname to be instance of str", lambda: L.define(3, "")),
        (RuntimeError, "expected a schema as", lambda: L.define("mine::x", "Tensor")),
        (RuntimeError, "cannot read the argument", lambda: L.define("mine::x", "(x) -> Tensor")),
        (RuntimeError, "mine::no does not exist", lambda: L.register_fake("mine::no", abs)),
        (ValueError, "expected an operator or its name", lambda: L.register_fake(3, abs)),
        (RuntimeError, "defines no operators", lambda: L.Library("mine", "IMPL").define("x")),
        (TypeError, "required to be a callable", lambda: L.Library("mine", "IMPL").impl("x", 3)),
        (RuntimeError, "could not parse dispatch key: XX",
         lambda: L.Library("mine", "IMPL").impl("x", abs, "XX")),
        (NotImplementedError, "register_autograd takes the gradient",
         lambda: L.Library("mine", "IMPL").impl("x", abs, "AutogradCPU")),
        (NotImplementedError, "a dispatcher", lambda: L.Library("mine", "IMPL").fallback(abs)),
        (NotImplementedError, "should never be called", L.fallthrough_kernel),
        (NotImplementedError, "needs Triton", lambda: L.wrap_triton(abs)),
        (NotImplementedError, "needs Triton", lambda: L.triton_op("mine::x", mutates_args=())),
    ],
)  # fmt: skip
def test_what_is_refused(error: type, message: str, call: Any) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- schemas


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (
            (3,),
            {},
            "a value of type 'Tensor' for argument 'x' but instead found type 'int'",
        ),
        (
            (),
            {},
            "mine::f() is missing value for argument 'x'. Declaration: mine::f(",
        ),
        ((1, 2, 3), {}, "mine::f() expected at most 2 argument(s) but received 3 argument(s)"),
        ((), {"y": 1}, "mine::f() got an argument 'y' that does not fit"),
    ],
)
def test_arguments_are_checked(args: Any, kwargs: Any, message: str) -> None:
    schema = parse("mine::f(Tensor x, int k=3, *, int[2]? size=[1, 2], str? s=None) -> Tensor")
    assert schema.bind((torch.ones(1),), {"s": "a"})[1:] == [3, [1, 2], "a"]
    with pytest.raises(RuntimeError) as caught:
        schema.bind(args, kwargs)
    assert str(caught.value).startswith(message) or message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a::b(Tensor x) -> Tensor",
        'a::b.out(Tensor(a0!) x, Tensor[] y, *, int[2] z=[1, 2], str s="t") -> (Tensor, int)',
        "a::b(Tensor? x=None, ScalarType dtype=float32, bool keep=True, float e=1e-05) -> ()",
    ],
)
def test_a_schema_is_read_and_written(text: str) -> None:
    assert str(parse(text)) == text.replace("(a!)", "(a0!)")


def test_annotations_become_a_schema() -> None:
    def f(
        a: Tensor, b: Tensor | None, c: list[int], d: float = 1.5, e: torch.dtype | None = None,
        *, f: Sequence[Tensor], g: torch.types.Number = 3, h: str = "x", i: bool = True,
    ) -> tuple[Tensor, list[Tensor]]: ...  # fmt: skip

    assert L.infer_schema(f, mutates_args={"a"}, op_name="mine::f") == (
        "mine::f(Tensor(a0!) a, Tensor? b, SymInt[] c, float d=1.5, ScalarType? e=None, *, "
        'Tensor[] f, Scalar g=3, str h="x", bool i=True) -> (Tensor, Tensor[])'
    )


def no_annotation(x): ...  # type: ignore[no-untyped-def]
def no_return(x: Tensor): ...  # type: ignore[no-untyped-def]
def a_dict(x: dict) -> Tensor: ...
def many(*x: Tensor) -> Tensor: ...
def odd(x: Tensor) -> dict: ...


@pytest.mark.parametrize(
    ("function", "mutated", "message"),
    [
        (no_annotation, (), "Parameter x must have a type annotation"),
        (no_return, (), "No return type annotation was provided"),
        (a_dict, (), "Parameter x has unsupported type <class 'dict'>"),
        (many, (), "We do not support positional-only args, varargs"),
        (odd, (), "Return has unsupported type <class 'dict'>"),
        (power, ("z",), r"\{'z'\} in mutates_args were not found"),
    ],
)
def test_annotations_that_make_no_schema(function: Any, mutated: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        L.infer_schema(function, mutates_args=mutated)


# ---- opcheck


def test_what_is_registered_fits_together() -> None:
    x = torch.tensor([3.0, 2.0], requires_grad=True)
    assert set(L.opcheck(with_gradient(), (x, 3), {"scale": 2.0}).values()) == {"SUCCESS"}
    with pytest.raises(ValueError, match="expected some of"):
        L.opcheck("mine::power", (x,), test_utils="test_nothing")


def bad_write(x: Tensor) -> Tensor:
    x.numpy()[...] = 0
    return x.clone()


def changing(x: Tensor) -> Tensor:
    changing.count += 1
    return x + changing.count


changing.count = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("test", "function", "fake", "message"),
    [
        ("test_schema", bad_write, None, "Argument x is not defined as mutable but was mutated"),
        ("test_autograd_registration", torch.exp, None, "has no gradient: use register_autograd"),
        ("test_faketensor", lambda x: x.sum(), torch.empty_like, "the fake kernel gives"),
        ("test_aot_dispatch_dynamic", changing, None, "Tensor-likes are not close"),
    ],
)
def test_what_does_not_fit(test: str, function: Any, fake: Any, message: str) -> None:
    op = L.custom_op("mine::wrong", function, mutates_args=(), schema="(Tensor x) -> Tensor")
    op.register_fake(fake or torch.empty_like)
    x = torch.ones(2, requires_grad=test == "test_autograd_registration")
    with pytest.raises(OpCheckError, match=f"{test} failed with .*{message}"):
        L.opcheck(op, (x,), test_utils=test)
    found = L.opcheck(op, (x,), test_utils=test, raise_exception=False)
    assert isinstance(found[test], AssertionError)


def test_a_kernel_of_arrays() -> None:
    @L.custom_op("mine::sorted", mutates_args=())
    def ordered(x: Tensor) -> tuple[Tensor, Tensor]:
        index = np.argsort(x.numpy())
        return x[torch.from_numpy(index)], torch.from_numpy(index)

    values, index = ordered(torch.tensor([3.0, 1.0, 2.0]))
    assert (values.tolist(), index.tolist()) == ([1.0, 2.0, 3.0], [1, 2, 0])
