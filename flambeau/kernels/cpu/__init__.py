"""Kernels compiled by Numba, under the names and signatures of ``kernels/shared``.

``compiler`` makes machine code and keeps it, ``parallel`` is the thread pool, ``loops/`` holds the
compiled code. A form that does not know a dtype or a layout calls the shared one.
"""
