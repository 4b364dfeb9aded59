"""``BlockMask``: which blocks of queries and keys attend to each other at all."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import ceil
from typing import Any

from flambeau.core.dtype import int32
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros
from flambeau.ops.sequences import arange

MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
TABLES = (
    "kv_num_blocks",
    "kv_indices",
    "full_kv_num_blocks",
    "full_kv_indices",
    "q_num_blocks",
    "q_indices",
    "full_q_num_blocks",
    "full_q_indices",
)
ORDERS = ("dq_write_order", "dq_write_order_full", "dq_kv_order", "dq_kv_order_spt")


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Allows every pair."""
    return batch.new_ones(()).bool()


def to_ordered(dense: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix of 0 and 1 as the number of ones in each row, and their columns first."""
    counts = dense.sum(-1).to(int32)
    columns = dense.to(int32).argsort(dim=-1, descending=True, stable=True).to(int32)
    return counts, columns


def to_blocks(counts: Tensor, columns: Tensor) -> Tensor:
    """The matrix of 0 and 1: undoes `to_ordered`."""
    width = columns.shape[-1]
    used = arange(width, device=columns.device) < counts.unsqueeze(-1)
    dense = zeros(columns.shape, dtype=int32, device=columns.device)
    return dense.scatter_add(-1, columns.long(), used.to(int32))


def transposed(counts: Tensor | None, columns: Tensor | None) -> tuple[Any, Any]:
    """The same by columns: for each block of keys, the blocks of queries."""
    if counts is None or columns is None:
        return None, None
    return to_ordered(to_blocks(counts, columns).transpose(-2, -1))


def pair(size: Any) -> tuple[int, int]:
    """The sizes of blocks of queries and of keys."""
    return (size, size) if isinstance(size, int) else tuple(size)


class BlockMask:
    """Which blocks of queries and keys attend to each other: partly, fully, or not at all.

    Made by `create_block_mask`. Blocks are listed for each row of blocks: how many columns there
    are (``kv_num_blocks``), and which (``kv_indices``); ``full_kv_*`` lists those without a
    forbidden pair, ``q_*`` the same by columns.

    Args:
        seq_lengths: the number of queries and of keys.
        BLOCK_SIZE: the size of a block in both directions.
        mask_mod: the function that decides inside partial blocks.
    """

    seq_lengths: tuple[int, int]
    kv_num_blocks: Tensor
    kv_indices: Tensor
    full_kv_num_blocks: Tensor | None
    full_kv_indices: Tensor | None
    q_num_blocks: Tensor | None
    q_indices: Tensor | None
    full_q_num_blocks: Tensor | None
    full_q_indices: Tensor | None
    dq_write_order: Tensor | None
    dq_write_order_full: Tensor | None
    dq_kv_order: Tensor | None
    dq_kv_order_spt: bool | None
    BLOCK_SIZE: tuple[int, int]
    mask_mod: MaskMod

    def __init__(
        self,
        seq_lengths: tuple[int, int],
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None,
        full_kv_indices: Tensor | None,
        q_num_blocks: Tensor | None,
        q_indices: Tensor | None,
        full_q_num_blocks: Tensor | None,
        full_q_indices: Tensor | None,
        BLOCK_SIZE: tuple[int, int] = (128, 128),
        mask_mod: MaskMod = noop_mask,
        *,
        dq_write_order: Tensor | None = None,
        dq_write_order_full: Tensor | None = None,
        dq_kv_order: Tensor | None = None,
        dq_kv_order_spt: bool | None = None,
    ) -> None:
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        self.seq_lengths = seq_lengths
        self.kv_num_blocks = kv_num_blocks
        self.kv_indices = kv_indices
        self.full_kv_num_blocks = full_kv_num_blocks
        self.full_kv_indices = full_kv_indices
        self.q_num_blocks = q_num_blocks
        self.q_indices = q_indices
        self.full_q_num_blocks = full_q_num_blocks
        self.full_q_indices = full_q_indices
        self.dq_write_order = dq_write_order
        self.dq_write_order_full = dq_write_order_full
        self.dq_kv_order = dq_kv_order
        self.dq_kv_order_spt = dq_kv_order_spt
        self.BLOCK_SIZE = BLOCK_SIZE
        self.mask_mod = mask_mod

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks: Tensor,
        kv_indices: Tensor,
        full_kv_num_blocks: Tensor | None = None,
        full_kv_indices: Tensor | None = None,
        BLOCK_SIZE: int | tuple[int, int] = 128,
        mask_mod: MaskMod | None = None,
        seq_lengths: tuple[int, int] | None = None,
        compute_q_blocks: bool = True,
        *,
        dq_write_order: Tensor | None = None,
        dq_write_order_full: Tensor | None = None,
        dq_kv_order: Any = None,
    ) -> BlockMask:
        """A mask from its blocks by rows; those by columns are computed.

        Args:
            kv_num_blocks: (B, H, rows).
            kv_indices: (B, H, rows, columns).
            full_kv_num_blocks: the same for the full blocks.
            full_kv_indices: the same for the full blocks.
            BLOCK_SIZE: the size of a block.
            mask_mod: decides inside partial blocks.
            seq_lengths: the number of queries and keys; whole blocks without it.
            compute_q_blocks: whether to compute the blocks by columns.
        """
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if (full_kv_num_blocks is None) != (full_kv_indices is None):
            raise AssertionError(
                "full_kv_num_blocks and full_kv_indices must be both provided or omitted"
            )
        sizes = pair(BLOCK_SIZE)
        if seq_lengths is None:
            rows, columns = kv_indices.shape[-2:]
            seq_lengths = (rows * sizes[0], columns * sizes[1])
        by_column: tuple[Any, ...] = (None,) * 4
        if compute_q_blocks:
            partial = transposed(kv_num_blocks, kv_indices)
            by_column = (*partial, *transposed(full_kv_num_blocks, full_kv_indices))
        return cls(
            seq_lengths,
            kv_num_blocks,
            kv_indices,
            full_kv_num_blocks,
            full_kv_indices,
            *by_column,
            BLOCK_SIZE=sizes,
            mask_mod=noop_mask if mask_mod is None else mask_mod,
            dq_write_order=dq_write_order,
            dq_write_order_full=dq_write_order_full,
            dq_kv_order=dq_kv_order,
        )

    def _tables(self) -> list[Any]:
        return [getattr(self, name) for name in TABLES]

    def _with(self, tables: list[Any], seq_lengths: tuple[int, int] | None = None) -> BlockMask:
        orders = {name: getattr(self, name) for name in ORDERS}
        lengths = self.seq_lengths if seq_lengths is None else seq_lengths
        return type(self)(
            lengths, *tables, BLOCK_SIZE=self.BLOCK_SIZE, mask_mod=self.mask_mod, **orders
        )

    def as_tuple(self, flatten: bool = True) -> tuple[Any, ...]:
        """All fields, with pairs of numbers taken apart."""
        sizes: tuple[Any, ...] = self.BLOCK_SIZE if flatten else (self.BLOCK_SIZE,)
        lengths: tuple[Any, ...] = self.seq_lengths if flatten else (self.seq_lengths,)
        orders = [getattr(self, name) for name in ORDERS]
        return (*lengths, *self._tables(), *orders, *sizes, self.mask_mod)

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch, heads, queries, keys."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def __str__(self) -> str:
        head = f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n"
        return head + self.to_string().strip() + "\n)"

    __repr__ = __str__

    def __getitem__(self, index: Any) -> BlockMask:
        """Some of the batch and heads; a number keeps its dimension, with size 1."""
        parts = index if isinstance(index, tuple) else (index,)
        kept = tuple(
            slice(part, part + 1 or None) if isinstance(part, int) else part for part in parts
        )
        return self._with([None if one is None else one[kept] for one in self._tables()])

    def numel(self) -> int:
        """The number of pairs."""
        total = 1
        for size in self.shape:
            total *= size
        return total

    def sparsity(self) -> float:
        """The share of pairs, in percent, that lie in blocks that are left out."""
        computed = self._count(self.kv_num_blocks) + self._count(self.full_kv_num_blocks)
        area = self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1]
        return 100 * (1 - computed * area / self.numel())

    def _count(self, counts: Tensor | None) -> int:
        return 0 if counts is None else int(counts.sum())

    def to_dense(self) -> Tensor:
        """The blocks as a matrix: 1 where something is computed."""
        partial = to_blocks(self.kv_num_blocks, self.kv_indices)
        if self.full_kv_num_blocks is None or self.full_kv_indices is None:
            return partial
        return partial | to_blocks(self.full_kv_num_blocks, self.full_kv_indices)

    def to_string(self, grid_size: int | tuple[int, int] = (20, 20), limit: int = 4) -> str:
        """The blocks as a picture, for the first ``limit`` heads.

        Args:
            grid_size: the largest number of rows and columns; -1: all.
            limit: how many heads are shown.
        """
        dense = self.to_dense()
        lead = [range(size) for size in dense.shape[:-2]]
        lines = []
        for count, place in enumerate(product(*lead)):
            if count == limit:
                lines += ["...", "To print out more, set BlockMask.to_string(limit=N)"]
                lines.append("You can also index (BlockMask[batch, head]) to choose a specific one")
                break
            lines += [str(place), _picture(dense[place], grid_size), ""]
        return "\n".join(lines) + "\n"

    def to(self, device: Any) -> BlockMask:
        """The mask on another device."""
        return self._with([None if one is None else one.to(device) for one in self._tables()])


def _picture(dense: Tensor, grid_size: Any) -> str:
    """Full cells as blocks, empty ones as blanks, others grey; large masks are reduced."""
    limits = (-1, -1) if grid_size == -1 else pair(grid_size)
    steps = [
        1 if limit == -1 else max(1, ceil(size / limit))
        for size, limit in zip(dense.shape, limits, strict=True)
    ]
    rows = []
    for top in range(0, dense.shape[0], steps[0]):
        cells = []
        for left in range(0, dense.shape[1], steps[1]):
            cell = dense[top : top + steps[0], left : left + steps[1]].float().mean().item()
            cells.append("██" if cell == 1 else "  " if cell == 0 else "░░")
        rows.append("".join(cells))
    return "\n".join(rows)
