"""The findings as text."""

from __future__ import annotations

import linecache
import os
import platform
import sys
from typing import Any

import numpy

from flambeau import cuda, version
from flambeau.autograd.profiling.events import format_time
from flambeau.kernels.select import numba_available
from flambeau.settings import get_num_threads
from flambeau.utils.bottleneck.findings import Findings

_MUCH = 0.3  # a share of the time that is worth a sentence
_NOTABLE = 0.2  # seconds
_TINY = 20.0  # microseconds: operators that take less are mostly overhead


def environment() -> str:
    """Versions, threads and devices."""
    device = cuda.get_device_name() if cuda.is_available() else "no CUDA device"
    kernels = "compiled kernels" if numba_available() else "NumPy kernels (Numba is missing)"
    return (
        f"Flambeau {version.release}, Python {platform.python_version()}, NumPy "
        f"{numpy.__version__}, {kernels}, {get_num_threads()} of {os.cpu_count()} threads, "
        f"{device}, {platform.system()} {platform.machine()}"
    )


def report(found: Findings, rows: int = 8) -> str:
    """One screen: environment, operators, lines, functions, verdict."""
    sections = [
        ("Environment", environment()),
        (f"Operators of {found.program}: {found.calls} calls", _operators(found, rows)),
        ("Lines by the time of their operators, gradients included", _lines(found, rows)),
        ("Functions of Python by their own time", _functions(found, rows)),
        ("Verdict", verdict(found)),
    ]
    return "\n\n".join([f"== {title} ==\n{text}" for title, text in sections])


def _operators(found: Findings, rows: int) -> str:
    averages = found.events.key_averages()
    if not averages:
        return "none"
    total = sum([a.self_cpu_time_total for a in averages]) or 1.0
    averages.sort(key=lambda a: -a.self_cpu_time_total)
    lines = [f"{'self':>11} {'share':>6} {'calls':>7} {'mean':>11}  name"]
    for a in averages[:rows]:
        lines.append(
            f"{format_time(a.self_cpu_time_total):>11} {a.self_cpu_time_total / total:>6.1%} "
            f"{a.count:>7} {format_time(a.cpu_time):>11}  {a.key}"
        )
    return "\n".join(lines)


def _lines(found: Findings, rows: int) -> str:
    total = sum(found.lines.values()) or 1.0
    lines = []
    for place, time in found.lines.most_common(rows):
        lines.append(f"{format_time(time):>11} {time / total:>6.1%}  {_shown(place)}")
    return "\n".join(lines) or "none"


def _shown(place: str) -> str:
    """``train.py(12): step  `loss.backward()` ``."""
    path, _, rest = place.partition("(")
    number = rest.partition(")")[0]
    text = linecache.getline(path, int(number)).strip() if number.isdigit() else ""
    return f"{os.path.basename(path)}({rest}" + (f"  `{text[:60]}`" if text else "")


def _functions(found: Findings, rows: int) -> str:
    stats: Any = found.stats.stats  # type: ignore[attr-defined]
    slowest = sorted(stats.items(), key=lambda item: -item[1][2])[:rows]
    lines = []
    for (path, number, name), (_, calls, own, total, _) in slowest:
        place = f"{_tail(path)}:{number} {name}" if number else name
        lines.append(f"{own:>10.3f}s {calls:>8} calls {total:>9.3f}s with callees  {place}")
    return "\n".join(lines)


def _tail(path: str) -> str:
    return os.sep.join(path.split(os.sep)[-3:])


def verdict(found: Findings) -> str:
    """Where the time goes, in words, and what may help."""
    said = []
    operators = min(found.operators / max(found.wall, 1e-9), 1.0)
    if found.loading_share >= _MUCH:
        said.append(
            f"Data loading: the program waits for its DataLoader {found.loading_share:.0%} of the "
            "time. Try num_workers, or cheaper transforms."
        )
    if operators >= _MUCH:
        said.append(_on_operators(found, operators))
    elsewhere = 1.0 - operators - found.loading_share
    if elsewhere >= _MUCH:
        said.append(
            f"Python: {elsewhere:.0%} of the time is spent outside operators and data loading "
            "(imports included). The functions above tell where."
        )
    if found.first_uses >= _NOTABLE:
        said.append(
            f"First use: loading or compiling kernels took {found.first_uses:.1f} s beside that, "
            "once per process; compiled code is kept on disk."
        )
    if found.on_device:
        busy = found.on_device / max(found.wall, 1e-9)
        said.append(
            f"CUDA: kernels keep the device busy {busy:.0%} of the time"
            + ("; the host does not keep up." if busy < 0.5 else ".")
        )
    return "\n".join(said) or "Nothing stands out: the time is spread evenly."


def _on_operators(found: Findings, share: float) -> str:
    averages = found.events.key_averages()
    top = max(averages, key=lambda a: a.self_cpu_time_total)
    own = top.self_cpu_time_total / max(found.events.self_cpu_time_total, 1e-9)
    place, time = found.lines.most_common(1)[0]
    mean = 1e6 * found.operators / max(found.calls, 1)
    line = f"The line that costs most is {_shown(place)} ({format_time(time)})."
    if mean < _TINY:
        return (
            f"Overhead: operators take {share:.0%} of the time, but {mean:.1f} us each on average: "
            f"many small calls. Larger batches, or fewer and larger operators, help most. {line}"
        )
    return (
        f"Kernels: operators take {share:.0%} of the time, {top.key} alone {own:.0%} of that in "
        f"{top.count} calls. {line}"
    )


def printed(found: Findings, rows: int) -> None:
    """Prints the report."""
    sys.stdout.write(report(found, rows) + "\n")
