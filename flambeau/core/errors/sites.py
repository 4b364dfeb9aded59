"""Sites: the line of the user's program that a call came from, kept as two cheap values."""

from __future__ import annotations

import linecache
import os
import traceback
from itertools import islice
from sys import _getframe
from types import CodeType, FrameType
from typing import Any

Site = tuple[CodeType, int]  # a code object and the offset of an instruction in it
_ours: dict[Any, bool] = {}  # by the __package__ of a module: whether it belongs to the library


def site() -> Site:
    """The innermost line outside the library, as a code object and an instruction."""
    frame: Any = _getframe(1)
    try:
        while _ours[frame.f_globals["__package__"]]:
            frame = frame.f_back
    except (KeyError, AttributeError):
        frame = _walk(frame)
    return frame.f_code, frame.f_lasti


def _walk(frame: FrameType | None) -> FrameType:
    """The rest of the way, for modules not met before; the outermost frame where all are ours."""
    outermost = _getframe(2)
    while frame is not None:
        outermost = frame
        package = frame.f_globals.get("__package__")
        ours = isinstance(package, str) and package.partition(".")[0] == "flambeau"
        if package is None or isinstance(package, str):
            _ours[package] = ours
        if not ours:
            break
        frame = frame.f_back
    return outermost


def outside() -> list[tuple[FrameType, int]]:
    """The frames outside the library and their lines, the innermost first."""
    return [
        (frame, line)
        for frame, line in traceback.walk_stack(_getframe(1))
        if str(frame.f_globals.get("__package__")).partition(".")[0] != "flambeau"
    ]


def describe_site(site: Site) -> str:
    """The file, line, function and text of a site: ``train.py:12 in step: `y = x.exp()` ``."""
    code, instruction = site
    line = next(islice(code.co_positions(), instruction // 2, None), (None,))[0]
    line = line or code.co_firstlineno
    text = linecache.getline(code.co_filename, line).strip()
    place = f"{_short(code.co_filename)}:{line} in {code.co_qualname}"
    return f"{place}: `{text}`" if text else place


def _short(path: str) -> str:
    """The path, relative when it lies below the current folder."""
    start = os.getcwd() + os.sep
    return path[len(start) :] if path.startswith(start) else path
