"""``torch.autograd.profiler_legacy``: the old name of the profiler, which is the same here."""

from flambeau.autograd.profiler import profile

__all__ = ["profile"]
