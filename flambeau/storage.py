"""``torch.storage``: the memory below tensors as objects."""

from __future__ import annotations

import io
from typing import Any

from flambeau.core.typed_storage import TypedStorage
from flambeau.core.untyped_storage import UntypedStorage
from flambeau.serialization import load

__all__ = ["TypedStorage", "UntypedStorage"]


def _load_from_bytes(data: bytes) -> Any:
    """A storage from a plain pickle of PyTorch's, which holds a file of the old format."""
    return load(io.BytesIO(data), weights_only=False)
