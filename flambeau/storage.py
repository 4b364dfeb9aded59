"""``torch.storage``: the memory below tensors as objects."""

from flambeau.core.typed_storage import TypedStorage
from flambeau.core.untyped_storage import UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
