"""Between layouts: ``to_dense``, ``to_sparse`` and its kin, ``sparse_mask``."""

from __future__ import annotations

from typing import Any

from flambeau.core import layout as layouts
from flambeau.core.dispatch import dispatch
from flambeau.core.op import Op
from flambeau.core.publish import method
from flambeau.core.sparse import backend, is_sparse, title
from flambeau.core.tensor import Tensor
from flambeau.kernels.shared.sparse import conversion as kernels
from flambeau.kernels.shared.sparse.arrays import Compressed, Coo
from flambeau.sparse.forms import declare

Block = Any  # two ints, or None


# ---- dense


def _to_dense_vjp(grad: Tensor, input: Tensor, masked: bool) -> Tensor:
    """The gradient at the places of the input, or with all elements in its layout."""
    return grad.sparse_mask(united(input)) if masked else in_layout_of(grad, input)  # type: ignore


_to_dense = declare("to_dense", kernels.dense_of, params=("masked",), vjp={"input": _to_dense_vjp},
                    doc="All elements of a sparse tensor, zeros included.")  # fmt: skip


@method("to_dense")
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor with all elements in memory; a dense tensor itself.

    The gradient of a sparse tensor holds the elements that the tensor holds, or with
    ``masked_grad=False`` all of them.

    >>> torch.eye(2).to_sparse().to_dense()
    tensor([[1., 0.],
            [0., 1.]])
    """
    dense = dispatch(_to_dense, (self,), (masked_grad is not False,)) if is_sparse(self) else self
    return dense if dtype is None else dense.to(dtype)


# ---- sparse


def in_layout_of(grad: Tensor, input: Tensor) -> Tensor:
    """A gradient brought to the layout, blocks included, of what it is the gradient of."""
    if not is_sparse(input):
        return grad.to_dense()  # type: ignore[attr-defined]
    array = input._array
    block = array.block if isinstance(array, Compressed) and array.blocked else None
    dense_dim = input.dense_dim()  # type: ignore[attr-defined]
    return dispatch(_CONVERTERS[array.layout], (grad,), (array.layout, block, dense_dim))


def united(tensor: Tensor) -> Tensor:
    """A tensor whose places are free of repetitions."""
    return tensor.coalesce() if tensor.is_sparse else tensor  # type: ignore[attr-defined]


def _converter(name: str, node: str) -> Op:
    return declare(name, kernels.to_layout, params=("layout", "block", "dense_dim"), node=node,
                   vjp={"input": in_layout_of}, doc="The elements in another layout.")  # fmt: skip


_CONVERTERS = {
    "sparse_coo": _converter("to_sparse", "ToSparse"),
    "sparse_csr": _converter("to_sparse_csr", "ToSparseCsr"),
    "sparse_csc": _converter("to_sparse_csc", "ToSparseCsc"),
    "sparse_bsr": _converter("to_sparse_bsr", "ToSparseBsr"),
    "sparse_bsc": _converter("to_sparse_bsc", "ToSparseBsc"),
}


def _to_layout(
    self: Tensor, layout: str, block: Block = None, dense_dim: int | None = None
) -> Tensor:
    name = "to_sparse" + layout[6:].replace("_coo", "")
    array = self._array
    if is_sparse(self) and array.layout == layout and (
        block is None or tuple(block) == array.block
    ):  # fmt: skip
        _check_same(name, self, dense_dim)
        return self
    _check_target(name, self, layout, block, dense_dim)
    return dispatch(
        _CONVERTERS[layout],
        (self,),
        (layout, None if block is None else tuple(block), dense_dim or 0),
    )


def _check_same(name: str, self: Tensor, dense_dim: int | None) -> None:
    if dense_dim is not None and dense_dim != self.dense_dim():  # type: ignore[attr-defined]
        own = title(self)
        raise RuntimeError(
            f"{name}: conversion from {own} to {own} with dense_dim argument "
            "!=self.dense_dim() is not supported"
        )


def _check_target(
    name: str, self: Tensor, layout: str, block: Block, dense_dim: int | None
) -> None:
    """RuntimeError unless there is a way from the tensor's layout to the other."""
    source, target = self._array, _TITLES[layout]
    if isinstance(source, Compressed) and source.blocked and layout != "sparse_coo":
        if layout not in ("sparse_bsr", "sparse_bsc"):
            raise RuntimeError(
                f"sparse_compressed_to_{layout}: expected SparseCsr or SparseCsc layout but got "
                f"{source.title}"
            )
        if block is not None and tuple(block) != source.block:
            raise RuntimeError(
                f"sparse_compressed_to_{layout}: conversion from {source.title} to {target} with "
                f"blocksize changed from {list(source.block)} to {list(block)} is not supported"
            )
    if layout == "sparse_coo":
        return
    rank = self.ndim - (dense_dim or 0 if not is_sparse(self) else self.dense_dim())  # type: ignore
    if rank < 2:
        raise RuntimeError(
            f"{name}: tensor dimensionality must be sum of batch, base, and dense dimensionalities "
            f"(=0 + 2 + {dense_dim or 0}) but got {self.ndim}"
        )
    if block is not None:
        _check_block(name, self.shape[rank - 2 : rank], block)


def _check_block(name: str, sizes: Any, block: Block) -> None:
    if len(block) != 2 or block[0] <= 0 or block[1] <= 0:
        raise RuntimeError(f"{name}: blocksize needs to be a tuple of two positive numbers")
    if sizes[0] % block[0] or sizes[1] % block[1]:
        raise RuntimeError(
            f"dense_{name}: tensor sparse size ({sizes[0]},{sizes[1]}) must be divisible by given "
            f"blocksize ({block[0]},{block[1]})"
        )


_TITLES = {name: f"Sparse{name[-3:].capitalize()}" for name in _CONVERTERS}
_TITLES["sparse_coo"] = "Sparse"


@method("to_sparse")
def to_sparse(
    self: Tensor,
    sparse_dim: int | None = None,
    *,
    layout: Any = None,
    blocksize: Block = None,
    dense_dim: int | None = None,
) -> Tensor:
    """The tensor with only the elements that are not zero kept, in coordinates or the ``layout``.

    With ``sparse_dim`` n, the first n dimensions have indices, and whole rows of the others are
    kept. ``blocksize`` is that of the layouts with blocks; ``dense_dim`` counts the dimensions that
    compressed layouts store whole.

    >>> torch.tensor([[0, 2], [3, 0]]).to_sparse()
    tensor(indices=tensor([[0, 1],
                           [1, 0]]),
           values=tensor([2, 3]),
           size=(2, 2), nnz=2, layout=torch.sparse_coo)
    """
    if isinstance(sparse_dim, layouts.layout):
        sparse_dim, layout = None, sparse_dim
    if layout is not None and layout is not layouts.sparse_coo:
        return _to_other(self, layout, blocksize, dense_dim)
    if sparse_dim is not None and is_sparse(self):
        _check_sparse_dim(self, sparse_dim)
    if is_sparse(self):
        return _to_layout(self, "sparse_coo")
    wanted = self.ndim if sparse_dim is None else sparse_dim
    if not (0 < wanted <= self.ndim or wanted == self.ndim == 0):
        raise RuntimeError(
            "dense_to_sparse: sparse_dim argument must be in "
            + (
                ">0 when self.dim()>0"
                if wanted == 0
                else f"[0,{self.ndim}] range, but {wanted} is given"
            )
        )
    return _to_layout(self, "sparse_coo", None, self.ndim - wanted)


def _to_other(self: Tensor, layout: Any, block: Block, dense_dim: int | None) -> Tensor:
    if layout is layouts.strided:
        return self.to_dense()  # type: ignore[attr-defined]
    if layout.name not in _CONVERTERS:
        raise RuntimeError(f"to_sparse: conversion to {layout} is not supported")
    if block is None and layout in (layouts.sparse_bsr, layouts.sparse_bsc) and not (
        isinstance(self._array, Compressed) and self._array.blocked
    ):  # fmt: skip
        raise RuntimeError(
            f"dense_to_sparse: conversion from {title(self)} to {_TITLES[layout.name]} without "
            "blocksize argument given is not supported"
        )
    return _to_layout(self, layout.name, block, dense_dim)


def _check_sparse_dim(self: Tensor, sparse_dim: int) -> None:
    if not isinstance(self._array, Coo) or sparse_dim != self._array.sparse_dim:
        raise RuntimeError(
            f"to_sparse: conversion from {title(self)} to Sparse with sparse_dim argument "
            "!=self.sparse_dim() is not supported"
        )


@method("to_sparse_coo")
def to_sparse_coo(self: Tensor) -> Tensor:
    """The tensor in coordinates: as ``to_sparse()``."""
    return to_sparse(self)


@method("to_sparse_csr")
def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The tensor in compressed rows; leading dimensions are a batch of matrices.

    >>> torch.tensor([[0, 2], [3, 0]]).to_sparse_csr().col_indices()
    tensor([1, 0])
    """
    return _to_layout(self, "sparse_csr", None, dense_dim)


@method("to_sparse_csc")
def to_sparse_csc(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """The tensor in compressed columns."""
    return _to_layout(self, "sparse_csc", None, dense_dim)


@method("to_sparse_bsr")
def to_sparse_bsr(self: Tensor, blocksize: Block, dense_dim: int | None = None) -> Tensor:
    """The tensor in compressed rows of blocks of the size ``blocksize``."""
    return _to_layout(self, "sparse_bsr", blocksize, dense_dim)


@method("to_sparse_bsc")
def to_sparse_bsc(self: Tensor, blocksize: Block, dense_dim: int | None = None) -> Tensor:
    """The tensor in compressed columns of blocks of the size ``blocksize``."""
    return _to_layout(self, "sparse_bsc", blocksize, dense_dim)


# ---- the places of another tensor


def _masked_vjp(grad: Tensor, input: Tensor, mask: Tensor) -> Tensor:
    at_mask = grad.sparse_mask(mask)  # type: ignore[attr-defined]
    return at_mask if is_sparse(input) else at_mask.to_dense()


_mask = declare("sparse_mask", kernels.masked, inputs=("input", "mask"),
                vjp={"input": _masked_vjp},
                doc="The elements of a tensor at the places of a sparse one.")  # fmt: skip


@method("sparse_mask")
def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """The elements of the tensor at the places that the sparse tensor ``mask`` keeps.

    >>> torch.ones(2, 2).sparse_mask(torch.eye(2).to_sparse()).values()
    tensor([1., 1.])
    """
    if not is_sparse(mask):
        raise NotImplementedError(
            f"Could not run 'aten::sparse_mask' with arguments from the '{backend((self,))}' "
            "backend. The mask has to be sparse"
        )
    if self.shape != mask.shape:
        raise RuntimeError(
            "sparse_mask(): operands have incompatible sizes; self has size "
            f"{list(self.shape)} but mask has size {list(mask.shape)}"
        )
    return dispatch(_mask, (self, mask))
