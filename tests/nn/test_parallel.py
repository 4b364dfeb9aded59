"""Batches in pieces on several devices; here all of them are the CPU."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau.nn import parallel
from flambeau.nn.parallel import comm

CPUS = ["cpu", torch.device("cpu")]


def test_broadcast() -> None:
    x, out = torch.arange(3.0), [torch.empty(3), torch.empty(3)]
    assert [t.tolist() for t in comm.broadcast(x, CPUS)] == [[0, 1, 2]] * 2
    written = comm.broadcast(x, out=out)
    assert all(a is b for a, b in zip(written, out, strict=True)) and out[1].tolist() == [0, 1, 2]
    assert [len(each) for each in comm.broadcast_coalesced([x, x, x], CPUS)] == [3, 3]
    for given in ({}, {"devices": CPUS, "out": out}):
        with pytest.raises(RuntimeError, match="Exactly one of 'devices' and 'out'"):
            comm.broadcast(x, **given)


def test_scatter() -> None:
    x = torch.arange(10).reshape(5, 2)
    assert [t.shape[0] for t in comm.scatter(x, CPUS)] == [3, 2]
    assert [t.shape[0] for t in comm.scatter(x, CPUS, chunk_sizes=[1, 4])] == [1, 4]
    assert [t.shape[1] for t in comm.scatter(x, CPUS, dim=1)] == [1, 1]
    out = [torch.empty(2, 2, dtype=torch.int64), torch.empty(3, 2, dtype=torch.int64)]
    assert comm.scatter(x, out=out)[1] is out[1] and torch.equal(out[1], x[2:])
    with pytest.raises(RuntimeError, match="'chunk_sizes' must not be specified when 'out'"):
        comm.scatter(x, chunk_sizes=[2, 3], out=out)


def test_gather_undoes_scatter() -> None:
    x, out = torch.randn(5, 4), torch.empty(5, 4)
    for dim in (0, 1):
        pieces = comm.scatter(x, CPUS, dim=dim)
        assert torch.equal(comm.gather(pieces, dim, "cpu"), x)
        assert comm.gather(pieces, dim, out=out) is out and torch.equal(out, x)
    with pytest.warns(FutureWarning, match="Using -1 to represent CPU"):
        comm.gather([x], destination=-1)
    with pytest.raises(RuntimeError, match="'destination' must not be specified"):
        comm.gather([x], destination="cpu", out=out)


def test_sums() -> None:
    parts = [torch.full((2,), float(n)) for n in (1, 2, 4)]
    assert comm.reduce_add(parts, "cpu").tolist() == [7, 7]
    assert parts[0].tolist() == [1, 1]
    assert comm.reduce_add(parts[:1]) is parts[0]
    sums = comm.reduce_add_coalesced([parts, parts])
    assert [t.tolist() for t in sums] == [[2, 2], [4, 4], [8, 8]]
    with pytest.raises(ValueError, match="input 1 has invalid size: got 3, but expected 2"):
        comm.reduce_add([torch.ones(2), torch.ones(3)])
    with pytest.raises(RuntimeError, match="on the same GPU with one of the tensors"):
        comm.reduce_add(parts, "meta")


def test_nested_batches() -> None:
    """``scatter`` and ``gather`` go into tuples and dictionaries, with gradients."""
    x = torch.arange(4.0, requires_grad=True)
    pieces = parallel.scatter({"x": x, "k": (x, 3)}, CPUS)
    assert [p["k"][1] for p in pieces] == [3, 3]
    joined = parallel.gather([{"y": p["x"] * p["k"][0]} for p in pieces], "cpu")["y"]
    joined.sum().backward()
    assert joined.tolist() == [0, 1, 4, 9] and x.grad.tolist() == [0, 2, 4, 6]
    assert parallel.gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1, 2]


def test_replicas() -> None:
    """Copies compute as the module does, and their gradients reach its parameters."""
    layer = torch.nn.Linear(2, 2)
    copies = parallel.replicate(layer, CPUS)
    x = torch.ones(1, 2)
    outputs = parallel.parallel_apply(copies, [x, 2 * x])
    sum(o.sum() for o in outputs).backward()
    assert layer.weight.grad.tolist() == [[3, 3], [3, 3]]
    assert torch.equal(outputs[0], layer(x))
