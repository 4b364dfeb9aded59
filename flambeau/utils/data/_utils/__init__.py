"""How batches are made and carried between processes."""

from flambeau.utils.data._utils import collate, pin_memory, worker

__all__ = ["collate", "pin_memory", "worker"]
