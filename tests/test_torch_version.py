"""Versions order as PEP 440 says, against text and tuples."""

from __future__ import annotations

import pytest

from flambeau.torch_version import TorchVersion, __version__

ASCENDING = [
    "1.0.dev3",
    "1.0a1.dev2",
    "1.0a1",
    "1.0rc1",
    "1.0",
    "1.0+cpu",
    "1.0+cpu.2",
    "1.0+1",
    "1.0.post2.dev1",
    "1.0.post2",
    "1.1",
    "1.10",
]


def test_order() -> None:
    for place, text in enumerate(ASCENDING):
        for other_place, other in enumerate(ASCENDING):
            ours = TorchVersion(text)
            assert (ours < other) == (place < other_place)
            assert (ours == other) == (place == other_place)
            assert (ours >= other) == (place >= other_place)


def test_tuples_and_odd_text() -> None:
    assert TorchVersion("2.13.0") == (2, 13, 0) == TorchVersion("2.13")
    assert TorchVersion("2.13.0") > (2, 8) and TorchVersion("2.13.0") < (3,)
    assert TorchVersion("2.13.0") < "parrot"
    assert TorchVersion("2.13.0") != 5
    with pytest.raises(TypeError):
        TorchVersion("2.13.0") > 5  # noqa: B015


def test_the_version_of_the_interface() -> None:
    assert __version__.startswith("2.13") and __version__ > "2.12"
    assert hash(__version__) == hash(str(__version__))
