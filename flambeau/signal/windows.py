"""``torch.signal.windows``: symmetric windows by default."""

from flambeau.ops.windows import SIGNAL_WINDOWS, general_cosine

globals().update(SIGNAL_WINDOWS)  # bartlett, blackman, cosine, ...

__all__ = [*SIGNAL_WINDOWS, "general_cosine"]
