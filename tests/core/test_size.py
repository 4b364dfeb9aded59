"""``Size``: a tuple of ints that stays one."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy
import pytest

from flambeau.core.size import Size


class Index:
    """What a tensor of one integer offers."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def test_construction() -> None:
    assert repr(Size()) == "torch.Size([])" and repr(Size([2, 3])) == "torch.Size([2, 3])"
    assert Size(x for x in (1, 2)) == (1, 2) and hash(Size([1, 2])) == hash((1, 2))
    assert repr(Size([True, Index(3)])) == "torch.Size([1, 3])"
    assert type(Size([numpy.int64(3)])[0]) is numpy.int64
    assert isinstance(Size([2]), tuple) and f"{Size([2])}" == "torch.Size([2])"


def test_results_stay_sizes() -> None:
    size = Size([1, 2, 3])
    for found, expected in [
        (size[1:], (2, 3)),
        (size + (4,), (1, 2, 3, 4)),
        ((4,) + size, (4, 1, 2, 3)),
        (size + Size([5]), (1, 2, 3, 5)),
        (Size([2]) * 2, (2, 2)),
        (2 * Size([2]), (2, 2)),
    ]:
        assert type(found) is Size and found == expected
    assert size[0] == 1 and type(size[0]) is int and size[-1] == 3


def test_numel() -> None:
    assert [Size(s).numel() for s in ([], [2, 3], [0, 3])] == [1, 6, 0]


def test_copies() -> None:
    size = Size([2, 3])
    for twin in (copy.copy(size), copy.deepcopy(size), pickle.loads(pickle.dumps(size))):
        assert type(twin) is Size and twin == size


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: Size([1, 2.0]), "torch.Size() takes an iterable of 'int' (item 1 is 'float')"),
        (lambda: Size("ab"), "torch.Size() takes an iterable of 'int' (item 0 is 'str')"),
        (lambda: Size([None]), "torch.Size() takes an iterable of 'int' (item 0 is 'NoneType')"),
        (lambda: Size([2]) + ("x",), "torch.Size() takes an iterable of 'int' (item 1 is 'str')"),
        (lambda: Size(3), "'int' object is not iterable"),
        (lambda: Size([2]) + [3], "can only concatenate tuple (not list) to torch.Size"),
    ],
)
def test_errors(run: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        run()
    assert str(caught.value) == message
