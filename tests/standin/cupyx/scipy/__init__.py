"""CuPy's SciPy."""
