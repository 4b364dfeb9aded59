"""Sequences of different lengths: packed without padding, padded to one length, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flambeau.core.dtype import int64
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import full
from flambeau.ops.from_data import tensor
from flambeau.ops.sequences import arange

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

UNSORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
    "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
    "requirement if you do not need ONNX exportability."
)


class PackedSequence_(NamedTuple):  # noqa: N801 - the public name
    """The fields of a `PackedSequence`."""

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(PackedSequence_):
    """The steps of several sequences, one after the other, the longest sequence first.

    Made by `pack_padded_sequence` and `pack_sequence`; taken and returned by `nn.RNN` and others.

    Attributes:
        data: the steps: all first steps, then all second ones, ...
        batch_sizes: how many sequences have a first step, a second one, ...
        sorted_indices: where the sequences, from long to short, stand in the batch.
        unsorted_indices: the inverse.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Any:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is not None:
            if batch_sizes.device.type != "cpu":
                raise ValueError(
                    "batch_sizes should always be on CPU. Instances of PackedSequence should never "
                    "be created manually. They should be instantiated by functions like "
                    "pack_sequence and pack_padded_sequences in nn.utils.rnn. "
                    "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
                )
            return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)
        if not isinstance(data, (list, tuple)) or len(data) != 2:
            raise AssertionError("Expected data to be a list or tuple of length 2")
        return super().__new__(cls, data[0], data[1], sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences on another device, or in another dtype; see ``Tensor.to``."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        non_blocking = {
            key: value for key, value in kwargs.items() if key in ("non_blocking", "copy")
        }
        indices = (self.sorted_indices, self.unsorted_indices)
        moved = (None if one is None else one.to(data.device, **non_blocking) for one in indices)
        return type(self)(data, self.batch_sizes, *moved)

    def pin_memory(self) -> PackedSequence:
        """The sequences in page-locked memory."""
        indices = (self.sorted_indices, self.unsorted_indices)
        pinned = (None if one is None else one.pin_memory() for one in indices)
        return type(self)(self.data.pin_memory(), self.batch_sizes, *pinned)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences on a GPU."""
        wanted = tensor((), dtype=self.data.dtype, device=self.data.device).to(*args, **kwargs)
        return (
            self.to(*args, **kwargs) if wanted.is_cuda else self.to(*args, device="cuda", **kwargs)
        )

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The sequences on the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def double(self) -> PackedSequence:
        """The sequences in float64."""
        return self._as(self.data.double())

    def float(self) -> PackedSequence:
        """The sequences in float32."""
        return self._as(self.data.float())

    def half(self) -> PackedSequence:
        """The sequences in float16."""
        return self._as(self.data.half())

    def long(self) -> PackedSequence:
        """The sequences in int64."""
        return self._as(self.data.long())

    def int(self) -> PackedSequence:
        """The sequences in int32."""
        return self._as(self.data.int())

    def short(self) -> PackedSequence:
        """The sequences in int16."""
        return self._as(self.data.short())

    def char(self) -> PackedSequence:
        """The sequences in int8."""
        return self._as(self.data.char())

    def byte(self) -> PackedSequence:
        """The sequences in uint8."""
        return self._as(self.data.byte())

    def _as(self, data: Tensor) -> PackedSequence:
        return self if data is self.data else self._replace(data=data)

    @property
    def is_cuda(self) -> bool:
        """Whether the sequences are on a GPU."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the sequences are in page-locked memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another.

    >>> invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    places = arange(permutation.numel(), device=permutation.device)
    return places.new_empty(places.shape).scatter_(0, permutation, places)


def _places(lengths: list[int], batch: int) -> tuple[list[int], list[int]]:
    """Row ``t * batch + b`` of each step of sequences from long to short; and the batch sizes."""
    counts, live = [], batch
    for step in range(lengths[0]):
        while lengths[live - 1] <= step:
            live -= 1
        counts.append(live)
    rows = [step * batch + place for step, count in enumerate(counts) for place in range(count)]
    return rows, counts


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs padded sequences.

    Args:
        input: (T, B, ...), or (B, T, ...) with ``batch_first``.
        lengths: the length of each sequence: a list, or a tensor on the CPU.
        batch_first: the order of the first two dimensions.
        enforce_sorted: whether the sequences already come from long to short.

    Raises:
        RuntimeError: lengths that are not sorted, not positive, or not one for each sequence.

    >>> pack_padded_sequence(torch.tensor([[1, 2], [3, 0]]), [2, 1]).data
    tensor([1, 2, 3])
    """
    sizes = lengths if isinstance(lengths, Tensor) else tensor(lengths, dtype=int64, device="cpu")
    if sizes.dim() != 1:
        raise RuntimeError(
            "'lengths' argument should be a 1D CPU int64 tensor, but got "
            f"{sizes.dim()}D {sizes.device.type} Long tensor"
        )
    order = None
    if not enforce_sorted:
        sizes, order = sizes.sort(descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    steps = input.transpose(0, 1) if batch_first else input
    known = [int(size) for size in sizes.tolist()]
    _check_lengths(known, steps.size(1))
    rows, counts = _places(known, steps.size(1))
    flat = steps.reshape(steps.size(0) * steps.size(1), *steps.shape[2:])
    data = flat.index_select(0, tensor(rows, dtype=int64, device=input.device))
    return PackedSequence(data, tensor(counts, dtype=int64, device="cpu"), order, None)


def _check_lengths(lengths: list[int], batch: int) -> None:
    if len(lengths) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} "
            f"(batch_size={batch})"
        )
    if any(length <= 0 for length in lengths):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if lengths != sorted(lengths, reverse=True):
        raise RuntimeError(UNSORTED)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The sequences, padded, in their original order, and their lengths: undoes packing.

    Args:
        sequence: the packed sequences.
        batch_first: whether the result is (B, T, ...) rather than (T, B, ...).
        padding_value: what stands behind the end of short sequences.
        total_length: the T of the result; the length of the longest without it.

    >>> packed = pack_padded_sequence(torch.tensor([[1, 2], [3, 0]]), [2, 1])
    >>> pad_packed_sequence(packed)
    (tensor([[1, 2],
            [3, 0]]), tensor([2, 1]))
    """
    counts = sequence.batch_sizes.tolist()
    longest, batch = len(counts), counts[0]
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    total = longest if total_length is None else total_length
    data = sequence.data
    rows = [step * batch + place for step, count in enumerate(counts) for place in range(count)]
    where = tensor(rows, dtype=int64, device=data.device)
    shape = (total * batch, *data.shape[1:])
    blank = full(shape, padding_value, dtype=data.dtype, device=data.device)
    padded = blank.index_copy(0, where, data).reshape(total, batch, *data.shape[1:])
    lengths = tensor(
        [sum(count > place for count in counts) for place in range(batch)], device="cpu"
    )
    back = sequence.unsorted_indices
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back.cpu()]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stacks sequences of different lengths, padded to the longest.

    Args:
        sequences: tensors (length, ...).
        batch_first: whether the result is (B, T, ...) rather than (T, B, ...).
        padding_value: the padding.
        padding_side: ``"right"`` or ``"left"``.

    >>> pad_sequence([torch.ones(2), torch.ones(1)], batch_first=True)
    tensor([[1., 1.],
            [1., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    parts = list(sequences.unbind(0)) if isinstance(sequences, Tensor) else list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first = parts[0]
    longest = max(part.size(0) for part in parts)
    shape = (len(parts), longest, *first.shape[1:])
    padded = full(shape, padding_value, dtype=first.dtype, device=first.device)
    for place, part in enumerate(parts):
        length = part.size(0)
        start = longest - length if padding_side == "left" else 0
        padded[place, start : start + length] = part
    return padded if batch_first else padded.transpose(0, 1).contiguous()


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences in a padded tensor, cut to their lengths: undoes `pad_sequence`.

    >>> unpad_sequence(torch.tensor([[1, 1], [1, 0]]), torch.tensor([2, 1]), batch_first=True)
    [tensor([1, 1]), tensor([1])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(length)] for row, length in zip(rows, lengths, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences of different lengths.

    Args:
        sequences: tensors (length, ...).
        enforce_sorted: whether they come from long to short.

    >>> pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = tensor([sequence.size(0) for sequence in sequences], device="cpu")
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences in a packed one: undoes `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
