"""The native frames of this thread: those of the interpreter and of compiled libraries."""

from __future__ import annotations

import ctypes


class _Symbol(ctypes.Structure):
    """What ``dladdr`` tells of an address."""

    _fields_ = (
        ("file", ctypes.c_char_p), ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p), ("address", ctypes.c_void_p),
    )  # fmt: skip


def get_cpp_backtrace(frames_to_skip: int = 0, maximum_number_of_frames: int = 64) -> str:
    """The native call stack, a line a frame, the innermost first.

    Raises:
        RuntimeError: the C library cannot tell.

    >>> get_cpp_backtrace(maximum_number_of_frames=1).startswith("frame #0: ")
    True
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "backtrace") and hasattr(library, "dladdr")):
        raise RuntimeError("the C library of this system cannot list native frames")
    addresses = (ctypes.c_void_p * (frames_to_skip + maximum_number_of_frames))()
    found = library.backtrace(addresses, len(addresses))
    lines = [
        f"frame #{number}: {_described(library, address)}"
        for number, address in enumerate(addresses[frames_to_skip:found])
    ]
    return "\n".join(lines) + "\n"


def _described(library: ctypes.CDLL, address: int) -> str:
    symbol = _Symbol()
    if not library.dladdr(ctypes.c_void_p(address), ctypes.byref(symbol)) or not symbol.file:
        return f"<unknown function> ({address:#x})"
    name = symbol.name.decode() if symbol.name else "<unknown function>"
    start = symbol.address if symbol.name else symbol.base
    return f"{name} + {address - (start or 0):#x} ({address:#x} in {symbol.file.decode()})"
