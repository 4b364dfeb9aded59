"""``torch.cuda`` where CuPy is missing: nothing is available, and errors say what to install."""

from __future__ import annotations

import importlib.util

import pytest

import flambeau as torch

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is installed"
)
REFUSED = """current_device synchronize get_device_name get_device_properties init ipc_collect
    get_device_capability current_stream default_stream mem_get_info get_rng_state initial_seed"""
NONE = "^Torch not compiled with CUDA enabled\n"


def test_questions_have_answers() -> None:
    """What programs ask at their start never raises."""
    assert torch.cuda.is_available() is False
    assert torch.cuda.device_count() == 0
    assert torch.cuda.is_initialized() is False
    assert torch.cuda.is_bf16_supported() is False
    assert torch.cuda.memory_allocated() == torch.cuda.max_memory_allocated() == 0
    assert torch.cuda.memory_stats() == {}
    assert torch.cuda.get_rng_state_all() == []
    assert torch.cuda.default_generators == ()
    assert torch.cuda.get_arch_list() == []


def test_what_does_nothing() -> None:
    """Seeding, emptying the cache and contexts of nothing are accepted."""
    torch.cuda.manual_seed(1)
    torch.cuda.manual_seed_all(1)
    torch.cuda.empty_cache()
    torch.cuda.set_device(-1)
    with torch.cuda.stream(None), torch.cuda.device(-1), torch.cuda.device_of(torch.ones(1)):
        pass


@pytest.mark.parametrize("name", REFUSED.split())
def test_refusals(name: str) -> None:
    """The rest raises the error of a PyTorch without CUDA, and names CuPy."""
    with pytest.raises(AssertionError, match=NONE) as raised:
        getattr(torch.cuda, name)()
    assert "CuPy" in str(raised.value)


def test_objects_and_tensors() -> None:
    """Streams, events and tensors cannot be made."""
    with pytest.raises(RuntimeError, match=r"^torch.cuda.Stream requires CUDA support"):
        torch.cuda.Stream()
    with pytest.raises(RuntimeError, match=r"^Tried to instantiate dummy base class Event"):
        torch.cuda.Event()
    with pytest.raises(RuntimeError, match="NVTX functions not installed"):
        torch.cuda.nvtx.range_push("step")
    for make in (
        lambda: torch.ones(2).cuda(),
        lambda: torch.ones(2, device="cuda:0"),
        lambda: torch.cuda.FloatTensor(2),
    ):
        with pytest.raises(RuntimeError, match="CuPy, which is not installed"):
            make()


def test_graphs_pools_and_management() -> None:
    """The errors of a PyTorch without CUDA, and empty statistics."""
    for make in (torch.cuda.CUDAGraph, torch.cuda.graph_pool_handle, torch.cuda.MemPool,
                 torch.cuda.is_current_stream_capturing):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"^Tried to instantiate dummy base class "):
            make()
    with pytest.raises(AssertionError, match=NONE):
        torch.cuda.memory_snapshot()
    with pytest.raises(RuntimeError, match=r"^NCCL needs CuPy"):
        torch.cuda.nccl.unique_id()
    assert torch.cuda.host_memory_stats() == torch.cuda.host_memory_stats_as_nested_dict() == {}
