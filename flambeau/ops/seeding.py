"""Seeds of the generators of random numbers, and their states."""

from __future__ import annotations

import numpy

from flambeau.core.device import cpu
from flambeau.core.generator import Generator, default_generator, seed_all
from flambeau.core.kind import CPU_KINDS
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor, wrap


def manual_seed(seed: int) -> Generator:
    """Seeds the generators of all devices, and returns the CPU's.

    Negative seeds wrap; ValueError beyond 64 bits.

    >>> _ = torch.manual_seed(0)
    >>> torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    seed_all(int(seed))
    return default_generator


def seed() -> int:
    """Seeds the generators of all devices with a number that nobody can foretell; returns it.

    >>> torch.seed() == torch.initial_seed()
    True
    """
    chosen = default_generator.seed()
    seed_all(chosen)
    return chosen


def initial_seed() -> int:
    """The seed that the CPU's generator began with.

    >>> _ = torch.manual_seed(5)
    >>> torch.initial_seed()
    5
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the CPU's generator: PyTorch's 5056 bytes, as a uint8 tensor.

    >>> torch.get_rng_state().shape
    torch.Size([5056])
    """
    return _get_state(default_generator)


def set_rng_state(new_state: Tensor) -> None:
    """Continues from a state that `get_rng_state` returned, here or in PyTorch.

    A uint8 vector; RuntimeError for a state of another size.

    >>> state = torch.get_rng_state()
    >>> first = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), first)
    True
    """
    _set_state(default_generator, new_state)


def _get_state(self: Generator) -> Tensor:
    """The state as PyTorch writes it: 5056 bytes, as a uint8 tensor."""
    state = numpy.frombuffer(bytearray(self.state_bytes()), numpy.uint8)
    return wrap(state, CPU_KINDS[state.dtype])


def _set_state(self: Generator, new_state: Tensor) -> Generator:
    """Continues from a state that `get_state` returned, here or in PyTorch."""
    if not isinstance(new_state, Tensor):
        raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
    if new_state.dtype.name != "uint8" or new_state.device is not cpu:
        raise TypeError("RNG state must be a torch.ByteTensor")
    self.set_state_bytes(new_state._array.tobytes())
    return self


Generator.get_state, Generator.set_state = _get_state, _set_state  # type: ignore[attr-defined]


__all__ = exported(globals())
