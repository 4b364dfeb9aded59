"""``flambeau.__version__``: text that compares as a version."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from flambeau import version

__all__ = ["TorchVersion"]

_VERSION = (
    r"v?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<phase>a|alpha|b|beta|c|rc|pre|preview)[-_.]?(?P<phase_number>\d*))?"
    r"(?:[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
_PHASES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_DEVELOPMENT, _PRE_RELEASE, _FINAL, _POST_RELEASE = range(4)


def _number(digits: str | None) -> int:
    return int(digits or 0)


def _stage(match: re.Match[str]) -> tuple[int, str, int, int, bool, int]:
    """Orders 1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0rc1 < 1.0 < 1.0.post1 (the rules of PEP 440)."""
    phase = (match["phase"] or "").lower()
    if phase:
        kind = _PRE_RELEASE
    elif match["post"]:
        kind = _POST_RELEASE
    else:
        kind = _DEVELOPMENT if match["dev"] else _FINAL
    post = _number(match["post_number"]) if match["post"] else -1
    number = _number(match["phase_number"])
    return (
        kind,
        _PHASES.get(phase, phase),
        number,
        post,
        not match["dev"],
        _number(match["dev_number"]),
    )


def _local(text: str | None) -> tuple[tuple[bool, int, str], ...]:
    """Local parts: numbers after words, each by value; no local part comes first."""
    parts = re.split(r"[-_.]", text.lower()) if text else []
    return tuple((p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts)


def _key(text: str) -> tuple[Any, ...] | None:
    """What versions are ordered by, or ``None`` for text that is not a version."""
    match = re.fullmatch(_VERSION, text.strip(), re.IGNORECASE)
    if match is None:
        return None
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    return tuple(release), _stage(match), _local(match["local"])


def _text(other: Any) -> str | None:
    """Version text of what a version may be compared with: text or numbers in a row."""
    if isinstance(other, str):
        return other
    if isinstance(other, Iterable):
        return ".".join(str(part) for part in other)
    return None if not hasattr(other, "release") else str(other)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[TorchVersion, Any], bool]:
    def method(self: TorchVersion, other: Any) -> bool:
        text = _text(other)
        if text is None:
            return NotImplemented
        mine, theirs = _key(str(self)), _key(text)
        if mine is None or theirs is None:
            return compare(str(self), text)
        return compare(mine, theirs)

    return method


class TorchVersion(str):
    """Version text that also compares with text, tuples and ``packaging`` versions.

    >>> TorchVersion("2.13.0+flambeau") >= (2, 8)
    True
    >>> TorchVersion("2.13.0") < "2.14.0a1"
    True

    Text that is no version is compared as text.
    """

    __slots__ = ()

    __eq__ = _comparison(operator.eq)
    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __hash__ = str.__hash__


__version__ = TorchVersion(version.__version__)
