"""``Generator``: a seed and a place in PyTorch's stream of random numbers.

The numbers equal PyTorch 2.13's CPU stream bit for bit, and so do the 5056 bytes of state, so that
random states found in checkpoints continue where they stopped. The same stream serves CUDA: there
numbers are drawn on the host and copied, and are those of the CPU for the same seed.

All draws hold one lock of the process; a forked child starts with a free one, and with the
generators as they were.
"""

from __future__ import annotations

import os
import struct
import threading
from typing import Any

import numpy

from flambeau.core.device import as_device, device
from flambeau.kernels.shared.words import STEP, WordStream

DEFAULT_SEED = 67280421310721
_HEAD, _TAIL = struct.Struct("<QiiQ"), struct.Struct("<dddi4xf?3x")
STATE_SIZE = _HEAD.size + 8 * STEP + _TAIL.size  #: 5056


class Generator:
    """A source of random numbers of its own, for the ``generator=`` argument.

    >>> a, b = Generator().manual_seed(3), Generator().manual_seed(3)
    >>> bool((torch.rand(2, generator=a) == torch.rand(2, generator=b)).all())
    True
    """

    __slots__ = ("__weakref__", "_device", "_seed", "_stream")
    __module__ = "flambeau"

    def __init__(self, device: Any = "cpu") -> None:
        self._device = as_device(device)
        if self._device.type not in ("cpu", "cuda"):
            raise RuntimeError(f"{self._device.type.upper()} device type not an accelerator.")
        self._seed = DEFAULT_SEED
        self._stream: WordStream | None = None

    @property
    def device(self) -> device:
        """The device whose tensors it fills."""
        return self._device

    @property
    def stream(self) -> WordStream:
        """The words that the numbers are made of; to be drawn from under `lock`."""
        if self._stream is None:
            with lock:  # two threads may come first
                self._stream = self._stream or WordStream(self._seed)
        return self._stream

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream of a seed, of which the low 32 bits count; negative seeds wrap."""
        self._seed = _checked_seed(seed)
        if self._stream is not None:
            with lock:
                self._stream.seed(self._seed)
        return self

    def seed(self) -> int:
        """Starts a stream that nobody can foretell, and returns its seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    def initial_seed(self) -> int:
        """The seed that the stream began with, all 64 bits of it."""
        return self._seed

    def clone_state(self) -> Generator:
        """Another generator at the same place of the same stream."""
        twin = Generator(self._device)
        twin.set_state_bytes(self.state_bytes())
        return twin

    # ---- the state as PyTorch writes it

    def state_bytes(self) -> bytes:
        """The exact state in PyTorch's format: 5056 bytes, little endian."""
        with lock:
            (key, place), spare = self.stream.state(), self.stream.spare
        left = STEP + 1 - place if place else 1
        head = _HEAD.pack(self._seed, left, 1, place)
        tail = _TAIL.pack(0.0, spare or 0.0, 0.0, spare is not None, 0.0, False)
        return head + key.astype("<u8").tobytes() + tail

    def set_state_bytes(self, state: bytes) -> None:
        """Continues from a state that this class or PyTorch wrote.

        Raises RuntimeError if it has another size or is no state.
        """
        if len(state) != STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_SIZE} but found the input RNG "
                f"state size to be {len(state)}"
            )
        seed, left, seeded, place = _HEAD.unpack_from(state)
        if not (seeded and 0 < left <= STEP and 0 <= place <= STEP):
            raise RuntimeError("Invalid mt19937 state")
        _, spare, _, has_spare, _, _ = _TAIL.unpack_from(state, STATE_SIZE - _TAIL.size)
        key = numpy.frombuffer(state, "<u8", STEP, _HEAD.size)
        with lock:
            self._seed = seed
            self.stream.restore(key, STEP if left == 1 and place else place)
            self.stream.spare = spare if has_spare else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Generator, (str(self._device),), self.state_bytes()

    def __setstate__(self, state: bytes) -> None:
        self.set_state_bytes(state)

    def graphsafe_get_state(self) -> Generator:
        """Meant for CUDA graphs, which no generator here takes part in."""
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state: Generator) -> Generator:
        """Meant for CUDA graphs, which no generator here takes part in."""
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def get_offset(self) -> int:
        """Meant for counter-based generators; this one has no offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> Generator:
        """Meant for counter-based generators; this one has no offset."""
        raise RuntimeError("CPU Generator does not use offset")


def _checked_seed(seed: Any) -> int:
    """The seed as an unsigned number of 64 bits."""
    if not hasattr(seed, "__index__"):
        raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
    seed = seed.__index__()
    if not -(1 << 63) <= seed < 1 << 64:
        raise ValueError("Overflow when unpacking long long")
    return seed & ((1 << 64) - 1)


# ---- the generators that everybody shares


class _Lock:
    """The lock under which generators are read and written."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = threading.RLock()

    def __enter__(self) -> None:
        self.held.acquire()

    def __exit__(self, *exc: object) -> None:
        self.held.release()


lock = _Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lock.__init__)

default_generator = Generator()
default_generator._seed = int.from_bytes(os.urandom(8), "little") >> 1
_OF_DEVICE: dict[device, Generator] = {default_generator.device: default_generator}


def generator_of(where: device) -> Generator:
    """The generator that fills tensors on a device when none is given."""
    found = _OF_DEVICE.get(where)
    if found is None:
        found = _OF_DEVICE[where] = Generator(where)
        found.manual_seed(default_generator.initial_seed())
    return found


def shared_generators() -> list[Generator]:
    """The generators of all devices that were drawn from so far, the CPU's first."""
    return list(_OF_DEVICE.values())


def seed_all(seed: int) -> None:
    """Seeds the generators of all devices."""
    for generator in shared_generators():
        generator.manual_seed(seed)
