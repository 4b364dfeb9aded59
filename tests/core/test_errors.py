"""Errors: PyTorch's type and first line, the call below it, and the line of the user's program."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy
import pytest

from flambeau.core.device import device
from flambeau.core.dtype import ALL, from_numpy_type
from flambeau.core.errors import (
    append,
    broadcast_error,
    describe_site,
    dim_out_of_range,
    expand_error,
    explain,
    matmul_error,
    not_implemented,
    output_shape_error,
    same_device,
    site,
    translate,
)

zeros = numpy.zeros


def tensor(array: Any) -> SimpleNamespace:
    """What errors read from a tensor."""
    return SimpleNamespace(
        shape=array.shape, ndim=array.ndim, dtype=from_numpy_type(array.dtype), device=device("cpu")
    )


def failure(run: Callable[[], object]) -> Exception:
    try:
        run()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def translated(name: str, run: Callable[..., object], *arrays: Any, params: Any = ()) -> str:
    error = failure(lambda: run(*arrays))
    tensors = [tensor(a) if isinstance(a, numpy.ndarray) else a for a in arrays]
    found = translate(error, name, tensors, params)
    return f"{type(found).__name__}: {found}"


# ---- messages, as measured on PyTorch 2.13


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            [(2, 3), (2, 4)],
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
            "dimension 1",
        ),
        (
            [(2, 3), (4, 2, 4)],
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
            "dimension 2",
        ),
        (
            [(3,), (3,), (4,)],
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
            "dimension 0",
        ),
    ],
)
def test_broadcast(shapes: Any, message: str) -> None:
    assert str(broadcast_error(shapes)) == message


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ((), (3,), "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
        (
            (3,),
            (4,),
            "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of "
            "elements, but got 3 and 4 elements respectively",
        ),
        ((2, 3), (4,), "size mismatch, got input (2), mat (2x3), vec (4)"),
        ((2, 2, 3, 4), (5,), "size mismatch, got input (12), mat (12x4), vec (5)"),
        ((3,), (4, 5), "mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)"),
        ((2, 3), (4, 5), "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
        ((2, 3, 4), (5, 6), "mat1 and mat2 shapes cannot be multiplied (6x4 and 5x6)"),
        (
            (2, 3),
            (7, 2, 5, 6),
            "Expected size for first two dimensions of batch2 tensor to be: [14, 3] but got: "
            "[14, 5].",
        ),
        (
            (2, 1, 3, 4),
            (3, 5, 6),
            "Expected size for first two dimensions of batch2 tensor to be: [6, 4] but got: "
            "[6, 5].",
        ),
        (
            (2, 2, 3, 4),
            (3, 5, 6),
            "The size of tensor a (2) must match the size of tensor b (3) at non-singleton "
            "dimension 1",
        ),
    ],
)
def test_matmul(first: Any, second: Any, message: str) -> None:
    assert str(matmul_error(first, second)) == message


def test_expand() -> None:
    assert str(expand_error((3,), (2, -1, 4))) == (
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton "
        "dimension 2.  Target sizes: [2, -1, 4].  Tensor sizes: [3]"
    )
    assert str(expand_error((3,), (-1, -1))) == (
        "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension 0"
    )
    assert str(expand_error((2, 3), (3,), "torch.LongTensor")) == (
        "expand(torch.LongTensor{[2, 3]}, size=[3]): the number of sizes provided (1) must be "
        "greater or equal to the number of dimensions in the tensor (2)"
    )


def test_other_messages() -> None:
    out_of_range = dim_out_of_range(5, 2)
    assert isinstance(out_of_range, IndexError)
    assert str(out_of_range) == (
        "Dimension out of range (expected to be in range of [-2, 1], but got 5)"
    )
    assert "[-1, 0], but got 1" in str(dim_out_of_range(1, 0))
    assert str(output_shape_error((3,), (2, 3))) == (
        "output with shape [3] doesn't match the broadcast shape [2, 3]"
    )
    assert str(same_device(device("cuda:0"), device("cpu"))) == (
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 "
        "and cpu!"
    )
    assert str(same_device(device("meta"), device("cpu"))) == (
        "Tensor on device cpu is not on the expected device meta!"
    )
    assert str(not_implemented("gcd", ALL["float32"])) == "\"gcd_cpu\" not implemented for 'Float'"


# ---- NumPy's errors


def test_shapes_translated() -> None:
    add = numpy.add
    assert translated("add", add, zeros((2, 3)), zeros((2, 4))) == (
        "RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at "
        "non-singleton dimension 1"
    )
    three = zeros(3)
    assert translated("add", lambda a, b: add(a, b, out=three), three, zeros((2, 3))) == (
        "RuntimeError: output with shape [3] doesn't match the broadcast shape [2, 3]"
    )
    assert translated("copy", numpy.copyto, zeros((2, 3)), zeros(4)) == (
        "RuntimeError: The expanded size of the tensor (3) must match the existing size (4) at "
        "non-singleton dimension 1.  Target sizes: [2, 3].  Tensor sizes: [4]"
    )
    assert translated("expand", lambda a: numpy.broadcast_to(a, (2, 4)), zeros(3)) == (
        f"RuntimeError: {expand_error((3,), (2, 4))}"
    )
    for first, second in (((2, 3), (4, 5)), ((2, 3), (4,)), ((2, 2, 3), (3, 3, 4)), ((), (3,))):
        assert translated("matmul", numpy.matmul, zeros(first), zeros(second)) == (
            f"RuntimeError: {matmul_error(first, second)}"
        )
    assert translated("dot", numpy.dot, zeros(3), zeros(4)).startswith("RuntimeError: inconsistent")
    sizes = (-1, 4)
    assert translated("view", lambda a: a.reshape(sizes), zeros((2, 3)), params=(sizes,)) == (
        "RuntimeError: shape '[-1, 4]' is invalid for input of size 6"
    )
    assert translated("sum", lambda a: a.sum(5), zeros((2, 3))) == (
        "IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 5)"
    )
    assert translated("unsqueeze", lambda a: numpy.expand_dims(a, 4), zeros(3)) == (
        "IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 4)"
    )


def test_joining_translated() -> None:
    def joined(run: Callable[..., object], *shapes: tuple[int, ...], params: Any = ()) -> str:
        arrays = [zeros(shape) for shape in shapes]
        error = failure(lambda: run(arrays))
        return str(translate(error, "cat", [[tensor(a) for a in arrays]], params))

    assert joined(numpy.concatenate, (2, 3), (2, 4), params=(0,)) == (
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for "
        "tensor number 1 in the list."
    )
    assert joined(numpy.concatenate, (2, 3), (2,)) == (
        "Tensors must have same number of dimensions: got 2 and 1"
    )
    assert joined(numpy.stack, (2,), (2,), (3,)) == (
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 2"
    )


def test_indices_translated() -> None:
    source = zeros((2, 3))
    assert translated("index", lambda a: a[5], source) == (
        "IndexError: index 5 is out of bounds for dimension 0 with size 2"
    )
    assert translated("index", lambda a: a[0, 0, 0], source) == (
        "IndexError: too many indices for tensor of dimension 2"
    )
    assert translated("index", lambda a: a[[0, 1], [0, 1, 2]], source) == (
        "IndexError: shape mismatch: indexing tensors could not be broadcast together with shapes "
        "[2], [3]"
    )
    mask = zeros(3, bool)
    assert translated("index", lambda a, m: a[m], source, mask) == (
        "IndexError: The shape of the mask [3] at index 0 does not match the shape of the indexed "
        "tensor [2, 3] at index 0"
    )
    assert translated("index", lambda a: a[zeros(2)], source) == (
        "IndexError: tensors used as indices must be long, int, byte or bool tensors"
    )


def test_reductions_translated() -> None:
    assert translated("max", numpy.max, zeros(0), params=()) == (
        "RuntimeError: max(): Expected reduction dim to be specified for input.numel() == 0. "
        "Specify the reduction dim with the 'dim' argument."
    )
    assert translated("argmax", numpy.argmax, zeros(0)) == (
        "IndexError: argmax(): Expected reduction dim to be specified for input.numel() == 0."
    )
    assert translated("amax", lambda a: a.max(1), zeros((2, 0)), params=((1,), False)) == (
        "IndexError: amax(): Expected reduction dim 1 to have non-zero size."
    )


def test_types_translated() -> None:
    ints, floats, bools = zeros(3, "i8"), zeros(3, "f4"), zeros(3, bool)
    assert translated("bitwise_and", numpy.bitwise_and, floats, floats) == (
        "NotImplementedError: \"bitwise_and_cpu\" not implemented for 'Float'"
    )
    narrow = zeros(3, ml_dtypes.bfloat16)
    assert translated("bitwise_left_shift", numpy.left_shift, narrow, 1) == (
        "NotImplementedError: \"lshift_cpu\" not implemented for 'BFloat16'"
    )
    assert translated("add", lambda a, b: numpy.add(a, b, out=ints), ints, 1.5) == (
        "RuntimeError: result type Float can't be cast to the desired output type Long"
    )
    assert translated("exp", lambda a: numpy.exp(a, out=ints), ints) == (
        "RuntimeError: result type Float can't be cast to the desired output type Long"
    )
    assert translated("sub", numpy.subtract, bools, bools).startswith(
        "RuntimeError: Subtraction, the `-` operator, with two bool tensors is not supported."
    )
    assert translated("neg", numpy.negative, bools).startswith("RuntimeError: Negation, the `-`")
    assert translated("pow", numpy.power, ints, -1) == (
        "RuntimeError: Integers to negative integer powers are not allowed."
    )
    assert translated("fill", lambda a: a.fill(300), zeros(3, "u1")) == (
        "RuntimeError: value cannot be converted to type uint8_t without overflow"
    )
    assert translated("zeros", lambda: zeros(2**50, "f4")) == (
        "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate "
        "4503599627370496 bytes. Error code 12 (Cannot allocate memory)"
    )


def test_other_errors_are_untouched() -> None:
    for error in (ValueError("of the library"), KeyError("x"), RuntimeError("y")):
        assert translate(error, "add", []) is error


# ---- explanations


def explained(error: Exception, operator: Any, *arguments: Any, params: Any = ()) -> list[str]:
    return str(explain(error, operator, arguments, params)).splitlines()


def test_explanation() -> None:
    operator = SimpleNamespace(name="add", inputs=("input", "other"), params=("alpha",))
    a, b = zeros((4, 3), "f4"), zeros(4)
    lines = explained(failure(lambda: a + b), operator, tensor(a), tensor(b), params=(2,))
    assert lines == [
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
        "  in add:",
        "    input  float32 [4, 3] on cpu",
        "    other  float64 [4] on cpu",
        "    alpha  2",
        "  likely fix: sizes broadcast where they are equal or 1, counted from the last dimension; "
        "`.unsqueeze(1)` on the second would fit",
    ]


def test_explanation_of_lists_and_plain_values() -> None:
    operator = SimpleNamespace(name="cat", inputs=("tensors",), variadic=True, params=("dim",))
    many = [tensor(zeros(2)) for _ in range(12)]
    lines = explained(RuntimeError("wrong"), operator, *many, params=(0,))
    assert lines[:3] == ["wrong", "  in cat:", "    tensors[0]   float64 [2] on cpu"]
    assert lines[-1] == "    ... 5 more"
    lines = explained(TypeError("wrong"), "exp", "x" * 100, None)
    assert lines[2].startswith("    argument 1  'xxxx") and len(lines) == 3 and len(lines[2]) < 60


def test_explained_once() -> None:
    error = RuntimeError("wrong")
    inner = explain(error, "inner", [])
    outer = explain(inner, "outer", [])
    assert outer is inner is error and str(error) == "wrong\n  in inner:"


def test_traceback_is_kept() -> None:
    def kernel() -> None:
        zeros(3) + zeros(4)

    def call() -> None:
        try:
            kernel()
        except Exception as error:
            raise explain(error, "add", [tensor(zeros(3)), tensor(zeros(4))]) from None

    error = failure(call)
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names[-1] == "kernel" and "call" in names and type(error) is RuntimeError
    assert error.__suppress_context__


def test_errors_with_computed_messages_get_a_note() -> None:
    error = KeyError("x")
    append(error, "  more")
    assert error.args == ("x",) and error.__notes__ == ["  more"]


@pytest.mark.parametrize(
    ("error", "shapes", "fix"),
    [
        (matmul_error((2, 3), (4, 3)), [(2, 3), (4, 3)], "`.mT` on the second would fit"),
        (matmul_error((3, 2), (3, 4)), [(3, 2), (3, 4)], "`.mT` on the first would fit"),
        (broadcast_error([(2, 3), (3, 2)]), [(2, 3), (3, 2)], "`.mT` on the second would fit"),
        (dim_out_of_range(5, 2), [(2, 3)], "the shape is [2, 3]"),
        (same_device(device("cuda:0"), device("cpu")), [], "`.to(device)`"),
        (RuntimeError("shape '[4]' is invalid for input of size 6"), [(2, 3)], "multiply to 6"),
        (not_implemented("tanh", ALL["int64"]), [], "`.float()`"),
    ],
)
def test_likely_fixes(error: Exception, shapes: Any, fix: str) -> None:
    lines = explained(error, "op", *[tensor(zeros(shape)) for shape in shapes])
    assert lines[-1].startswith("  likely fix: ") and fix in lines[-1]


# ---- sites


def test_site_is_the_line_outside_the_library() -> None:
    library: dict[str, Any] = {"__name__": None, "__package__": "flambeau.ops", "site": site}
    exec("def inner(): return site()\ndef outer(): return inner()", library)
    found = library["outer"]()
    assert describe_site(found).endswith(
        'in test_site_is_the_line_outside_the_library: `found = library["outer"]()`'
    )
    assert "test_errors.py:" in describe_site(found)


def test_site_without_source_or_package() -> None:
    program: dict[str, Any] = {"site": site}
    exec(compile("def step():\n\n    return site()", "<string>", "exec"), program)
    assert describe_site(program["step"]()) == "<string>:3 in step"
    lookalike = {"site": site, "__package__": "flambeau_extras"}
    exec(compile("found = site()", "<string>", "exec"), lookalike)
    assert describe_site(lookalike["found"]) == "<string>:1 in <module>"  # type: ignore[arg-type]
