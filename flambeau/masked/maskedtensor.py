"""``MaskedTensor``: a tensor some of whose elements do not count.

An operator is called with the elements (``rules.py`` says how) and the result gets a mask of its
own. Gradients are masked too: what is masked out takes part in no gradient.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from flambeau.autograd.custom import Function
from flambeau.core import dtype as dtypes
from flambeau.core.graph import Leaf
from flambeau.core.layout import strided
from flambeau.core.modes import modes
from flambeau.core.op import Op
from flambeau.core.tensor import Tensor, replace_array

_DTYPES = frozenset((
    dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bool_, dtypes.int8, dtypes.int16,
    dtypes.int32, dtypes.int64,
))  # fmt: skip
_PROTOTYPE = (
    "The PyTorch API of MaskedTensors is in prototype stage and will change in the near future. "
    "Please open a Github issue for features requests and see our documentation on the "
    "torch.masked module for further information about the project."
)


class MaskedTensor(Tensor):
    """Elements and a mask of the same shape, True where an element counts.

    Masks of two operands must be equal; plain operands count everywhere that the other one does.

    Args:
        data: the elements: floats, integers or bools. They are copied, without history.
        mask: bools.
        requires_grad: whether gradients are asked for.

    Raises:
        TypeError, ValueError: ``data`` and ``mask`` do not fit.

    >>> x = torch.masked.masked_tensor(torch.arange(3.0), torch.tensor([True, False, True]))
    >>> x + 1
    MaskedTensor(
      [  1.0000,       --,   3.0000]
    )
    >>> x.mean()
    MaskedTensor(  1.0000, True)
    """

    __slots__ = ("_masked_data", "_masked_mask")
    rules: Callable[[Op], Any]  # set by rules.py

    _masked_data: Tensor
    _masked_mask: Tensor

    def __new__(cls, data: Any, mask: Any, requires_grad: bool = False) -> MaskedTensor:
        for name, given in (("data", data), ("mask", mask)):
            if is_masked_tensor(given) or not isinstance(given, Tensor):
                raise TypeError(f"{name} must be a Tensor")
        warnings.warn(_PROTOTYPE, UserWarning, stacklevel=2)
        if data.requires_grad:  # type: ignore[attr-defined]
            warnings.warn(
                "It is not recommended to create a MaskedTensor with a tensor that requires_grad. "
                "To avoid this, you can use data.detach().clone()",
                UserWarning,
                stacklevel=2,
            )
        _check(data, mask)
        made = over(data.detach().clone(), mask.clone())  # type: ignore[attr-defined]
        return made.requires_grad_() if requires_grad else made  # type: ignore[attr-defined]

    def __init__(self, data: Any, mask: Any, requires_grad: bool = False) -> None:
        pass

    # ---- operators

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """One call with masked tensors among its operands."""
        rule = MaskedTensor.rules(op)
        if rule is None:
            raise TypeError(
                f"Multiple dispatch failed for 'torch._ops.aten.{op.name}.default'; all "
                "__torch_dispatch__ handlers returned NotImplemented:\n\n"
                f"  - tensor subclass {MaskedTensor}\n\n"
                f"{op.name} of masked tensors is not defined: call it with to_tensor(value)"
            )
        return rule(op, tensors, params)

    def before(self) -> MaskedTensor:
        """Itself: an in-place operation gives it other memory, and leaves this alone."""
        return self

    def absorb(self, result: MaskedTensor) -> MaskedTensor:
        """Takes the elements, the mask and the history of an in-place operation's result."""
        if modes.grad and type(self._node) is Leaf:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation."
            )
        replace_array(self, result._array)
        self._hidden_kind, self._node = result.kind, result._node
        self._masked_data, self._masked_mask = result._masked_data, result._masked_mask
        return self

    def alike(self, make: Callable[[Tensor, Any], Tensor], size: Any = ()) -> Tensor:
        """A new tensor like this one: masked where it has the same shape."""
        made = make(self._masked_data, size)
        return over(made, self._masked_mask) if made.shape == self.shape else made

    @classmethod
    def unary(cls, fn: Callable[[Tensor], Tensor], data: Tensor, mask: Tensor) -> MaskedTensor:
        """``fn(data)`` with a mask."""
        return masked(fn(data), mask)

    # ---- values

    def get_data(self) -> Tensor:
        """The elements as a plain tensor, those that do not count too."""
        return entered(self, self._masked_mask)

    def get_mask(self) -> Tensor:
        """The mask."""
        return self._masked_mask

    def to_tensor(self, value: Any) -> Tensor:
        """A plain tensor with ``value`` where an element does not count."""
        return self.get_data().masked_fill(~self._masked_mask, value)  # type: ignore

    def is_sparse_coo(self) -> bool:
        """Whether the elements are stored as coordinates."""
        return self.layout.name == "sparse_coo"  # type: ignore[attr-defined]

    def is_sparse_csr(self) -> bool:
        """Whether the elements are stored as compressed rows."""
        return self.layout.name == "sparse_csr"  # type: ignore[attr-defined]

    def item(self) -> Any:
        """The one element as a Python number; ValueError if it does not count."""
        if self.numel() == 1 and not self._masked_mask.item():  # type: ignore[attr-defined]
            raise ValueError(
                "__torch_dispatch__, aten._local_scalar_dense: expected a mask tensor\n"
                "  the element does not count"
            )
        return self._masked_data.item()  # type: ignore[attr-defined]

    def __bool__(self) -> bool:
        return bool(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def tolist(self) -> NoReturn:
        """RuntimeError: lists have no masks. ``to_tensor`` gives a plain tensor."""
        raise RuntimeError(".tolist() is not supported for tensor subclasses, got MaskedTensor")

    def numpy(self, *, force: bool = False) -> NoReturn:
        """RuntimeError: ``to_tensor`` gives a plain tensor."""
        raise RuntimeError(".numpy() is not supported for tensor subclasses.")

    def __deepcopy__(self, memo: dict[int, Any]) -> MaskedTensor:
        made = over(self._masked_data.clone(), self._masked_mask.clone())  # type: ignore
        memo[id(self)] = made
        return made.requires_grad_(self.requires_grad)  # type: ignore[attr-defined]

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _rebuilt, (self._masked_data, self._masked_mask, self.requires_grad)  # type: ignore

    def __repr__(self) -> str:
        return shown(self._masked_data, self._masked_mask)

    __str__ = __repr__


def _rebuilt(data: Tensor, mask: Tensor, requires_grad: bool) -> MaskedTensor:
    return over(data, mask).requires_grad_(requires_grad)  # type: ignore[attr-defined]


def _check(data: Any, mask: Any) -> None:
    if data.layout is not mask.layout:
        raise TypeError("data and mask must have the same layout.")
    if data.layout is not strided:
        raise TypeError(f"data layout of {data.layout} is not supported.")
    if mask.dtype is not dtypes.bool_:
        raise TypeError("mask must have dtype bool.")
    if data.dtype not in _DTYPES:
        raise TypeError(f"{data.dtype} is not supported in MaskedTensor.")
    if data.ndim != mask.ndim:
        raise ValueError("data.dim() must equal mask.dim()")
    if data.shape != mask.shape:
        raise ValueError("data.size() must equal mask.size()")


# ---- into operators and out of them


def over(data: Tensor, mask: Tensor) -> MaskedTensor:
    """A masked tensor without history over these two."""
    made = object.__new__(MaskedTensor)
    made._masked_data, made._masked_mask = data, mask
    made._array, made._kind, made._hidden_kind = data._array, None, data.kind
    made._node = made._base = made._writes = None
    return made


def masked(data: Any, mask: Tensor) -> MaskedTensor:
    """A masked tensor of elements with a history, whose gradients are masked."""
    if modes.grad and data.requires_grad:
        return _Leaving.apply(data, mask)
    return over(data.detach(), mask)


def entered(value: Any, mask: Tensor) -> Any:
    """The elements of an operand; their gradient comes back masked."""
    if modes.grad and value.requires_grad:
        return _Entering.apply(value, mask)
    return value._masked_data if is_masked_tensor(value) else value


class _Entering(Function):
    @staticmethod
    def forward(ctx: Any, value: Any, mask: Tensor) -> Tensor:
        ctx.mask = mask
        return (value._masked_data if is_masked_tensor(value) else value).detach()

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (grad,) = grads
        return masked(grad, _reduced(ctx.mask, grad.shape)), None


def _reduced(mask: Any, shape: Any) -> Tensor:
    """The mask of an operand that was broadcast: where any of its copies counts."""
    if mask.shape == shape:
        return mask
    return mask.float().sum_to_size(shape) > 0


class _Leaving(Function):
    @staticmethod
    def forward(ctx: Any, data: Any, mask: Tensor) -> MaskedTensor:
        ctx.mask = mask
        return over(data.detach(), mask)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (grad,) = grads
        plain = grad.get_data() if is_masked_tensor(grad) else grad
        counts = ctx.mask & grad.get_mask() if is_masked_tensor(grad) else ctx.mask
        return plain.masked_fill(~counts, 0), None


# ---- text


def shown(data: Any, mask: Any) -> str:
    """The text of a masked tensor: ``--`` where an element does not count."""
    if data.ndim == 0:
        return f"MaskedTensor({_number(data.item()) if mask.item() else '--'}, {mask.item()})"
    lines = _rows(data.tolist(), mask.tolist()).split("\n")
    return "\n".join(["MaskedTensor(", *[f"  {line}" for line in lines], ")"])


def _number(value: Any) -> str:
    return f"{value:8.4f}" if isinstance(value, float) else str(value)


def _rows(data: list[Any], mask: list[Any]) -> str:
    if data and isinstance(data[0], list):
        inner = [_rows(d, m).replace("\n", "\n  ") for d, m in zip(data, mask)]
        return "[\n" + ",\n".join([f"  {text}" for text in inner]) + "\n]"
    texts = [_number(value) for value in data]
    width = max([len(text) if counts else 8 for text, counts in zip(texts, mask)], default=0)
    cells = [text if counts else "--".rjust(width) for text, counts in zip(texts, mask)]
    return "[" + ", ".join(cells) + "]"


# ---- making them


def is_masked_tensor(obj: Any, /) -> bool:
    """Whether a value is a masked tensor."""
    return isinstance(obj, MaskedTensor)


def masked_tensor(data: Any, mask: Any, requires_grad: bool = False) -> MaskedTensor:
    """A masked tensor with a copy of ``data``, without its history: a leaf.

    >>> masked_tensor(torch.tensor([1, 2]), torch.tensor([True, False]))
    MaskedTensor(
      [1,       --]
    )
    """
    return MaskedTensor(data, mask, requires_grad)


def as_masked_tensor(data: Any, mask: Any) -> MaskedTensor:
    """A masked tensor through which gradients reach ``data``, masked.

    >>> x = torch.ones(2, requires_grad=True)
    >>> as_masked_tensor(x, torch.tensor([True, False])).sum().backward()
    >>> x.grad
    MaskedTensor(
      [  1.0000,       --]
    )
    """
    if is_masked_tensor(data) or not isinstance(data, Tensor):
        raise TypeError("data must be a Tensor")
    if is_masked_tensor(mask) or not isinstance(mask, Tensor):
        raise TypeError("mask must be a Tensor")
    _check(data, mask)
    return masked(entered(data, mask), mask)
