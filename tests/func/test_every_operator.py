"""The transforms of ``torch.func`` on every operator, with the samples of ``tests/samples``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import flambeau as torch
from flambeau.core.op import REGISTRY
from flambeau.func import batched
from tests.ops.suites import NAMES, assert_same, call, fresh, gradients, mapped, tensors, weight
from tests.samples import samples

Tensor = torch.Tensor
each = pytest.mark.parametrize("name", NAMES)

# Example by example is how these run inside of vmap, as PyTorch has no batching rule for them
# either: their results have a size that lies in the data, or are counted on the host.
_LOOPING = """bincount ctc_loss embedding_bag histc histogram histogramdd isin masked_scatter
    nonzero nonzero_static segment_reduce"""
LOOPS = frozenset(_LOOPING.split())
looping: set[str] = set()  # what ran example by example in this run

# What PyTorch refuses to map, too, and how.
REFUSED = {
    "Vmap does not currently support same randomness with a batched tensor": """bernoulli binomial
        multinomial nn.functional.rrelu normal ops.aten._sample_dirichlet ops.aten._standard_gamma
        poisson rrelu""",
    "Attempted to vmap over aten::_?unique": "unique unique_consecutive",
    "Attempted to vmap over `mask` in torch.masked_select": "masked_select",
    "Batch norm got a batched tensor as input": "ops.aten._batch_norm_with_update",
    "you're calling .item\\(\\) on a Tensor": "nn.functional.gaussian_nll_loss",
}
REFUSALS = {name: message for message, names in REFUSED.items() for name in names.split()}
NOT_TWO_EXAMPLES = {
    "another example has results of another size": "nn.functional.grouped_mm "
    "nn.functional.scaled_grouped_mm",
    "numbers are drawn in the order of the memory, which another batch changes": """rand_like
        randint_like randn_like""",
}
EXCUSED = frozenset(" ".join(NOT_TWO_EXAMPLES.values()).split())


# Integers that say where bags begin, or that a mapped function does not take.
ORDERED = {"embedding_bag", "nn.functional.embedding_bag"}


def second(name: str, tensor: Tensor) -> Tensor:
    """Another example for a tensor: as good an argument, with other numbers."""
    plain = tensor.detach()
    if plain.is_floating_point() or plain.is_complex():
        return plain * 0.9
    return plain.flip(-1) if plain.ndim and name not in ORDERED else plain


def batches(name: str, shared: bool) -> Any:
    """Each sample as a batch of two examples: the function, its arguments, what it should give.

    With ``shared`` only the first tensor differs between the examples.
    """
    for sample in samples(name):
        one = mapped(sample, Tensor.detach)
        given = list(tensors(one))
        if not given or (shared and len(given) == 1):
            continue
        others = [second(name, t) if i == 0 or not shared else t for i, t in enumerate(given)]
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
    if name in EXCUSED or (name in REFUSALS and not shared):
        return
    with expected_refusal(REFUSALS.get(name)):
        for run, args, expected in batches(name, shared):
            assert_same(list(run(*args)), expected, 1e-9, strides=False)


@contextmanager
def expected_refusal(message: str | None) -> Iterator[None]:
    """Inside, a call may be refused in these words."""
    try:
        yield
    except RuntimeError as error:
        if message is None or not re.search(message, str(error)):
            raise


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_refusals(name: str) -> None:
    """What cannot be mapped says so, in PyTorch's words."""
    sample = mapped(next(s for s in samples(name) if list(tensors(s))), Tensor.detach)
    given = list(tensors(sample))
    first_only = name.startswith("ops.aten._batch_norm")
    dims = tuple([0 if not i or not first_only else None for i in range(len(given))])
    run = torch.vmap(runner(name, sample), in_dims=dims, randomness="same")
    with pytest.raises(RuntimeError, match=REFUSALS[name]):
        run(*[t if d is None else torch.stack([t, t]) for t, d in zip(given, dims, strict=True)])


@each
def test_vmap_of_pull(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass with a batch of weights gives what a pass for each of them gives."""
    monkeypatch.setattr(batched, "_warn_slow", looping.add)
    for run, leaves, _ in differentiable_calls(name):
        outputs, pull = torch.func.vjp(run, *leaves)
        first = tuple(map(weight, outputs))
        second = tuple([w * 0.5 + 0.1 for w in first])
        expected = [torch.stack(p) for p in zip(pull(first), pull(second), strict=True)]
        weights = [torch.stack(p) for p in zip(first, second, strict=True)]
        actual = torch.vmap(lambda *w, pull=pull: pull(w))(*weights)
        assert_same(list(actual), expected, 1e-9, strides=False)


def differentiable_calls(name: str) -> Iterator[tuple[Any, list[Tensor], list[Any]]]:
    """Samples as functions of what has gradients, where they are, and their gradients."""
    for sample in map(fresh, samples(name)):
        grads = gradients(name, sample)
        if not grads:
            continue
        chosen = [r.requires_grad for r in tensors([call(name, sample)])]

        def run(*given: Tensor, sample: Any = sample, chosen: Any = chosen) -> Any:
            left = list(given)
            args = mapped(sample, lambda one: left.pop(0) if one.requires_grad else one)
            results = tensors([call(name, args)])
            return tuple([r for r, c in zip(results, chosen, strict=True) if c])

        yield run, [t.detach() for t in tensors(sample) if t.requires_grad], grads


@each
def test_jvp(name: str) -> None:
    """Forward mode agrees with reverse mode: ``w . (J v) = (J^H w) . v``."""
    for run, leaves, grads in differentiable_calls(name):
        moves = tuple(map(weight, leaves))
        outputs, pushed = torch.func.jvp(run, tuple(leaves), moves)
        forward = sum([dot(weight(o), p) for o, p in zip(outputs, pushed, strict=True)])
        backward = sum([dot(g, v) for g, v in zip(grads, moves, strict=True) if g is not None])
        assert forward == pytest.approx(backward, rel=1e-8, abs=1e-8)
        assert [p.dtype for p in pushed] == [o.dtype for o in outputs]
        assert_same(list(outputs), list(run(*leaves)), 1e-10, strides=False)


@each
def test_vmap_of_jvp(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tangents of a batch of points and moves are those of each."""
    monkeypatch.setattr(batched, "_warn_slow", looping.add)
    for run, leaves, _ in differentiable_calls(name):

        def push(*moves: Tensor, run: Any = run, leaves: Any = leaves) -> Any:
            return torch.func.jvp(run, tuple(leaves), moves)[1]

        first = tuple(map(weight, leaves))
        second = tuple([v * 0.5 + 0.1 for v in first])
        expected = [torch.stack(p) for p in zip(push(*first), push(*second), strict=True)]
        moves = [torch.stack(p) for p in zip(first, second, strict=True)]
        actual = torch.vmap(push, randomness="same")(*moves)
        assert_same(list(actual), expected, 1e-9, strides=False)


@each
def test_jvp_of_vjp(name: str) -> None:
    """Forward over reverse mode agrees with reverse over reverse mode."""
    for run, leaves, _ in differentiable_calls(name):
        weights = tuple(map(weight, run(*leaves)))

        def gradient(*points: Tensor, run: Any = run, weights: Any = weights) -> Any:
            return torch.func.vjp(run, *points)[1](weights)

        moves = tuple(map(weight, leaves))
        try:
            grads, pushed = torch.func.jvp(gradient, tuple(leaves), moves)
            backward = torch.func.vjp(gradient, *leaves)[1](tuple(map(weight, grads)))
        except RuntimeError as error:
            assert "is not implemented" in str(error)  # PyTorch has no second derivative either
            continue
        forward = sum([dot(weight(g), p) for g, p in zip(grads, pushed, strict=True)])
        total = sum([dot(b, v) for b, v in zip(backward, moves, strict=True)])
        assert forward == pytest.approx(total, rel=1e-7, abs=1e-7)


def test_what_runs_example_by_example() -> None:
    """Batching rules are only ever added: the list of what has none does not grow."""
    assert looping - LOOPS == set()


def test_every_operator_has_a_batching_rule() -> None:
    """Each has a rule, its family's or its own; what has none is known to run by example.

    Operators of sparse tensors alone never meet mapped ones.
    """
    names = {"dim", "dims", "dim0", "dim1", "dim2"}
    without = {
        op.name
        for op in REGISTRY.values()
        if op.sparse is not op
        and not (op.batch_rule or op.random or op.n_dims or names & set(op.params))
    }
    assert without - LOOPS - INNER == set()


# These never meet mapped tensors: their callers go other ways then.
_INNER = """ctc_loss_backward cross_entropy_backward custom_function embedding_sparse_backward
    gather_sparse_backward gru_layer
    gru_layer_backward lobpcg lobpcg_generalised lstm_layer lstm_layer_backward
    native_batch_norm_backward native_group_norm_backward native_layer_norm_backward
    nll_loss_backward rms_norm_backward rnn_layer rnn_layer_backward"""
INNER = frozenset(_INNER.split())


def dot(a: Tensor, b: Tensor) -> float:
    """The real part of the product of two tensors as vectors."""
    return float((a.detach().conj() * b.detach()).sum().real)
