"""A thread pool inside compiled code: a microsecond to share work, safe to fork, cached on disk.

A *kernel* shares a *body* over a range of items, cut in chunks::

    @body
    def add_chunk(arrays, first, last, thread):
        a, b, out = arrays
        for i in range(first, last):
            out[i] = a[i] + b[i]

    @kernel
    def add_arrays(a, b, out, chunks):
        share(add_chunk, (a, b, out), out.size, chunks)

The caller never waits for a worker to start: it takes chunks itself, and workers join when they
wake. Without workers (one thread, a forked child, a nested or concurrent call, no Linux futexes)
the body runs in the caller. Workers spin for ``SPIN`` processor ticks after work, then sleep.

Numba's own layers each fail somewhere: ``omp`` aborts in forked children, ``workqueue`` when two
Python threads enter it. Kernels find the pool by LLVM symbols, not by addresses, so that they can
be cached.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import platform
import sys
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from flambeau.kernels import threads
from flambeau.kernels.cpu.compiler import INT64, callback, device, emitted, exact

ORDER = "seq_cst"
SHARED = sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64")

# ---- atomic operations on int64 at an address


def _at(builder: ir.IRBuilder, place: ir.Value) -> ir.Value:
    return builder.inttoptr(place, INT64.as_pointer())


@emitted(1, result=True)
def get(builder, place):
    return builder.load_atomic(_at(builder, place), ORDER, 8)


@emitted(2)
def put(builder, place, value):
    builder.store_atomic(value, _at(builder, place), ORDER, 8)


@emitted(2)
def add(builder, place, value):
    builder.atomic_rmw("add", _at(builder, place), value, ORDER)


@emitted(3, result=True)
def exchange(builder, place, old, new):
    """Store ``new`` if ``old`` is there; whether it was."""
    pair = builder.cmpxchg(_at(builder, place), old, new, ORDER, ORDER)
    return builder.zext(builder.extract_value(pair, 1), INT64)


@emitted(5)
def call(builder, function, arguments, first, last, thread):
    kind = ir.FunctionType(ir.VoidType(), [INT64] * 4)
    builder.call(builder.inttoptr(function, kind.as_pointer()), [arguments, first, last, thread])


@emitted(1, result=True)
def pool(builder, _):
    """The address of the pool's fields."""
    place = builder.module.globals.get("flambeau_pool")
    place = place or ir.GlobalVariable(builder.module, ir.IntType(8), "flambeau_pool")
    place.linkage = "external"
    return builder.ptrtoint(place, INT64)


@emitted(1, result=True)
def ticks(builder, _):
    kind = ir.FunctionType(INT64, [])
    counter = cgutils.get_or_insert_function(builder.module, kind, "llvm.readcyclecounter")
    return builder.call(counter, [])


# ---- the pool: a field a cache line; STATE is job number << 32 | next chunk

STATE, DONE, BODY, ARGUMENTS, ITEMS, CHUNKS, SLEEPERS, STOP, BUSY, WORKERS = range(0, 640, 64)
FUTEX, WAIT, WAKE = 202 if platform.machine() == "x86_64" else 98, 128, 129
SPIN, GLANCES = 150_000, 4000
LOW = 0xFFFF_FFFF  #: as a chunk number: there is nothing to take
_memory = np.zeros(1024, np.int64)
BASE = -(-_memory.ctypes.data // 64) * 64
binding.add_symbol("flambeau_pool", BASE)

syscall = types.ExternalFunction("syscall", types.int64(*[types.int64] * 7))
sched_yield = types.ExternalFunction("sched_yield", types.int32())


@exact
def take_chunks(job, thread):
    """Run chunks of this job until none is left."""
    base = pool((0,))
    while True:
        state = get((base + STATE,))
        chunk, chunks, items = state & LOW, get((base + CHUNKS,)), get((base + ITEMS,))
        function, arguments = get((base + BODY,)), get((base + ARGUMENTS,))
        if state >> 32 != job or chunk >= chunks:
            return
        if exchange((base + STATE, state, state + 1)):
            first, last = items * chunk // chunks, items * (chunk + 1) // chunks
            call((function, arguments, first, last, thread))
            add((base + DONE, 1))


def launch_shared(function, arguments, items, chunks):
    """Share a job with the workers and return when all of it is done.

    Before the fields change, the old job is marked as empty: a late worker that still holds the
    old state can then take nothing of the new one.
    """
    base = pool((0,))
    if chunks <= 1 or get((base + WORKERS,)) == 0 or not exchange((base + BUSY, 0, 1)):
        call((function, arguments, 0, items, 0))
        return
    job = get((base + STATE,)) >> 32
    put((base + STATE, job << 32 | LOW))
    put((base + BODY, function))
    put((base + ARGUMENTS, arguments))
    put((base + ITEMS, items))
    put((base + CHUNKS, chunks))
    put((base + DONE, 0))
    job = (job + 1) & 0x7FFF_FFFF
    put((base + STATE, job << 32))
    if get((base + SLEEPERS,)) > 0:
        syscall(FUTEX, base + STATE + 4, WAKE, 1 << 30, 0, 0, 0)
    take_chunks(job, 0)
    glances = 0
    while get((base + DONE,)) < chunks:
        glances += 1
        if glances > GLANCES:
            sched_yield()
    put((base + BUSY, 0))


def launch_alone(function, arguments, items, chunks):
    """Run a job in the caller."""
    call((function, arguments, 0, items, 0))


def work(thread):
    """A worker's life: spin for a job, sleep when none comes, help with the one that does."""
    base = pool((0,))
    job = get((base + STATE,)) >> 32
    while get((base + STOP,)) == 0:
        since = ticks((0,))
        while get((base + STATE,)) >> 32 == job and get((base + STOP,)) == 0:
            if ticks((0,)) - since > SPIN:
                add((base + SLEEPERS, 1))
                syscall(FUTEX, base + STATE + 4, WAIT, job, 0, 0, 0)
                add((base + SLEEPERS, -1))
                since = ticks((0,))
        job = get((base + STATE,)) >> 32
        take_chunks(job, thread)
    return 0


_launch = callback(types.void(*[types.int64] * 4))(launch_shared if SHARED else launch_alone)
binding.add_symbol("flambeau_launch", _launch.address)
_work = callback(types.int64(types.int64))(work) if SHARED else None

# ---- starting and stopping

_workers: list[ctypes.c_uint64] = []


def _read(field: int) -> int:
    return ctypes.c_int64.from_address(BASE + field).value


def _write(field: int, value: int) -> None:
    ctypes.c_int64.from_address(BASE + field).value = value


def set_threads(count: int) -> None:
    """Run kernels on ``count`` threads, the calling one included; there are at most 64."""
    stop()
    if _work is None:
        return
    _write(STOP, 0)
    create = ctypes.CDLL(None).pthread_create
    for number in range(1, min(count, MOST)):
        thread = ctypes.c_uint64()
        function, argument = ctypes.c_void_p(_work.address), ctypes.c_void_p(number)
        if create(ctypes.byref(thread), None, function, argument) == 0:
            _workers.append(thread)
    _write(WORKERS, len(_workers))


def get_threads() -> int:
    """The threads that kernels run on now: 1 in a forked child until ``set_threads``."""
    return 1 + _read(WORKERS)


def stop() -> None:
    """End the workers."""
    if not _workers:
        return
    _write(WORKERS, 0)
    _write(STOP, 1)
    _write(STATE, ((_read(STATE) >> 32) + 1 & 0x7FFF_FFFF) << 32 | LOW)
    library = ctypes.CDLL(None)
    library.syscall(FUTEX, ctypes.c_void_p(BASE + STATE + 4), WAKE, 1 << 30, 0, 0, 0)
    for thread in _workers:
        library.pthread_join(thread, None)
    _forget()


def _forget() -> None:
    """A forked child has no workers, and no thread of it is inside a kernel."""
    _workers.clear()
    for field in (WORKERS, BUSY, SLEEPERS):
        _write(field, 0)


MOST = 64  #: threads; kernels that keep scratch per thread count on it
atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
threads.on_change(set_threads)
set_threads(threads.get_threads())

# ---- sharing

ALONE = 16384  #: elements below which sharing costs more than it saves
PIECES = 16  #: a job is cut in as many chunks, whatever the number of threads


@device
def pieces(items, elements):
    """How many chunks to cut a job in that touches this many elements."""
    return 1 if elements < ALONE else min(items, PIECES)


@intrinsic
def share(typing_context, body, arguments, items, chunks):
    """Run ``body(arguments, first, last, thread)`` over ``range(items)`` in ``chunks`` pieces."""
    signature = types.void(body, arguments, types.int64, types.int64)
    return signature, _generate_share


def _generate_share(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
    function, held = signature.args[0].dispatcher, values[1]
    chunk = _chunk_function(context, builder.module, function, signature.args[1])
    slot = cgutils.alloca_once_value(builder, held)
    kind = ir.FunctionType(ir.VoidType(), [INT64] * 4)
    launch = cgutils.get_or_insert_function(builder.module, kind, "flambeau_launch")
    places = [builder.ptrtoint(chunk, INT64), builder.ptrtoint(slot, INT64)]
    builder.call(launch, [*places, *values[2:]])
    return context.get_dummy_value()


def _chunk_function(context: Any, module: ir.Module, function: Any, arguments: Any) -> ir.Function:
    """A C function (arguments, first, last, thread) that calls the compiled body."""
    call_types = (arguments, *[types.int64] * 3)
    function.compile(call_types)
    compiled = function.overloads[call_types]
    context.active_code_library.add_linking_library(compiled.library)
    kind = ir.FunctionType(ir.VoidType(), [INT64] * 4)
    chunk = ir.Function(module, kind, module.get_unique_name("chunk"))
    chunk.linkage = "internal"
    builder = ir.IRBuilder(chunk.append_basic_block())
    target = context.declare_function(module, compiled.fndesc)
    place = builder.inttoptr(chunk.args[0], context.get_value_type(arguments).as_pointer())
    values = [builder.load(place), *chunk.args[1:]]
    context.call_conv.call_function(builder, target, types.none, call_types, values)
    builder.ret_void()
    return chunk
