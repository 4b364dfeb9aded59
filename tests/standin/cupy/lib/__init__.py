"""CuPy's ``lib``."""

from cupy.lib import stride_tricks
