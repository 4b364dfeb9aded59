"""``torch.utils.collect_env``: what it makes of what commands write."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy
import pytest

from flambeau.utils import collect_env as C

SMI = "| NVIDIA-SMI 550.54   Driver Version: 550.54.15   CUDA Version: 12.4 |"


def writes(output: str, code: int = 0) -> C.Run:
    """A machine on which every command writes this."""
    return lambda command: (code, output, "")


def test_commands_are_carried_out() -> None:
    assert C.run([sys.executable, "-c", "print('yes')"]) == (0, "yes", "")
    code, output, errors = C.run([sys.executable, "-c", "import sys; sys.exit('no')"])
    assert (code, output, errors) == (1, "", "no")
    assert C.run(["no-such-command-anywhere"])[0] == 127
    assert C.run("echo shell")[1] == "shell"


def test_what_commands_write_is_read() -> None:
    assert C.run_and_read_all(writes("a\nb"), "x") == "a\nb"
    assert C.run_and_return_first_line(writes("a\nb"), "x") == "a"
    assert C.run_and_parse_first_match(writes("v 1.2 x"), "x", r"v (\S+)") == "1.2"
    failing = writes("a", code=1)
    assert C.run_and_read_all(failing, "x") is C.run_and_return_first_line(failing, "x") is None
    assert C.run_and_parse_first_match(failing, "x", "a") is None
    assert C.run_and_parse_first_match(writes("a"), "x", "(b)") is None


@pytest.mark.parametrize(
    ("ask", "output", "expected"),
    [
        (C.get_gcc_version, "gcc (Debian) 12.2.0\nCopyright", "(Debian) 12.2.0"),
        (C.get_clang_version, "Debian clang version 14.0.6\n", "14.0.6"),
        (C.get_cmake_version, "cmake version 3.25\n", "version 3.25"),
        (C.get_lsb_version, "Description:\tUbuntu 24.04", "Ubuntu 24.04"),
        (C.check_release_file, 'PRETTY_NAME="Debian 12"\nID=debian', "Debian 12"),
        (C.get_mac_version, "14.1", "14.1"),
        (C.get_nvidia_driver_version, SMI, "550.54.15"),
        (C.get_running_cuda_version, "release 12.4, V12.4.99", "12.4.99"),
        (C.get_gpu_info, "GPU 0: H100 (UUID: GPU-1a)\nGPU 1: H100 (UUID: GPU-2b)",
         "GPU 0: H100\nGPU 1: H100"),
        (C.get_conda_packages, "# comment\nnumpy 2.0 x\nother 1 y\n", "numpy 2.0 x"),
        (C.get_intel_gpu_detected, "", "N/A"),
        (C.get_intel_gpu_onboard, "", "N/A"),
        (C.get_intel_gpu_driver_version, "", "N/A"),
    ],
)  # fmt: skip
def test_versions(ask: Callable[[C.Run], str], output: str, expected: str) -> None:
    assert ask(writes(output)) == expected


@pytest.mark.parametrize(
    ("kind", "output", "expected"),
    [("darwin", "14.1", "macOS 14.1 ("), ("win32", "Windows 11", "Windows 11"),
     ("linux", "Description:\tUbuntu 24.04", "Ubuntu 24.04 ("), ("plan9", "", "plan9 (")],
)  # fmt: skip
def test_the_system(kind: str, output: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", kind)
    assert C.get_platform() == kind
    assert C.get_os(writes(output)).startswith(expected)
    assert C.get_cudnn_version(writes("")) is None
    assert C.get_cpu_info(writes("a processor")) or kind == "plan9"


def test_packages_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    name, packages = C.get_pip_packages(C.run)
    assert name == "pip3" and f"numpy=={numpy.__version__}" in packages.split("\n")
    assert C.get_pip_packages(C.run, ["no-such-package"])[1] == ""
    assert C.get_conda_packages(writes("", code=1)) is None
    assert C.get_linux_pkg_version(writes("1.2"), "x") == "1.2"
    assert C.get_linux_pkg_version(writes("", code=1), "x") == "N/A"
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "a:1")
    assert C.get_cachingallocator_config()["PYTORCH_ALLOC_CONF"] == "a:1"
    assert C.is_xnnpack_available() == "False"


def test_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(C, "run", writes("", code=1))
    monkeypatch.setattr(C, "get_gpu_info", lambda run: "one\ntwo")
    C.main()
    lines = capsys.readouterr().out.split("\n")
    assert lines[:2] == [
        "Collecting environment information...",
        f"PyTorch version: {C.api_version}",
    ]
    assert "GCC version: Could not collect" in lines and "Is debug build: False" in lines
    assert lines[lines.index("one") - 1] == "GPU models and configuration: "
    assert f"[pip3] numpy=={numpy.__version__}" in lines
    assert "[conda] Could not collect" in lines
