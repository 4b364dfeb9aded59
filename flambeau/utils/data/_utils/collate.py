"""Batches from samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy

from flambeau.core.dtype import float64
from flambeau.core.tensor import Tensor
from flambeau.ops.from_data import as_tensor, tensor
from flambeau.ops.joining import stack

Collate = Callable[..., Any]
_ERROR = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers in nested dicts, lists and tuples as tensors; the rest as it is."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (numpy.ndarray, numpy.generic)):
        return data if data.dtype.kind in "SUaO" else as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuilt_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(one) for one in data))
    if isinstance(data, tuple):
        return [default_convert(one) for one in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt_sequence(data, [default_convert(one) for one in data])
    return data


def _rebuilt_mapping(like: Any, made: dict[Any, Any]) -> Any:
    """A mapping of the class of another, or a dict where that class cannot be made."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(made)
            return clone
        return type(like)(made)
    except TypeError:
        return made


def _rebuilt_sequence(like: Any, made: list[Any]) -> Any:
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for index, value in enumerate(made):
                clone[index] = value
            return clone
        return type(like)(made)
    except TypeError:  # such as range
        return made


def collate(batch: Any, *, collate_fn_map: dict[Any, Collate] | None = None) -> Any:
    """A batch from samples, by a table of functions for the types of their elements.

    Each function is called as ``function(batch, collate_fn_map=table)``. Dicts, named tuples,
    tuples and lists are taken apart and put together again.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        if kind in collate_fn_map:
            return collate_fn_map[kind](batch, collate_fn_map=collate_fn_map)
        for known, function in collate_fn_map.items():
            if isinstance(first, known):
                return function(batch, collate_fn_map=collate_fn_map)

    def inner(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuilt_mapping(
            first, {key: inner([sample[key] for sample in batch]) for key in first}
        )
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*(inner(samples) for samples in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        return _collate_sequences(batch, inner)
    raise TypeError(_ERROR.format(kind))


def _collate_sequences(batch: Any, inner: Callable[[Any], Any]) -> Any:
    first = batch[0]
    if any(len(sample) != len(first) for sample in batch):
        raise RuntimeError("each element in list of batch should be of equal size")
    columns = [inner(list(samples)) for samples in zip(*batch, strict=True)]
    return columns if isinstance(first, tuple) else _rebuilt_sequence(first, columns)


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Tensors stacked along a new first dimension."""
    return stack(list(batch), 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """NumPy arrays stacked, as a tensor."""
    if batch[0].dtype.kind in "SUaO":
        raise TypeError(_ERROR.format(batch[0].dtype))
    return collate([as_tensor(one) for one in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """NumPy numbers as a tensor."""
    return as_tensor(numpy.asarray(batch))


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Floats as a float64 tensor."""
    return tensor(list(batch), dtype=float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Ints, or bools, as a tensor."""
    return tensor(list(batch))


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Strings as they are."""
    return batch


default_collate_fn_map: dict[Any, Collate] = {
    Tensor: collate_tensor_fn,
    numpy.ndarray: collate_numpy_array_fn,
    (numpy.bool_, numpy.number, numpy.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """A batch from samples: tensors, arrays and numbers become a tensor with one more dimension;
    dicts, tuples and lists keep their form; strings stay.

    >>> default_collate([{"a": 1}, {"a": 2}])
    {'a': tensor([1, 2])}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
