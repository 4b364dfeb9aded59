"""Copies, pickles and files."""

from __future__ import annotations

import copy
import io
import pickle

import pytest

import flambeau as torch
from tests.sparse.examples import LAYOUTS, sample, twice


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.layout is b.layout and a._nnz() == b._nnz() and torch.equal(a.to_dense(), b.to_dense())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies(layout: str) -> None:
    """Copies have values of their own, and keep what users ask of gradients."""
    it = sample(layout, grad=True)
    for again in (copy.deepcopy(it), pickle.loads(pickle.dumps(it))):
        assert same(again, it) and again.requires_grad and again is not it
        again.detach().values().zero_()
        assert it.to_dense().any()
    assert same(it.clone(), it)


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_files(layout: str, archive: bool) -> None:
    """Saved and loaded, in both formats; coalescedness survives."""
    file = io.BytesIO()
    state = {"it": sample(layout), "twice": twice()}
    torch.save(state, file, _use_new_zipfile_serialization=archive)
    file.seek(0)
    loaded = torch.load(file)
    assert same(loaded["it"], state["it"]) and not loaded["twice"].is_coalesced()


def test_damaged_files() -> None:
    """Indices that lead outside are found when a file is read."""
    file = io.BytesIO()
    torch.save(torch.sparse_coo_tensor([[5]], torch.ones(1), (2,)), file)
    file.seek(0)
    with pytest.raises(Exception, match="found index 5"):
        torch.load(file)
