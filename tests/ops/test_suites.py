"""What holds for every operator, shown on the samples of ``tests/samples``."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import pytest

import flambeau as torch
from flambeau.core.modes import flags
from tests.ops.finite_differences import check_gradients
from tests.ops.suites import (
    FLIPS_SHOW,
    GRADIENT_DIFFERS,
    HERMITIAN,
    HOST_READS,
    LAID_OUT_IN_STEPS,
    NAMES,
    NOT_ON_CUDA,
    NOT_ON_META,
    NOT_THE_DERIVATIVE,
    assert_same,
    call,
    column_major,
    described,
    fresh,
    gradients,
    mapped,
    on,
    strided_copy,
    tensors,
)  # fmt: skip
from tests.samples import function, samples

Tensor = torch.Tensor
PRECISE = (torch.float64, torch.complex128)  # enough for finite differences

each = pytest.mark.parametrize("name", NAMES)


# ---- gradients, numerically


@each
def test_gradient(name: str) -> None:
    """First and second derivatives agree with finite differences."""
    for sample in map(fresh, samples(name)):
        leaves = [t for t in tensors(sample) if t.requires_grad]
        if name in GRADIENT_DIFFERS or NOT_THE_DERIVATIVE & set(sample[1]):
            continue
        if not gradients(name, sample):
            continue

        def run(*given: Tensor, sample: Any = sample) -> Any:
            left = list(given)
            args = mapped(sample, lambda t: left.pop(0) if t.requires_grad else t)
            if name in HERMITIAN:
                args = mapped(args, lambda t: (t + t.mH) / 2)
            return tuple([t for t in tensors([call(name, args)]) if t.dtype in PRECISE])

        for seed in range(2):
            check_gradients(run, leaves, seed)


# ---- shapes without data


@each
def test_meta(name: str) -> None:
    """On the meta device, results have the shapes, dtypes and strides of real ones."""
    for sample in with_layouts(samples(name)):
        if not list(tensors(sample)):
            continue
        try:
            expected = call(name, fresh(sample))
        except RuntimeError as error:
            assert "stride" in str(error)  # views need elements in a certain order
            continue
        if not list(tensors([expected])):
            continue
        try:
            actual = call(name, on("meta", sample))
        except (NotImplementedError, RuntimeError) as error:
            assert name in NOT_ON_META or "depends on the elements" in str(error)
            continue
        assert all(t.device.type == "meta" for t in tensors([actual]))
        if name not in LAID_OUT_IN_STEPS:
            assert described(actual) == described(expected)


def with_layouts(calls: Iterator[Any]) -> Iterator[Any]:
    """Each sample as it is, and with another order of its elements in memory."""
    for sample in calls:
        yield sample
        yield column_major(sample)


# ---- two roads, one meaning


@each
def test_full_road(name: str) -> None:
    """The shortcuts give what the full road of ``dispatch`` gives, gradients included."""
    for sample in with_layouts(samples(name)):
        try:
            call(name, sample)
        except RuntimeError:
            continue  # views need elements in a certain order
        short, short_grads = call(name, fresh(sample)), gradients(name, fresh(sample))
        flags.active += 1
        try:
            full, full_grads = call(name, fresh(sample)), gradients(name, fresh(sample))
        finally:
            flags.active -= 1
        assert_same(short, full)
        assert names_of_nodes(short) == names_of_nodes(full)
        assert_same(short_grads, full_grads, 1e-12)


def names_of_nodes(result: Any) -> list[str]:
    """What the graph calls the operations that made the results."""
    return [type(t.grad_fn).__name__ for t in tensors([result])]


# ---- lazy conjugates and negatives


@each
def test_lazy_operands(name: str) -> None:
    """Operands that are lazy conjugates or negatives give what plain ones give."""
    if name in FLIPS_SHOW:
        return
    for sample in samples(name):
        expected, expected_grads = call(name, fresh(sample)), gradients(name, fresh(sample))
        assert_same(call(name, mapped(sample, lazy)), expected, 1e-12)
        assert_same(gradients(name, mapped(sample, lazy)), expected_grads, 1e-12)


def lazy(tensor: Tensor) -> Tensor:
    """The same elements, which memory holds conjugated or negated."""
    if not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        return tensor
    plain = tensor.detach()
    turned = plain.conj_physical() if plain.is_complex() else -plain
    memory = strided_copy(turned)
    view = memory.conj() if plain.is_complex() else memory._neg_view()
    return view.requires_grad_(tensor.requires_grad)


# ---- the CUDA path


@each
def test_cuda(name: str, cuda: ModuleType) -> None:
    """On CUDA, results and gradients are those of the CPU, and nothing goes through the host."""
    for sample in samples(name):
        if not list(tensors(sample)):
            continue
        if name in NOT_ON_CUDA:
            with pytest.raises(NotImplementedError, match="CuPy"):
                call(name, on("cuda", sample))
            continue
        expected, grads = call(name, fresh(sample)), gradients(name, fresh(sample))
        placed = on("cuda", sample)
        with few_reads(cuda, HOST_READS.get(name, 0)):
            actual = call(name, placed)
        with few_reads(cuda, 3 * HOST_READS.get(name, 0)):
            actual_grads = gradients(name, placed)
        assert all(t.device.type == "cuda" for t in tensors([actual]))
        assert_same(actual, expected, 1e-10, strides=False)
        assert_same(actual_grads, grads, 1e-10, strides=False)


@contextmanager
def few_reads(cuda: ModuleType, limit: int) -> Iterator[None]:
    """Inside, at most so many copies go to the host; a real CuPy does not count them."""
    log = cuda.ledger.log if hasattr(cuda, "ledger") else []
    before = len(log)
    yield
    assert len(log) - before <= limit, log[before:]


# ---- where results go


@each
def test_out(name: str) -> None:
    """``out=`` receives the plain result."""
    if name.startswith("Tensor.") or "out" not in inspect.signature(function(name)).parameters:
        return
    for sample in samples(name):
        sample = mapped(sample, Tensor.detach)
        if "out" in sample[1]:
            continue
        expected = call(name, sample)
        out = mapped(expected, torch.empty_like)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            actual = call(name, sample, out=out)
        assert actual is None or identical(actual, out)
        assert_same(tuple(tensors([out])), tuple(tensors([expected])), strides=False)


def identical(actual: Any, out: Any) -> bool:
    """Whether the tensors of two results are the same objects."""
    return [id(t) for t in tensors([actual])] == [id(t) for t in tensors([out])]


@each
def test_in_place(name: str) -> None:
    """The in-place form overwrites its tensor with the plain result."""
    method = getattr(Tensor, name.rpartition(".")[2] + "_", None)
    if name.startswith("masked.") or method is None:
        return
    if name in ("bernoulli", "normal"):  # `x.normal_()` does not depend on `x`
        return
    for sample in samples(name):
        args, kwargs = mapped(sample, Tensor.detach)
        if not isinstance(args[0], Tensor):
            continue
        expected = call(name, (args, kwargs))
        if (expected.shape, expected.dtype) != (args[0].shape, args[0].dtype):
            continue
        torch.manual_seed(7)
        target = args[0].clone()
        assert method(target, *args[1:], **kwargs) is target
        assert_same(target, expected, strides=False)


# ---- the registry

NAMESPACES = {
    "": torch, "nn.functional.": torch.nn.functional, "linalg.": torch.linalg,
    "special.": torch.special, "fft.": torch.fft, "signal.windows.": torch.signal.windows,
}  # fmt: skip
WITHOUT_SAMPLES = {
    "elements are whatever the memory held": "empty empty_like empty_permuted empty_strided",
    "generators and their states": """get_rng_state initial_seed manual_seed seed
        set_rng_state""",
    "other libraries, files, storages, processes": """frombuffer from_dlpack from_file
        is_distributed is_storage to_dlpack""",
    "vectors are unique up to a phase, or random": """geqrf linalg.eig linalg.eigh linalg.svd lobpcg
        pca_lowrank svd svd_lowrank""",
    "warns that it is deprecated": """nn.functional.upsample nn.functional.upsample_bilinear
        nn.functional.upsample_nearest range""",
    "tells devices apart": "get_device",
    "looks at memory beyond its tensors": "slice_inverse",
}


def public_operators() -> dict[str, Any]:
    """The functions of the public namespaces that ``flambeau/ops`` defines; in-place forms are run
    with the plain ones."""
    return {
        prefix + name: value
        for prefix, namespace in NAMESPACES.items()
        for name, value in vars(namespace).items()
        if isinstance(value, FunctionType)
        and not (name.startswith("_") or name.endswith("_"))
        and ("/flambeau/ops/" in value.__code__.co_filename or hasattr(value, "op"))
    }


def test_every_operator_has_a_sample_and_a_docstring() -> None:
    """What is public is documented with an example, and is run by these suites."""
    public = public_operators()
    sampled = {id(function(name)) for name in NAMES}
    excused = " ".join(WITHOUT_SAMPLES.values()).split()
    unseen = [name for name, operator in public.items() if id(operator) not in sampled]
    documented = [name for name, operator in public.items() if ">>>" in (operator.__doc__ or "")]
    assert sorted(set(public) - set(documented)) == []
    assert sorted(set(unseen) - set(excused)) == []
    assert sorted(set(excused) - set(public)) == []
