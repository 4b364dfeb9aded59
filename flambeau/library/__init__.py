"""``torch.library``: operators that a program defines, with kernels, gradients and fake kernels.

They are members of ``torch.ops``. There is no dispatcher in C++: a call goes through one Python
object, which :mod:`flambeau.library.operator` describes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from flambeau._ops import OpOverload, ops
from flambeau.core.dtype import dtype as DType
from flambeau.library.checking import opcheck
from flambeau.library.operator import ANY, Operator
from flambeau.library.registry import (
    add_kernel,
    decorating,
    define_operator,
    find,
    forget,
    place_of_key,
)
from flambeau.library.schema import infer_schema, parse

__all__ = [
    "CustomOpDef", "Library", "custom_op", "define", "fallthrough_kernel", "get_ctx", "get_kernel",
    "impl", "impl_abstract", "infer_schema", "opcheck", "register_autocast", "register_autograd",
    "register_fake", "register_kernel", "register_torch_dispatch", "register_vmap", "triton_op",
    "wrap_triton",
]  # fmt: skip
Function = Callable[..., Any]
_defined: set[str] = set()  # the namespaces that a library of kind DEF has


# ---- an operator from a function


def custom_op(
    name: str,
    fn: Function | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: str | Sequence[str] | None = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Makes a function an operator, ``torch.ops.<namespace>.<name>``. Also a decorator.

    Its results are new tensors, never its arguments. Gradients are those of
    :func:`register_autograd`; inside of the function nothing is recorded.

    Args:
        name: ``"namespace::name"``.
        mutates_args: the names of the arguments that it writes to, or ``"unknown"``.
        device_types: the kinds of devices that the function is for, by default all.
        schema: ``"(Tensor x) -> Tensor"``, by default from the annotations.

    >>> @torch.library.custom_op("docs::squared", mutates_args=())
    ... def squared(x: torch.Tensor) -> torch.Tensor:
    ...     return torch.tensor(x.numpy() ** 2)
    >>> squared(torch.tensor([3.0])), torch.ops.docs.squared(torch.tensor([2.0]))
    (tensor([9.]), tensor([4.]))
    """

    def decorate(function: Function) -> CustomOpDef:
        text = infer_schema(function, mutates_args=mutates_args) if schema is None else schema
        op = define_operator(parse(name + text), strict=True)
        add_kernel(op, device_types, function)
        return CustomOpDef(op, function)

    return decorate if fn is None else decorate(fn)


class CustomOpDef:
    """What ``custom_op`` makes of a function: called as it is, with rules to register."""

    def __init__(self, op: Operator, function: Function) -> None:
        self._op, self._qualname, self._init_fn = op, op.schema.name, function
        self.__name__, self.__doc__ = op.schema.name.rpartition("::")[2], function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._op(*args, **kwargs)

    @property
    def _opoverload(self) -> OpOverload:
        namespace, _, name = self._qualname.partition("::")
        return getattr(getattr(ops, namespace), name).default

    def register_kernel(
        self, device_types: str | Sequence[str] | None, fn: Function | None = None, /
    ) -> Any:
        """The function for some kinds of devices."""
        return register_kernel(self, device_types, fn)

    def register_fake(self, fn: Function, /) -> Function:
        """The function for tensors without elements: shapes and dtypes of the results."""
        return register_fake(self, fn)

    def register_autograd(
        self, backward: Function, /, *, setup_context: Function | None = None
    ) -> None:
        """The gradient; see :func:`register_autograd`."""
        register_autograd(self, backward, setup_context=setup_context)

    def register_vmap(self, func: Function | None = None) -> Any:
        """What ``vmap`` makes of it; see :func:`register_vmap`."""
        return register_vmap(self, func)

    def register_autocast(self, device_type: str, cast_inputs: DType) -> None:
        """The dtype of arguments under autocast."""
        register_autocast(self, device_type, cast_inputs)

    def register_torch_dispatch(
        self, torch_dispatch_class: type, fn: Function | None = None, /
    ) -> Any:
        """What it does with a subclass of ``Tensor``; see :func:`register_torch_dispatch`."""
        return register_torch_dispatch(self, torch_dispatch_class, fn)

    def register_effect(self, effect: Any) -> None:
        """Whether calls have to keep their order: they do in any case."""

    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Any:
        """``with op.set_kernel_enabled("cpu", False): ...``: without that kernel, from now on or
        inside."""
        if device_type not in self._op.kernels:
            raise ValueError(f"there is no kernel of {self._qualname} for {device_type}")
        return _Enabled(self._op, device_type, enabled)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"


class _Enabled:
    """A kernel that is on or off; what it was comes back at the end of a ``with``."""

    def __init__(self, op: Operator, place: str, enabled: bool) -> None:
        self.op, self.place, self.before = op, place, place in op.disabled
        (op.disabled.discard if enabled else op.disabled.add)(place)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        (self.op.disabled.add if self.before else self.op.disabled.discard)(self.place)


# ---- an operator from its schema


class Library:
    """The operators that a program defines in a namespace.

    ``kind`` is ``"DEF"`` (the only one that defines operators there), ``"FRAGMENT"`` (one of
    several) or ``"IMPL"`` (kernels for ``dispatch_key`` only).

    >>> library = torch.library.Library("docs_library", "FRAGMENT")
    >>> library.define("scaled(Tensor x, float by=2.0) -> Tensor")
    'scaled'
    >>> library.impl("scaled", lambda x, by=2.0: x * by, "CPU")
    >>> torch.ops.docs_library.scaled(torch.ones(1), 3.0)
    tensor([3.])
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("IMPL", "DEF", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns == "prim" and kind != "FRAGMENT":
            raise ValueError(f"{ns} is a reserved namespace, please choose another one.")
        if kind == "DEF":
            if ns in _defined:
                raise RuntimeError(
                    "Only a single TORCH_LIBRARY can be used to register the namespace "
                    f"{ns}; please put all of your definitions in a single TORCH_LIBRARY block."
                )
            _defined.add(ns)
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._names: list[str] = []

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Makes an operator, as yet without kernels; its name."""
        if self.kind == "IMPL":
            raise RuntimeError("a library of kind IMPL defines no operators")
        op = define_operator(parse(f"{self.ns}::{schema}"), strict=False)
        self._names.append(op.schema.name)
        return op.schema.name.rpartition("::")[2]

    def impl(
        self, op_name: Any, fn: Function, dispatch_key: str = "", *, with_keyset: bool = False,
        allow_override: bool = True,
    ) -> None:  # fmt: skip
        """Registers a kernel: for ``"CPU"``, ``"CUDA"``, ``"Meta"`` or ``"Composite..."``."""
        if not callable(fn):
            raise TypeError(
                f"Input function is required to be a callable but found type {type(fn)}"
            )
        name = op_name if isinstance(op_name, str) else find(op_name).schema.name
        qualified = name if "::" in name else f"{self.ns}::{name}"
        place = place_of_key(dispatch_key or self.dispatch_key)
        _set_kernel(find(qualified), place, fn)

    def fallback(self, fn: Function, dispatch_key: str = "", *, with_keyset: bool = False) -> None:
        """Raises NotImplementedError: there is no dispatcher whose keys all operators pass."""
        raise NotImplementedError(
            "Library.fallback() needs a dispatcher with keys: a TorchFunctionMode sees operators"
        )

    def register_symm_mem_args(self, op_name: str, arg_names: Sequence[str]) -> None:
        """Says which arguments lie in memory that processes share: nothing depends on it."""
        find(f"{self.ns}::{op_name}")

    def _destroy(self) -> None:
        """Removes the operators."""
        for name in self._names:
            forget(name)
        if self.kind == "DEF":
            _defined.discard(self.ns)

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"


def define(qualname: str, schema: str, *, lib: Library | None = None, tags: Any = ()) -> Any:
    """Makes an operator ``"namespace::name"`` with a schema ``"(Tensor x) -> Tensor"``.

    Raises ValueError for another form of the name, RuntimeError if there is one already.
    """
    if not isinstance(qualname, str):
        raise ValueError(f"define(qualname, schema): expected qualname to be instance of str, got "
                         f"{type(qualname)}")  # fmt: skip
    op = define_operator(parse(qualname + schema), strict=False)
    if lib is not None:
        lib._names.append(op.schema.name)


def impl(
    qualname: str, types: str | Sequence[str], func: Function | None = None, *,
    lib: Library | None = None,
) -> Any:  # fmt: skip
    """Registers a kernel for kinds of devices, ``"default"`` for all. Also a decorator.

    >>> torch.library.define("docs::tripled", "(Tensor x) -> Tensor")
    >>> @torch.library.impl("docs::tripled", "cpu")
    ... def _(x):
    ...     return 3 * x
    >>> torch.ops.docs.tripled(torch.ones(1))
    tensor([3.])
    """
    op = find(qualname)
    for_keys = [types] if isinstance(types, str) else list(types)
    places = [place_of_key(t) if t[:1].isupper() else t for t in for_keys]
    return decorating(lambda f: [_set_kernel(op, place, f) for place in places], func)


def _set_kernel(op: Operator, place: str, function: Function) -> None:
    if place == "meta":
        op.fake = function
    else:
        op.kernels[place] = function


# ---- rules


def register_kernel(
    op: Any, device_types: str | Sequence[str] | None, func: Function | None = None, /, *,
    lib: Library | None = None,
) -> Any:  # fmt: skip
    """Registers the kernel of kinds of devices, None for all. Also a decorator."""
    found = find(op)
    return decorating(lambda f: add_kernel(found, device_types, f), func)


def register_fake(
    op: Any, func: Function | None = None, /, *, lib: Library | None = None, _stacklevel: int = 1,
    allow_override: bool = True,
) -> Any:  # fmt: skip
    """Registers what makes results without elements, for ``device="meta"``. Also a decorator."""
    found = find(op)
    return decorating(lambda f: setattr(found, "fake", f), func)


def impl_abstract(
    qualname: str, func: Function | None = None, *, lib: Library | None = None, _stacklevel: int = 1
) -> Any:
    """The older name of :func:`register_fake`."""
    return register_fake(qualname, func)


def register_autograd(
    op: Any, backward: Function, /, *, setup_context: Function | None = None,
    lib: Library | None = None,
) -> None:  # fmt: skip
    """Registers the gradient: ``backward(ctx, *grads)`` gives one for each argument, or None.

    ``setup_context(ctx, inputs, output)`` keeps what it needs; with keyword-only arguments it is
    called with ``(ctx, inputs, keyword_only_inputs, output)``.

    >>> @torch.library.custom_op("docs::cubed", mutates_args=())
    ... def cubed(x: torch.Tensor) -> torch.Tensor:
    ...     return x**3
    >>> def backward(ctx, grad):
    ...     x, = ctx.saved_tensors
    ...     return grad * 3 * x**2
    >>> torch.library.register_autograd("docs::cubed", backward,
    ...     setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs))
    >>> x = torch.tensor(2.0, requires_grad=True)
    >>> cubed(x).backward()
    >>> x.grad
    tensor(12.)
    """
    found = find(op)
    found.backward, found.setup_context = backward, setup_context
    found.changed()


def register_vmap(op: Any, func: Function | None = None, /, *, lib: Library | None = None) -> Any:
    """Registers ``func(info, in_dims, *args)``, which gives results and their batch dimensions."""
    found = find(op)

    def register(function: Function) -> None:
        found.vmap = function
        found.changed()

    return decorating(register, func)


def register_autocast(
    op: Any, device_type: str, cast_inputs: DType, /, *, lib: Library | None = None
) -> None:
    """Gives floats on a kind of device a dtype while autocast is on there."""
    if device_type not in ("cpu", "cuda"):
        raise ValueError(f"device_type {device_type!r} is not supported: cpu or cuda")
    find(op).autocast[device_type] = cast_inputs


def register_torch_dispatch(
    op: Any, torch_dispatch_class: type, func: Function | None = None, /, *,
    lib: Library | None = None,
) -> Any:  # fmt: skip
    """Registers ``func(cls, op, types, args, kwargs)`` for a subclass of ``Tensor``."""
    found = find(op)
    return decorating(lambda f: found.subclasses.__setitem__(torch_dispatch_class, f), func)


# ---- the rest


class _FakeContext:
    """What fake kernels ask for sizes that depend on elements."""

    def new_dynamic_size(self, *, min: int = 0, max: int | None = None) -> NoReturn:
        """Raises NotImplementedError: tensors on the meta device have sizes that are known."""
        raise NotImplementedError("sizes that depend on elements are unknown on the meta device")


def get_ctx() -> _FakeContext:
    """The context of a fake kernel."""
    return _FakeContext()


def get_kernel(op: Any, dispatch_key: str) -> Function:
    """The kernel that an operator has for ``"CPU"``, ``"CUDA"`` or ``"Meta"``."""
    place = place_of_key(str(dispatch_key).rpartition(".")[2])
    return find(op).kernel("cpu" if place == ANY else place)


def fallthrough_kernel() -> NoReturn:
    """Raises NotImplementedError: it is a mark, not to be called."""
    raise NotImplementedError("fallthrough_kernel() should never be called.")


def triton_op(
    name: str, fn: Function | None = None, /, *, mutates_args: str | Iterable[str],
    schema: str | None = None,
) -> NoReturn:  # fmt: skip
    """Raises NotImplementedError: kernels of Triton cannot be launched on arrays of CuPy here."""
    raise NotImplementedError("triton_op() needs Triton, which Flambeau does not use: custom_op()")


def wrap_triton(triton_kernel: Function, /) -> NoReturn:
    """Raises NotImplementedError: kernels of Triton cannot be launched on arrays of CuPy here."""
    raise NotImplementedError("wrap_triton() needs Triton, which Flambeau does not use")
