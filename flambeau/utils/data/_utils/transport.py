"""Carries batches between processes: what is large goes through shared memory, uncopied on arrival.

The pickle of a batch leaves the memory of its tensors out. The worker lays that memory into an
anonymous file and passes the file over the socket; the main process maps it, and its tensors look
at the mapping. The file is gone with the last tensor, also when a process dies in between.
"""

from __future__ import annotations

import os
import pickle
from multiprocessing import reduction
from typing import Any

from flambeau.core.raw_memory import Shared

SMALL = 1 << 15  # bytes; less is cheaper inside the pickle
ALIGNMENT = 64


def send(connection: Any, value: Any) -> None:
    """Sends a value through a connection of ``Pipe(duplex=True)``."""
    buffers: list[pickle.PickleBuffer] = []
    text = pickle.dumps(value, 5, buffer_callback=buffers.append)
    parts = [buffer.raw() for buffer in buffers]
    sizes = [part.nbytes for part in parts]
    if sum(sizes) < SMALL or not hasattr(os, "memfd_create"):
        connection.send((text, [bytes(part) for part in parts], None))
        return
    number = os.memfd_create("flambeau")
    try:
        _fill(number, parts)
        connection.send((text, None, sizes))
        reduction.send_handle(connection, number, os.getppid())
    finally:
        os.close(number)


def _fill(number: int, parts: list[memoryview]) -> None:
    place = 0
    os.ftruncate(number, sum(_aligned(part.nbytes) for part in parts))
    for part in parts:
        done = 0
        while done < part.nbytes:
            done += os.pwrite(number, part[done:], place + done)
        place += _aligned(part.nbytes)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def receive(connection: Any) -> Any:
    """The next value of a connection; EOFError when the other side is gone."""
    text, copies, sizes = connection.recv()
    if sizes is None:
        return pickle.loads(text, buffers=[bytearray(copy) for copy in copies])
    number = reduction.recv_handle(connection)
    try:
        memory = memoryview(Shared(number, sum(map(_aligned, sizes))))
    finally:
        os.close(number)
    parts, place = [], 0
    for size in sizes:
        parts.append(memory[place : place + size])
        place += _aligned(size)
    return pickle.loads(text, buffers=parts)
