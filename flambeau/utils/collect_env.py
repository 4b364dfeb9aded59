"""``python -m flambeau.utils.collect_env``: what a report of a fault should say of the machine.

Functions take ``run_lambda``, usually :func:`run`: it carries out a command and gives its return
code, output and errors. What cannot be found out is None.
"""

from __future__ import annotations

import locale
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Collection
from importlib.metadata import distributions
from typing import NamedTuple

import flambeau
from flambeau.cuda.library import found
from flambeau.version import __version__ as api_version

Run = Callable[[str], tuple[int, str, str]]
DEFAULT_PIP_PATTERNS = {
    "cupy", "flambeau", "mpi4py", "ml_dtypes", "numba", "numpy", "onnx", "opt_einsum", "scipy",
    "torch",
}  # fmt: skip
DEFAULT_CONDA_PATTERNS = {*DEFAULT_PIP_PATTERNS, "blas", "cudatoolkit", "libopenblas", "mkl"}


class SystemEnv(NamedTuple):
    """What is known of the machine and its software."""

    torch_version: str | None
    is_debug_build: str | None
    cuda_compiled_version: str | None
    gcc_version: str | None
    clang_version: str | None
    cmake_version: str | None
    os: str | None
    libc_version: str | None
    python_version: str | None
    python_platform: str | None
    is_cuda_available: str | None
    cuda_runtime_version: str | None
    cuda_module_loading: str | None
    nvidia_driver_version: str | None
    nvidia_gpu_models: str | None
    cudnn_version: str | None
    is_xpu_available: str | None
    pip_version: str | None
    pip_packages: str | None
    conda_packages: str | None
    hip_compiled_version: str | None
    hip_runtime_version: str | None
    miopen_runtime_version: str | None
    caching_allocator_config: str | None
    is_xnnpack_available: str | None
    cpu_info: str | None


# ---- commands


def run(command: str | list[str]) -> tuple[int, str, str]:
    """Carries out a command: its return code (127: no such command), output and errors."""
    shell = isinstance(command, str)
    try:
        done = subprocess.run(command, capture_output=True, shell=shell, check=False)
    except FileNotFoundError:
        return 127, "", "Command not found"
    encoding = locale.getpreferredencoding()
    output, errors = (
        text.decode(encoding, "replace").strip() for text in (done.stdout, done.stderr)
    )
    return done.returncode, output, errors


def run_and_read_all(run_lambda: Run, command: str) -> str | None:
    """The output of a command, None if it fails."""
    code, output, _ = run_lambda(command)
    return output if code == 0 else None


def run_and_return_first_line(run_lambda: Run, command: str) -> str | None:
    """The first line that a command writes, None if it fails."""
    output = run_and_read_all(run_lambda, command)
    return None if output is None else output.split("\n")[0]


def run_and_parse_first_match(run_lambda: Run, command: str, regex: str) -> str | None:
    """The first group of a regular expression in what a command writes."""
    output = run_and_read_all(run_lambda, command)
    match = None if output is None else re.search(regex, output)
    return None if match is None else match.group(1)


# ---- compilers and the system


def get_gcc_version(run_lambda: Run) -> str | None:
    """The version of gcc."""
    return run_and_parse_first_match(run_lambda, "gcc --version", r"gcc (.*)")


def get_clang_version(run_lambda: Run) -> str | None:
    """The version of clang."""
    return run_and_parse_first_match(run_lambda, "clang --version", r"clang version (.*)")


def get_cmake_version(run_lambda: Run) -> str | None:
    """The version of cmake."""
    return run_and_parse_first_match(run_lambda, "cmake --version", r"cmake (.*)")


def get_platform() -> str:
    """``"linux"``, ``"win32"``, ``"cygwin"`` or ``"darwin"``, or Python's name of another one."""
    names = ("linux", "win32", "cygwin", "darwin")
    return next((name for name in names if sys.platform.startswith(name)), sys.platform)


def get_mac_version(run_lambda: Run) -> str | None:
    """The version of macOS."""
    return run_and_parse_first_match(run_lambda, "sw_vers -productVersion", r"(.*)")


def get_windows_version(run_lambda: Run) -> str | None:
    """The name and version of Windows."""
    command = "powershell.exe -NoProfile (Get-CimInstance Win32_OperatingSystem).Caption"
    return run_and_read_all(run_lambda, command)


def get_lsb_version(run_lambda: Run) -> str | None:
    """What ``lsb_release`` says of a Linux distribution."""
    return run_and_parse_first_match(run_lambda, "lsb_release -a", r"Description:\t(.*)")


def check_release_file(run_lambda: Run) -> str | None:
    """What the release file says of a Linux distribution."""
    return run_and_parse_first_match(run_lambda, "cat /etc/*-release", r'PRETTY_NAME="(.*)"')


def get_os(run_lambda: Run) -> str | None:
    """The operating system, its version and the machine's architecture."""
    kind, machine = get_platform(), platform.machine()
    if kind in ("win32", "cygwin"):
        return get_windows_version(run_lambda)
    if kind == "darwin":
        version = get_mac_version(run_lambda)
        return None if version is None else f"macOS {version} ({machine})"
    if kind == "linux":
        kind = get_lsb_version(run_lambda) or check_release_file(run_lambda) or kind
    return f"{kind} ({machine})"


def get_python_platform() -> str:
    """What Python says of the platform."""
    return platform.platform()


def get_libc_version() -> str:
    """The C library, ``"N/A"`` outside Linux."""
    return "-".join(platform.libc_ver()) if get_platform() == "linux" else "N/A"


_CPU_COMMANDS = {
    "linux": "lscpu",
    "win32": "powershell.exe -NoProfile Get-CimInstance Win32_Processor",
    "darwin": "sysctl -n machdep.cpu.brand_string",
}


def get_cpu_info(run_lambda: Run) -> str:
    """What the system tells of the processor."""
    command = _CPU_COMMANDS.get(get_platform())
    output = None if command is None else run_and_read_all(run_lambda, command)
    return platform.processor() if output is None else output


# ---- devices


def get_nvidia_smi() -> str:
    """The command that tells of NVIDIA's devices."""
    if get_platform() != "win32":
        return "nvidia-smi"
    roots = (os.environ.get(name, r"C:\\") for name in ("PROGRAMFILES", "SYSTEMROOT"))
    places = zip(roots, (r"NVIDIA Corporation\NVSMI", "System32"))
    paths = [os.path.join(root, place, "nvidia-smi.exe") for root, place in places]
    return next((f'"{path}"' for path in paths if os.path.exists(path)), "nvidia-smi")


def get_nvidia_driver_version(run_lambda: Run) -> str | None:
    """The version of NVIDIA's driver."""
    return run_and_parse_first_match(run_lambda, get_nvidia_smi(), r"Driver Version: (.*?) ")


def get_gpu_info(run_lambda: Run) -> str | None:
    """The names of NVIDIA's devices, one a line."""
    output = run_and_read_all(run_lambda, f"{get_nvidia_smi()} -L")
    return None if output is None else re.sub(r" \(UUID: .+?\)", "", output)


def get_running_cuda_version(run_lambda: Run) -> str | None:
    """The version of CUDA's compiler."""
    return run_and_parse_first_match(run_lambda, "nvcc --version", r"release .+ V(.*)")


def get_cudnn_version(run_lambda: Run) -> str | None:
    """The files of cuDNN that the system finds, one a line."""
    if get_platform() != "linux":
        return None
    output = run_and_read_all(run_lambda, "ldconfig -p | grep libcudnn | rev | cut -d' ' -f1 | rev")
    files = sorted({os.path.realpath(path) for path in (output or "").split()})
    return "\n".join(files) or None


def get_cuda_module_loading_config() -> str:
    """How CUDA loads kernels: ``$CUDA_MODULE_LOADING``."""
    available = flambeau.cuda.is_available()
    return os.environ.get("CUDA_MODULE_LOADING", "") if available else "N/A"


def get_intel_gpu_detected(run_lambda: Run) -> str:
    """Whether Intel's devices can be used: they cannot."""
    return "N/A"


def get_intel_gpu_onboard(run_lambda: Run) -> str:
    """Intel's devices, which are not looked for."""
    return "N/A"


def get_intel_gpu_driver_version(run_lambda: Run) -> str:
    """Intel's drivers, which are not looked for."""
    return "N/A"


# ---- packages


def get_linux_pkg_version(run_lambda: Run, pkg_name: str) -> str:
    """The version of a package of the system, ``"N/A"`` if it cannot be told."""
    command = f"dpkg-query -W -f='${{Version}}' {pkg_name} || rpm -q --qf '%{{VERSION}}' {pkg_name}"
    return run_and_read_all(run_lambda, command) or "N/A"


def get_pip_packages(run_lambda: Run, patterns: Collection[str] | None = None) -> tuple[str, str]:
    """The command's name, and the installed packages with one of the patterns in their names."""
    wanted = DEFAULT_PIP_PATTERNS if patterns is None else patterns
    packages = {d.metadata["Name"]: d.version for d in distributions()}
    chosen = [name for name in packages if name and any(part in name for part in wanted)]
    return "pip3", "\n".join([f"{name}=={packages[name]}" for name in sorted(chosen)])


def get_conda_packages(run_lambda: Run, patterns: Collection[str] | None = None) -> str | None:
    """The packages of conda with one of the patterns in their lines."""
    wanted = DEFAULT_CONDA_PATTERNS if patterns is None else patterns
    conda = os.environ.get("CONDA_EXE", "conda")
    output = run_and_read_all(run_lambda, f'"{conda}" list')
    if output is None:
        return None
    lines = [line for line in output.split("\n") if not line.startswith("#")]
    return "\n".join([line for line in lines if any(part in line for part in wanted)])


def get_cachingallocator_config() -> dict[str, str]:
    """The environment variables that settle how memory is kept."""
    names = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
    return {name: os.environ[name] for name in names if name in os.environ}


def is_xnnpack_available() -> str:
    """Whether XNNPACK is used: no."""
    return "False"


# ---- the report


def get_env_info() -> SystemEnv:
    """All of it, by running commands."""
    pip, packages = get_pip_packages(run)
    cupy = found()
    version = sys.version.replace("\n", " ")
    config = get_cachingallocator_config()
    return SystemEnv(
        torch_version=api_version,
        is_debug_build="False",
        cuda_compiled_version=None if cupy is None else f"CuPy {cupy.__version__}",
        gcc_version=get_gcc_version(run),
        clang_version=get_clang_version(run),
        cmake_version=get_cmake_version(run),
        os=get_os(run),
        libc_version=get_libc_version(),
        python_version=f"{version} ({sys.maxsize.bit_length() + 1}-bit runtime)",
        python_platform=get_python_platform(),
        is_cuda_available=str(flambeau.cuda.is_available()),
        cuda_runtime_version=get_running_cuda_version(run),
        cuda_module_loading=get_cuda_module_loading_config(),
        nvidia_driver_version=get_nvidia_driver_version(run),
        nvidia_gpu_models=get_gpu_info(run),
        cudnn_version=get_cudnn_version(run),
        is_xpu_available="False",
        pip_version=pip,
        pip_packages=packages,
        conda_packages=get_conda_packages(run),
        hip_compiled_version="N/A",
        hip_runtime_version="N/A",
        miopen_runtime_version="N/A",
        caching_allocator_config="\n".join([f"{k}:{v}" for k, v in config.items()]) or "N/A",
        is_xnnpack_available=is_xnnpack_available(),
        cpu_info=get_cpu_info(run),
    )


_REPORT = """
PyTorch version: {torch_version}
Is debug build: {is_debug_build}
CUDA used to build PyTorch: {cuda_compiled_version}
ROCM used to build PyTorch: {hip_compiled_version}

OS: {os}
GCC version: {gcc_version}
Clang version: {clang_version}
CMake version: {cmake_version}
Libc version: {libc_version}

Python version: {python_version}
Python platform: {python_platform}
Is CUDA available: {is_cuda_available}
CUDA runtime version: {cuda_runtime_version}
CUDA_MODULE_LOADING set to: {cuda_module_loading}
GPU models and configuration: {nvidia_gpu_models}
Nvidia driver version: {nvidia_driver_version}
cuDNN version: {cudnn_version}
Is XPU available: {is_xpu_available}
HIP runtime version: {hip_runtime_version}
MIOpen runtime version: {miopen_runtime_version}
Is XNNPACK available: {is_xnnpack_available}
Caching allocator config: {caching_allocator_config}

CPU:
{cpu_info}

Versions of relevant libraries:
{pip_packages}
{conda_packages}
"""


def pretty_str(envinfo: SystemEnv) -> str:
    """The report; what is None could not be collected."""
    known = {k: "Could not collect" if v is None else v for k, v in envinfo._asdict().items()}
    for name, prefix in (("pip_packages", envinfo.pip_version), ("conda_packages", "conda")):
        if getattr(envinfo, name):
            known[name] = "\n".join([f"[{prefix}] {line}" for line in known[name].split("\n")])
        else:
            known[name] = f"[{prefix}] {known[name] or 'No relevant packages'}"
    for name in ("nvidia_gpu_models", "cudnn_version"):
        if "\n" in known[name]:
            known[name] = "\n" + known[name]
    return _REPORT.strip().format(**known)


def get_pretty_env_info() -> str:
    """The report on this machine."""
    return pretty_str(get_env_info())


def main() -> None:
    """Writes the report on this machine."""
    print("Collecting environment information...")
    print(get_pretty_env_info())


if __name__ == "__main__":
    main()
