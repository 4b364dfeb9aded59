"""The compiled code itself; the files beside this folder choose shapes, layouts and dtypes.

These modules keep their names, which Numba's cache needs, and so cannot be silenced: nothing here
calls NumPy from Python.
"""
