"""Graphs, pools, events of other processes, copies between devices, and how a device is doing."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import flambeau as torch

pytestmark = pytest.mark.usefixtures("cuda")


def _is_real(cuda: ModuleType) -> bool:
    return "standin" not in str(cuda.__file__)


def test_a_graph_is_recorded_and_started(cuda: ModuleType) -> None:
    """Work is recorded in a stream of its own, with memory of its own; a real graph computes."""
    x = torch.ones(4, device="cuda")
    made = torch.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        made.replay()
    with torch.cuda.graph(made):
        assert torch.cuda.is_current_stream_capturing()
        y = x * 2
    assert not torch.cuda.is_current_stream_capturing()
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    x.fill_(5)
    made.replay()
    if _is_real(cuda):
        assert y.tolist() == [10.0] * 4
    else:
        assert made._graph.launches == 1 and made._graph.mode == 0
    assert made.pool()[1] > 0 and made.raw_cuda_graph_exec() != 0
    with pytest.raises(RuntimeError, match="initialized with keep_graph=true"):
        made.raw_cuda_graph()
    made.reset()
    with pytest.raises(RuntimeError, match="without a preceding successful capture"):
        made.replay()


def test_pools_are_shared_by_name() -> None:
    """Graphs with the same handle take memory of one pool; it is counted apart."""
    handle = torch.cuda.graph_pool_handle()
    first, second = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
    kept = []
    for made in (first, second):
        with torch.cuda.graph(made, pool=handle, capture_error_mode="relaxed"):
            kept.append(torch.zeros(1000, device="cuda"))
    assert first.pool() == second.pool() == handle
    (entry,) = torch.cuda.memory_snapshot(handle)
    assert entry["segment_pool_id"] == handle and entry["allocated_size"] >= 8000
    with pytest.raises(RuntimeError, match="Unknown capture error mode"):
        torch.cuda.graph(first, capture_error_mode="none").__enter__()
    torch.cuda.set_stream(torch.cuda.default_stream())


def test_a_pool_of_ones_own() -> None:
    """Tensors made inside hold memory of it."""
    pool = torch.cuda.MemPool()
    with torch.cuda.use_mem_pool(pool):
        x = torch.zeros(1000, device="cuda")
    y = torch.zeros(1000, device="cuda")
    (entry,) = pool.snapshot()
    assert entry["allocated_size"] == 4096 and pool.use_count() == 2 and y.numel() == 1000
    del x
    assert pool.snapshot()[0]["allocated_size"] == 0 and pool.use_count() == 1
    every = torch.cuda.memory_snapshot()
    assert {entry["segment_pool_id"] for entry in every} >= {(0, 0), pool.id}


def test_graphed_modules(cuda: ModuleType) -> None:
    """What is returned computes as the module, gradients included."""
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 2).cuda()
    x = torch.ones(4, 3, device="cuda", requires_grad=True)
    net(x).sum().backward()
    expected = net.weight.grad.tolist(), x.grad.tolist()
    net.weight.grad = x.grad = None
    sample = torch.ones(4, 3, device="cuda", requires_grad=True)
    graphed = torch.cuda.make_graphed_callables(net, (sample,))
    assert graphed is net
    out = net(x)
    assert out.shape == (4, 2) and out.requires_grad
    out.sum().backward()
    if _is_real(cuda):
        assert (net.weight.grad.tolist(), x.grad.tolist()) == expected
    assert net.weight.grad.shape == net.weight.shape and x.grad.shape == x.shape


def test_events_of_other_processes() -> None:
    """A handle of bytes opens the same event."""
    event = torch.cuda.Event(interprocess=True)
    handle = event.ipc_handle()
    assert isinstance(handle, bytes) and len(handle) == 64
    if event.cuda_event:
        other = torch.cuda.Event.from_ipc_handle(0, handle)
        other.record()
        other.synchronize()
        assert other.query() and other.cuda_event


def _places() -> list[int]:
    return list(range(torch.cuda.device_count()))


def test_copies_between_devices() -> None:
    """Broadcast, scatter, gather and sums."""
    comm, places = torch.cuda.comm, _places()
    x = torch.arange(4.0)
    copies = comm.broadcast(x, places)
    assert [c.device.index for c in copies] == places
    assert all(c.tolist() == x.tolist() for c in copies)
    pieces = comm.scatter(x, places, chunk_sizes=[4 - len(places) + 1, *[1] * (len(places) - 1)])
    assert comm.gather(pieces, destination="cpu").tolist() == x.tolist()
    assert comm.gather(pieces, out=torch.zeros(4)).tolist() == x.tolist()
    total = comm.reduce_add(copies, 0)
    assert total.device.index == 0 and total.tolist() == (x * len(places)).tolist()
    sums = comm.reduce_add_coalesced([copies, copies], 0)
    assert sums[0].tolist() == [0.0, 2.0, 4.0, 6.0]
    lists = comm.broadcast_coalesced([x, x + 1], places)
    assert [[t.tolist() for t in one] for one in lists] == [[x.tolist(), (x + 1).tolist()]] * len(
        places
    )
    with pytest.raises(RuntimeError, match="Exactly one of 'devices' and 'out'"):
        comm.broadcast(x)
    with pytest.raises(ValueError, match="the same shape as 4"):
        comm.reduce_add([copies[0], copies[0][:2]])


@pytest.mark.parametrize(("op", "value"), [(0, 6.0), (1, 8.0), (2, 4.0), (3, 2.0), (4, 3.0)])
def test_reductions_over_devices(op: int, value: float) -> None:
    """Sum, product, maximum, minimum and average of a tensor on each of two devices."""
    nccl = torch.cuda.nccl
    last = torch.cuda.device_count() - 1
    tensors = [torch.full((2,), 2.0).cuda(0), torch.full((2,), 4.0).cuda(last)]
    out = torch.zeros(2).cuda(last)
    nccl.reduce(tensors, out, op=op)
    assert out.tolist() == [value] * 2
    parts = [torch.zeros(1).cuda(0), torch.zeros(1).cuda(last)]
    nccl.reduce_scatter(tensors, parts, op=op)
    assert [p.item() for p in parts] == [value] * 2
    whole = [torch.zeros(4).cuda(0), torch.zeros(4).cuda(last)]
    nccl.all_gather(tensors, whole)
    assert whole[1].tolist() == [2.0, 2.0, 4.0, 4.0]
    nccl.all_reduce(tensors, op=op)
    assert [t.tolist() for t in tensors] == [[value] * 2] * 2
    tensors[1] = torch.zeros(2).cuda(last)
    nccl.broadcast(tensors, root=1)
    assert tensors[0].tolist() == [0.0, 0.0]
    with pytest.raises(TypeError, match="should be a collection of tensors"):
        nccl.all_reduce(tensors[0])


class _Management(ModuleType):
    """A double of NVIDIA's management library."""

    NVML_TEMPERATURE_GPU, NVML_CLOCK_SM = 0, 1

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByPciBusId(self, place: bytes) -> str:
        return place.decode()

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> Any:
        return SimpleNamespace(gpu=30, memory=20)

    def nvmlDeviceGetTemperature(self, handle: str, sensor: int) -> int:
        return 50 + sensor

    def nvmlDeviceGetPowerUsage(self, handle: str) -> int:
        return 70000

    def nvmlDeviceGetClockInfo(self, handle: str, clock: int) -> int:
        return 1000 + clock

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Any]:
        return [SimpleNamespace(pid=42, usedGpuMemory=3 << 20)]


def test_how_a_device_is_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the management library; an error, or a hint, says that it is missing."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ModuleNotFoundError, match="nvidia-ml-py does not seem to be installed"):
        torch.cuda.utilization()
    assert "please install nvidia-ml-py" in torch.cuda.list_gpu_processes()
    monkeypatch.setitem(sys.modules, "pynvml", _Management("pynvml"))
    assert torch.cuda.utilization() == 30 and torch.cuda.memory_usage(0) == 20
    assert torch.cuda.temperature() == 50 and torch.cuda.clock_rate() == 1001
    assert torch.cuda.power_draw() == 70000
    assert "process         42 uses        3.000 MB GPU memory" in torch.cuda.list_gpu_processes()
