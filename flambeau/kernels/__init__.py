"""Arithmetic on arrays; nothing here knows what a tensor is.

``shared/`` is written once for NumPy and CuPy; ``cpu/`` holds the Numba forms and ``cuda/`` the
CuPy forms of the kernels for which a form of their own pays, under the same file and function
names. ``select`` finds the function for a place.
"""

from flambeau.kernels import memory as memory
