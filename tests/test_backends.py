"""``torch.backends``: what computes, and settings that programs make."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import flambeau as torch
from flambeau.nn.attention import SDPBackend, _cur_sdpa_kernel_backends
from flambeau.ops.einsum import planning

B = torch.backends


def test_libraries_that_do_not_compute_say_so() -> None:
    absent = (B.mps.is_available, B.mps.is_built, B.cudnn.is_available, B.mkldnn.is_available,
              B.mkldnn.is_acl_available, B.nnpack.is_available, B.openmp.is_available,
              B.cuda.is_flash_attention_available, B.cuda.is_ck_sdpa_available)  # fmt: skip
    assert [ask() for ask in absent] == [False] * len(absent)
    assert B.cudnn.version() is None and not B.cudnn.is_acceptable(torch.ones(1))
    assert isinstance(B.mkl.is_available(), bool) and isinstance(B.cuda.is_built(), bool)
    for ask in (B.mps.is_macos13_or_newer, B.mps.get_name, B.mps.get_core_count):
        with pytest.raises(RuntimeError, match="without MPS backend"):
            ask()
    known = torch.cpu.get_capabilities()
    assert (B.cpu.get_cpu_capability() == "AVX512") == bool(known.get("avx512_vl"))


@pytest.mark.parametrize(
    ("module", "name", "value", "wrong", "message"),
    [
        (B.cudnn, "benchmark", True, 3, "set_benchmark_cudnn expects a bool, but got int"),
        (B.cudnn, "benchmark_limit", 5, "x", "set_benchmark_limit_cudnn expects a int, but got"),
        (B.mkldnn, "enabled", False, "x", "set_enabled_mkldnn expects a bool, but got str"),
        (B.nnpack, "enabled", False, None, "set_enabled_nnpack expects a bool, but got NoneType"),
    ],
)
def test_settings_are_kept_and_checked(
    module: Any, name: str, value: Any, wrong: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, value)
    assert getattr(module, name) == value
    with pytest.raises(RuntimeError, match=message):
        setattr(module, name, wrong)


def test_settings_for_a_while() -> None:
    with B.cudnn.flags(enabled=False, benchmark=True):
        assert (B.cudnn.enabled, B.cudnn.benchmark) == (False, True)
    assert (B.cudnn.enabled, B.cudnn.benchmark) == (True, False)
    assert B.cudnn.set_flags(_deterministic=True)[3] is False
    assert B.cudnn.set_flags(_deterministic=False)[3] is True
    with B.mkldnn.flags(), B.nnpack.flags(enabled=False):
        assert not (B.mkldnn.enabled or B.nnpack.enabled)
    assert B.mkldnn.set_flags(True) == (True, False, True, "none")
    assert B.nnpack.set_flags(True) == (True,)
    with B.mkl.verbose(B.mkl.VERBOSE_ON) as mkl, B.mkldnn.verbose(B.mkldnn.VERBOSE_OFF) as dnn:
        assert (mkl.enable, dnn.level) == (1, 0)
    assert B.mha.get_fastpath_enabled()
    B.mha.set_fastpath_enabled(False)
    assert not B.mha.get_fastpath_enabled()
    B.mha.set_fastpath_enabled(True)


def test_products_on_cuda() -> None:
    matmul = B.cuda.matmul
    assert not matmul.allow_tf32
    matmul.allow_tf32 = True
    assert torch.get_float32_matmul_precision() == "high" and matmul.allow_tf32
    torch.set_float32_matmul_precision("highest")
    assert not matmul.allow_tf32
    matmul.allow_fp16_accumulation = True
    assert matmul.allow_fp16_accumulation
    matmul.allow_fp16_accumulation = False
    with pytest.raises(RuntimeError, match="Unknown precision: x"):
        matmul.fp32_precision = "x"
    for use in (lambda: matmul.nothing, lambda: setattr(matmul, "nothing", 1)):
        with pytest.raises(AttributeError, match="Unknown attribute nothing"):
            use()


def test_libraries_to_prefer() -> None:
    prefer = B.cuda.preferred_linalg_library
    assert prefer().name == "Default" and prefer("cusolver").name == "Cusolver"
    assert prefer(type(prefer()).Default).name == "Default"
    assert B.cuda.preferred_blas_library("cublaslt").name == "Cublaslt"
    assert B.cuda.preferred_blas_library("cublas") is B.cuda.preferred_blas_library()
    assert B.cuda.preferred_rocm_fa_library().name == "Default"
    with pytest.raises(RuntimeError, match="Choose from: default, cusolver, magma"):
        prefer("x")
    with pytest.raises(RuntimeError, match="Unknown input value type"):
        prefer(3)
    assert B.cuda.cublas_workspace_size(64) == B.cuda.blas_workspace_size() == 64
    assert B.cuda.cublaslt_workspace_size() == 0
    with pytest.raises(RuntimeError, match="Choose from: cublas, cublaslt"):
        B.cuda.blas_workspace_size(1, "x")


def test_implementations_of_attention() -> None:
    names = {"flash": SDPBackend.FLASH_ATTENTION, "math": SDPBackend.MATH,
             "mem_efficient": SDPBackend.EFFICIENT_ATTENTION,
             "cudnn": SDPBackend.CUDNN_ATTENTION}  # fmt: skip
    for name, backend in names.items():
        enable, enabled = (
            getattr(B.cuda, n) for n in (f"enable_{name}_sdp", f"{name}_sdp_enabled")
        )
        enable(False)
        assert not enabled() and backend not in _cur_sdpa_kernel_backends()
        enable(True)
        assert enabled() and _cur_sdpa_kernel_backends().count(backend) == 1
    with pytest.warns(FutureWarning, match="sdp_kernel"), B.cuda.sdp_kernel(enable_flash=False):
        assert not B.cuda.flash_sdp_enabled() and B.cuda.math_sdp_enabled()
    assert B.cuda.flash_sdp_enabled()
    B.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    assert B.cuda.fp16_bf16_reduction_math_sdp_allowed()
    B.cuda.allow_fp16_bf16_reduction_math_sdp(False)
    x = torch.ones(1, 1, 2, 2)
    params = B.cuda.SDPAParams(x, x, x, None, 0.0, False, False)
    assert params.query is x and params.enable_gqa is False
    for name in ("flash", "efficient", "cudnn"):
        ask = getattr(B.cuda, f"can_use_{name}_attention")
        assert not ask(params)
        with pytest.warns(UserWarning, match="is not part of Flambeau"):
            ask(params, debug=True)


def test_plans_of_fourier_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"current": 3, "most": 16}
    plans = SimpleNamespace(
        get_curr_size=lambda: sizes["current"],
        get_size=lambda: sizes["most"],
        set_size=lambda n: sizes.update(most=n),
        clear=lambda: sizes.update(current=0),
    )
    monkeypatch.setattr(B.cuda, "_plans", lambda index: plans)
    monkeypatch.setattr(B.cuda, "cupy", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    cache = B.cuda.cufft_plan_cache
    assert (cache.size, cache.max_size, cache[0].max_size) == (3, 16, 16)
    cache.max_size = 4
    cache["cuda:0"].clear()
    assert sizes == {"current": 0, "most": 4}
    with pytest.raises(RuntimeError, match="size is a read-only property"):
        cache[0].size = 3
    with pytest.raises(RuntimeError, match="expected 0 <= device index < 1, but got device with"):
        cache[1]


def test_the_order_of_einsum(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def contract_path(equation: str, *shapes: Any, optimize: str, **options: Any) -> Any:
        asked.append(optimize)
        return [(0, 1), (0, 1)], None

    stand_in = ModuleType("opt_einsum")
    stand_in.contract_path = contract_path
    stand_in.__spec__ = SimpleNamespace(name="opt_einsum")
    einsum = B.opt_einsum
    monkeypatch.setattr(einsum, "find_spec", lambda name: None)
    assert not (einsum.is_available() or einsum.enabled)
    assert einsum.strategy is einsum.get_opt_einsum() is None
    with pytest.raises(ValueError, match="opt_einsum is not available"):
        einsum.enabled = True
    monkeypatch.setattr(einsum, "find_spec", lambda name: stand_in)
    monkeypatch.setitem(sys.modules, "opt_einsum", stand_in)
    assert einsum.enabled and einsum.strategy == "auto" and einsum.get_opt_einsum() is stand_in
    x = torch.ones(2, 2)
    with einsum.flags(strategy="greedy"):
        torch.einsum("ij,jk,kl", x, x, x)
    with einsum.flags(enabled=False):
        torch.einsum("ij,jk,kl", x, x, x)
    assert asked == ["greedy"] and planning == {"enabled": True, "strategy": "auto"}
    with pytest.raises(ValueError, match="`strategy` must be one of the following"):
        einsum.strategy = "x"
    with pytest.raises(RuntimeError, match="set_enabled_opt_einsum expects a bool"):
        einsum.enabled = 3
