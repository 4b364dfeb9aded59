"""The transforms of ``torch.func`` on every operator, with the samples of ``tests/samples``."""

from __future__ import annotations

from typing import Any

import pytest

import flambeau as torch
from flambeau.func import batched
from tests.ops.suites import NAMES, assert_same, call, fresh, gradients, mapped, tensors, weight
from tests.samples import samples

Tensor = torch.Tensor
each = pytest.mark.parametrize("name", NAMES)

# Example by example is how these run inside of vmap, for want of a batching rule.
LOOPS = """
    block_diag cdist col2im convolution_input_grad cross_entropy ctc_loss index_add index_copy
    index_fill isin masked_scatter masked_select nll_loss
    nonzero rms_norm searchsorted strided_replace"""
looping: set[str] = set()  # what ran example by example in this run

NOT_MAPPED = {
    "draws other numbers for a batch than for its examples one by one": """bernoulli binomial
        multinomial native_dropout nn.functional.fractional_max_pool2d
        nn.functional.fractional_max_pool2d_with_indices nn.functional.fractional_max_pool3d
        nn.functional.fractional_max_pool3d_with_indices nn.functional.rrelu normal poisson
        rand_like randint_like randn_like rrelu""",
    "the size of the result lies in the data": """bincount nn.functional.grouped_mm
        nn.functional.scaled_grouped_mm unique unique_consecutive""",
    "asks for the value of an element": """cov ctc_loss embedding_bag histc histogram histogramdd
        istft linalg.ldl_solve linalg.lu linalg.lu_solve lu_solve lu_unpack nanquantile
        nn.functional.embedding_bag nn.functional.gaussian_nll_loss
        nn.functional.multi_margin_loss nn.functional.multilabel_margin_loss nn.functional.one_hot
        nonzero_static quantile segment_reduce""",
    "views memory as it lies, which is another for a batch": "as_strided as_strided_copy",
}
EXCUSED = frozenset(" ".join(NOT_MAPPED.values()).split())


def second(tensor: Tensor) -> Tensor:
    """Another example for a tensor: as good an argument, with other numbers."""
    plain = tensor.detach()
    if plain.is_floating_point() or plain.is_complex():
        return plain * 0.9
    return plain.flip(-1) if plain.ndim else plain


def batches(name: str, shared: bool) -> Any:
    """Each sample as a batch of two examples: the function, its arguments, what it should give.

    With ``shared`` only the first tensor differs between the examples.
    """
    for sample in samples(name):
        one = mapped(sample, Tensor.detach)
        given = list(tensors(one))
        if not given or (shared and len(given) == 1):
            continue
        others = [second(t) if i == 0 or not shared else t for i, t in enumerate(given)]
        run = runner(name, one)
        pairs = list(zip(given, others, strict=True))
        expected = [torch.stack(both) for both in zip(run(*given), run(*others), strict=True)]
        mapped_count = 1 if shared else len(pairs)
        args = [torch.stack(p) if i < mapped_count else p[0] for i, p in enumerate(pairs)]
        dims = tuple([0 if i < mapped_count else None for i in range(len(pairs))])
        if expected:
            yield torch.vmap(run, in_dims=dims, randomness="same"), args, expected


def runner(name: str, sample: Any) -> Any:
    """The operator as a function of the tensors of a sample, with a flat tuple of results."""

    def run(*given: Tensor) -> tuple[Tensor, ...]:
        left = list(given)
        return tuple(tensors([call(name, mapped(sample, lambda one: left.pop(0)))]))

    return run


@pytest.mark.parametrize("shared", [False, True], ids=["all", "first"])
@each
def test_vmap(name: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapped operator gives what a loop over the examples gives."""
    monkeypatch.setattr(batched, "_warn_slow", looping.add)
    if name in EXCUSED:
        return
    for run, args, expected in batches(name, shared):
        assert_same(list(run(*args)), expected, 1e-9, strides=False)


def test_what_runs_example_by_example() -> None:
    """Batching rules are only ever added: the list of what has none does not grow."""
    assert looping - set(LOOPS.split()) == set()


@each
def test_jvp(name: str) -> None:
    """Forward mode agrees with reverse mode: ``w . (J v) = (J^H w) . v``."""
    for sample in map(fresh, samples(name)):
        grads = gradients(name, sample)
        leaves = [t for t in tensors(sample) if t.requires_grad]
        if not grads:
            continue
        chosen = [r.requires_grad for r in tensors([call(name, sample)])]

        def run(*given: Tensor, sample: Any = sample, chosen: Any = chosen) -> Any:
            left = list(given)
            args = mapped(sample, lambda one: left.pop(0) if one.requires_grad else one)
            results = tensors([call(name, args)])
            return tuple([r for r, c in zip(results, chosen, strict=True) if c])

        moves = tuple([weight(leaf) for leaf in leaves])
        outputs, pushed = torch.func.jvp(run, tuple([t.detach() for t in leaves]), moves)
        forward = sum([dot(weight(o), p) for o, p in zip(outputs, pushed, strict=True)])
        backward = sum([dot(g, v) for g, v in zip(grads, moves, strict=True) if g is not None])
        assert forward == pytest.approx(backward, rel=1e-8, abs=1e-8)
        assert_same(list(outputs), list(run(*leaves)), 1e-10, strides=False)


def dot(a: Tensor, b: Tensor) -> float:
    """The real part of the product of two tensors as vectors."""
    return float((a.detach().conj() * b.detach()).sum().real)
