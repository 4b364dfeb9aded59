"""Generators: seeds, the 5056 bytes of state, forks and threads."""

from __future__ import annotations

import copy
import hashlib
import multiprocessing
import os
import threading

import pytest

import flambeau as torch
from flambeau.core.generator import DEFAULT_SEED, STATE_SIZE, Generator, default_generator, lock

# The state's digest in PyTorch 2.13: seeded, then after each of the draws below.
STATES = {
    0: "e2d36ec0 d593090d 6b316451 b994ae88 6c5df58a 5eb0fc1b",
    5: "6042148e a535672d 0a4b90d9 10f4707d 3f371f86 243c07c9",
    -1: "c06614aa 44f8a129 bdafbf00 5e7c1c60 a74c5b1b 704936c3",
    1099511627783: "19065359 ac6efe53 6abf91fc a73671dc 69f716e3 843fe2ca",
}


def state_digest(generator: Generator) -> str:
    return hashlib.blake2b(generator.state_bytes(), digest_size=4).hexdigest()


@pytest.mark.parametrize("seed", STATES)
def test_states_are_pytorchs(seed: int) -> None:
    own = Generator().manual_seed(seed)
    found = [state_digest(own)]
    for draw, size in (("rand", 1), ("randn", 3), ("rand", 617), ("rand", 1), ("randn", 5000)):
        getattr(torch, draw)(size, generator=own)
        found.append(state_digest(own))
    assert " ".join(found) == STATES[seed]


def test_seeds_wrap_and_are_remembered() -> None:
    own = Generator()
    assert own.initial_seed() == DEFAULT_SEED and own.device == torch.device("cpu")
    assert own.manual_seed(-1) is own and own.initial_seed() == 2**64 - 1
    low = torch.rand(3, generator=own.manual_seed(2**40 + 7))
    assert low.equal(torch.rand(3, generator=Generator().manual_seed(7)))
    assert own.seed() == own.initial_seed() != own.seed()
    for seed, error in ((1.5, RuntimeError), (2**64, ValueError), (-(2**63) - 1, ValueError)):
        with pytest.raises(error):
            own.manual_seed(seed)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="META device type not an accelerator"):
        Generator("meta")


def test_states_are_restored_everywhere_in_a_step() -> None:
    for size in (0, 1, 623, 624, 625, 20000):
        own = Generator().manual_seed(3)
        torch.rand(size, generator=own)
        torch.randn(1, generator=own)
        state = own.state_bytes()
        assert len(state) == STATE_SIZE == 5056
        expected = torch.randn(700, dtype=torch.float64, generator=own)
        own.set_state_bytes(state)
        assert own.state_bytes() == state
        assert torch.randn(700, dtype=torch.float64, generator=own).equal(expected)


def test_copies_are_independent() -> None:
    own = Generator().manual_seed(4)
    torch.randn(3, generator=own)
    for twin in (own.clone_state(), copy.deepcopy(own)):
        assert twin is not own and twin.state_bytes() == own.state_bytes()
        torch.rand(1, generator=twin)
        assert twin.state_bytes() != own.state_bytes()


def test_threads_draw_different_words() -> None:
    own = Generator().manual_seed(6)
    drawn: list[float] = []

    def draw() -> None:
        for _ in range(200):
            drawn.extend(torch.rand(5, dtype=torch.float64, generator=own).tolist())

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = torch.rand(4000, dtype=torch.float64, generator=own.manual_seed(6))
    assert sorted(drawn) == sorted(expected.tolist())


def _draw_in_child(pipe: object) -> None:
    pipe.send(torch.rand(3).tolist())  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_continues_the_stream() -> None:
    torch.manual_seed(8)
    torch.rand(3)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_draw_in_child, args=(theirs,))
    holder_ready, release = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holder_ready.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    holder_ready.wait(20)
    child.start()  # while another thread holds the lock
    assert ours.poll(20)
    drawn = ours.recv()
    release.set()
    holder.join()
    child.join()
    assert drawn == torch.rand(3).tolist()


def test_the_shared_generator_is_the_default() -> None:
    assert torch.manual_seed(5) is default_generator is torch.default_generator
    assert torch.initial_seed() == 5
    assert torch.rand(2).equal(torch.rand(2, generator=Generator().manual_seed(5)))
