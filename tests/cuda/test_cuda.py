"""``torch.cuda`` with a device: a GPU, or the stand-in for CuPy."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

import flambeau as torch

pytestmark = pytest.mark.usefixtures("cuda")


def test_devices() -> None:
    """The current device is that of new tensors; contexts restore it."""
    assert torch.cuda.is_available() and torch.cuda.is_initialized()
    assert torch.cuda.current_device() == 0
    assert torch.ones(1, device="cuda").device == torch.device("cuda:0")
    if torch.cuda.device_count() > 1:
        with torch.cuda.device(1):
            assert torch.cuda.current_device() == 1
            assert torch.ones(1).cuda().device.index == 1
        with torch.cuda.device_of(torch.ones(1, device="cuda:1")):
            assert torch.cuda.current_device() == 1
    assert torch.cuda.current_device() == 0
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.cuda.set_device(99)
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.set_device("cpu")
    torch.cuda.synchronize("cuda:0")


def test_properties() -> None:
    """Name, capability and memory of a device."""
    properties = torch.cuda.get_device_properties("cuda:0")
    assert torch.cuda.get_device_name() == properties.name
    assert torch.cuda.get_device_capability(0) == (properties.major, properties.minor)
    assert torch.cuda.mem_get_info()[1] <= properties.total_memory
    assert repr(properties).startswith(f"_CudaDeviceProperties(name='{properties.name}', major=")
    with pytest.raises(AssertionError, match="Invalid device id"):
        torch.cuda.get_device_properties(99)


def test_copies_there_and_back() -> None:
    """Values, layout and dtype survive; the default device is honoured; types say where."""
    x = torch.arange(6, dtype=torch.float64).reshape(2, 3).t()
    y = x.to("cuda")
    assert y.is_cuda and y.type() == "torch.cuda.DoubleTensor"
    np.testing.assert_array_equal(y.cpu().numpy(), x.numpy())
    assert isinstance(y, torch.cuda.DoubleTensor) and not isinstance(y, torch.DoubleTensor)
    assert torch.cuda.FloatTensor([1, 2]).tolist() == [1.0, 2.0]
    assert y.to("cuda:0") is y and (y + 1).device is y.device
    with torch.device("cuda"):
        assert torch.zeros(2).device == y.device
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        y.numpy()
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        y + x
    assert (y * torch.tensor(2.0)).device is y.device  # numbers of the CPU may take part


def test_gradients_cross_devices() -> None:
    """The gradient of a tensor on the CPU comes back to the CPU."""
    x = torch.ones(2, requires_grad=True)
    (x.cuda() * 3).sum().backward()
    assert x.grad is not None and x.grad.device.type == "cpu" and x.grad.tolist() == [3.0, 3.0]


def test_out_of_range_indices_are_refused() -> None:
    """CuPy would wrap them silently."""
    x = torch.arange(3.0).cuda()
    for refused in (
        lambda: x[torch.tensor([3]).cuda()],
        lambda: x.index_select(0, torch.tensor([5]).cuda()),
        lambda: x.gather(0, torch.tensor([-4]).cuda()),
    ):
        with pytest.raises((IndexError, RuntimeError), match=r"out of (range|bounds)"):
            refused()


def test_storage() -> None:
    """Views share the memory; offsets and pointers agree."""
    x = torch.arange(6.0).cuda()
    view = x[2:4]
    assert view.storage_offset() == 2 and view.data_ptr() == x.data_ptr() + 8
    assert view.untyped_storage() is x.untyped_storage()
    view.zero_()
    assert x.tolist() == [0.0, 1.0, 0.0, 0.0, 4.0, 5.0]


def test_memory(cuda: ModuleType) -> None:
    """What is allocated is counted, and the most that was."""
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    x = torch.empty(1000, device="cuda")
    assert torch.cuda.memory_allocated() - before == 4096
    del x
    assert torch.cuda.memory_allocated() == before
    assert torch.cuda.max_memory_allocated() >= before + 4096
    assert torch.cuda.memory_reserved() >= before + 4096
    stats = torch.cuda.memory_stats()
    assert stats["allocated_bytes.all.peak"] == torch.cuda.max_memory_allocated()
    assert torch.cuda.memory_stats_as_nested_dict()["allocated_bytes"]["all"]["current"] == before
    assert "Allocated bytes" in torch.cuda.memory_summary()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    assert torch.cuda.max_memory_allocated() == before


def test_streams_and_events() -> None:
    """A stream is current inside its context; events order and time what is put into streams."""
    stream = torch.cuda.Stream()
    assert torch.cuda.current_stream() == torch.cuda.default_stream() != stream
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    assert repr(start) == "<torch.cuda.Event uninitialized>" and start.query()
    with torch.cuda.stream(stream):
        assert torch.cuda.current_stream() == stream
        start.record()
        torch.ones(3, device="cuda").sum()
        end.record()
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    torch.cuda.current_stream().wait_stream(stream)
    end.synchronize()
    assert start.elapsed_time(end) >= 0 and stream.query()
    with pytest.raises(ValueError, match="enable_timing=True"):
        start.elapsed_time(torch.cuda.Event())
    assert repr(stream).startswith("<torch.cuda.Stream device=cuda:0 cuda_stream=0x")


def test_generators() -> None:
    """The numbers on CUDA are those of the CPU for the same seed; states continue."""
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.cuda.manual_seed_all(3)
    assert torch.cuda.initial_seed() == 3
    assert torch.randn(4, device="cuda").tolist() == expected.tolist()
    state = torch.cuda.get_rng_state()
    first = torch.rand(3, device="cuda").tolist()
    torch.cuda.set_rng_state(state)
    assert torch.rand(3, device="cuda").tolist() == first
    torch.cuda.set_rng_state_all(torch.cuda.get_rng_state_all())


def test_a_step_of_training() -> None:
    """A module, a loss and an optimizer on CUDA give what they give on the CPU."""
    losses = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
        net.to(device)
        step = torch.optim.AdamW(net.parameters(), lr=0.1)
        x = torch.linspace(-1, 1, 12).reshape(4, 3).to(device)
        target = torch.tensor([0, 1, 1, 0], device=device)
        for _ in range(3):
            loss = torch.nn.functional.cross_entropy(net(x), target)
            step.zero_grad()
            loss.backward()
            step.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_nvtx_and_profiler() -> None:
    """Ranges nest."""
    assert torch.cuda.nvtx.range_push("epoch") == 0
    with torch.cuda.nvtx.range("step {}", 1):
        torch.cuda.nvtx.mark("here")
    assert torch.cuda.nvtx.range_pop() == 0
    with torch.cuda.profiler.profile():
        pass


def test_memory_that_a_stream_uses_outlives_its_tensor() -> None:
    """``record_stream`` holds the memory until the work that was in the stream is done."""
    stream, x = torch.cuda.Stream(), torch.ones(3, device="cuda")
    with torch.cuda.stream(stream):
        y = x + 1
    x.record_stream(stream)
    (keeper,) = x._keepers
    assert keeper.array is x._array
    del x, keeper
    stream.synchronize()
    assert y.tolist() == [2, 2, 2]
    with pytest.raises(NotImplementedError, match="from the 'CPU' backend"):
        torch.ones(1).record_stream(stream)
