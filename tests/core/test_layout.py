"""``layout`` and ``memory_format``: named singletons."""

from __future__ import annotations

import copy
import pickle

import pytest

from flambeau.core import layout as layouts

LAYOUTS = (
    "strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged",
    "_mkldnn",
)  # fmt: skip
FORMATS = ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")


@pytest.mark.parametrize("name", [*LAYOUTS, *FORMATS])
def test_singletons(name: str) -> None:
    found = getattr(layouts, name)
    assert repr(found) == str(found) == f"torch.{name}"
    assert type(found) is (layouts.layout if name in LAYOUTS else layouts.memory_format)
    assert copy.copy(found) is copy.deepcopy(found) is found
    assert pickle.loads(pickle.dumps(found)) is found


def test_identity() -> None:
    assert layouts.strided != layouts.sparse_coo
    assert layouts.legacy_contiguous_format is layouts.contiguous_format
    assert {layouts.channels_last: 1}[layouts.channels_last] == 1
    for kind in (layouts.layout, layouts.memory_format):
        with pytest.raises(TypeError, match=rf"^cannot create 'torch.{kind.__name__}' instances$"):
            kind()
