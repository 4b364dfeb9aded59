"""``torch.accelerator``, ``torch.Stream`` and ``torch.Event``, without and with CUDA."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import flambeau as torch

A = torch.accelerator
NEEDS_ONE = {
    "current_device_index": (), "current_device_idx": (), "set_device_index": (0,),
    "set_device_idx": (0,), "get_device_capability": (), "current_stream": (), "synchronize": (),
    "empty_cache": (), "empty_host_cache": (), "get_memory_info": (), "memory_allocated": (),
    "max_memory_allocated": (), "memory_reserved": (), "max_memory_reserved": (),
    "memory_stats": (), "reset_peak_memory_stats": (), "reset_accumulated_memory_stats": (),
    "device_index": (0,),
}  # fmt: skip


@pytest.fixture
def none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without CUDA."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


def test_a_machine_without_accelerator(none: None) -> None:
    assert (A.is_available(), A.device_count()) == (False, 0)
    assert A.current_accelerator() is A.current_accelerator(check_available=True) is None
    for name, arguments in NEEDS_ONE.items():
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is"):
            getattr(A, name)(*arguments)
    with pytest.raises(TypeError, match="set_stream"):
        A.set_stream(3)
    with A.device_index(None):
        pass


def test_the_queue_of_the_cpu(none: None) -> None:
    stream = torch.Stream()
    assert stream == torch.Stream("cpu") and hash(stream) == hash(torch.Stream(device="cpu"))
    assert repr(stream) == "torch.Stream device_type=cpu, device_index=-1, stream_id=0"
    assert (stream.device, stream.device_type) == (torch.device("cpu"), 0)
    assert torch.Stream(stream_id=7, device_index=0, device_type=0).stream_id == 7
    with stream as entered:
        assert entered is stream
    assert stream.query() and not stream.is_capturing()
    assert stream.synchronize() is stream.wait_stream(stream) is None
    with pytest.raises(RuntimeError, match="cpu backend doesn't support events"):
        stream.record_event()
    with pytest.raises(RuntimeError, match="native handle"):
        stream.native_handle()


def test_events_of_the_cpu() -> None:
    event = torch.Event("cpu", enable_timing=True)
    assert repr(event) == "torch.Event device_type=cpu, device_index=-1, event_flag=1, event_id=0"
    assert event.query() and event.synchronize() is event.wait() is None
    torch.Stream("cpu").wait_event(event)
    for call in (event.record, lambda: event.elapsed_time(event)):
        with pytest.raises(RuntimeError, match="cpu backend doesn't support events"):
            call()
    for share in (event.ipc_handle, lambda: torch.Event.from_ipc_handle("cpu", b"")):
        with pytest.raises(NotImplementedError, match="ipc is not supported"):
            share()


def test_on_cuda_all_of_it_is_that_of_cuda(cuda: ModuleType) -> None:
    assert A.current_accelerator() == torch.device("cuda") and A.device_count() >= 1
    stream: Any = torch.Stream(device="cuda")
    assert type(stream) is torch.cuda.Stream and isinstance(stream, torch.Stream)
    with stream:
        assert A.current_stream() == stream
        torch.ones(2, device="cuda").add(1)
    assert A.current_stream() != stream
    event: Any = torch.Event("cuda", enable_timing=True)
    assert isinstance(event, torch.Event) and type(event) is torch.cuda.Event
    event.record(stream)
    A.synchronize()
    assert event.query() and event.event_id == event.cuda_event
    before = A.current_stream()
    A.set_stream(stream)
    assert A.current_stream() == stream
    A.set_stream(before)


def test_the_current_device_of_the_accelerator(cuda: ModuleType) -> None:
    A.set_device_index(0)
    with A.device_index(0):
        assert A.current_device_index() == 0
    with pytest.raises(ValueError, match="cpu doesn't match the current accelerator cuda"):
        A.set_device_index("cpu")
    assert A.memory_allocated("cuda:0") == torch.cuda.memory_allocated(0)
    assert A.get_memory_info() == torch.cuda.mem_get_info()
    assert torch.bfloat16 in A.get_device_capability()["supported_dtypes"]
    A.empty_cache()
    A.empty_host_cache()
