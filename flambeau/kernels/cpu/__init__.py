"""Kernels compiled by Numba, under the names and signatures of ``kernels/shared``.

``parallel`` is the thread pool, ``emit`` the vector code that Numba's vectoriser would not find;
the other files hold the kernels. A form that does not know a dtype calls the shared one.
"""
