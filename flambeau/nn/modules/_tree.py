"""The tree of modules: walking through submodules, parameters and buffers, and finding them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flambeau.core.tensor import Parameter, Tensor


class Tree:
    """The part of a module that knows what it contains."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]

    def modules(self, remove_duplicate: bool = True) -> Iterator[Any]:
        """This module and all below it; a shared one once, or with False wherever it is.

        Example::

            >>> [type(module).__name__ for module in nn.Sequential(nn.ReLU()).modules()]
            ['Sequential', 'ReLU']
        """
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """The path and the module, for this module (path ``prefix``) and all below it.

        Args:
            memo: modules that count as seen.
            prefix: put before every path.
            remove_duplicate: whether a shared module comes once.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        start = f"{prefix}." if prefix else ""
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, start + name, remove_duplicate)

    def children(self) -> Iterator[Any]:
        """The direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The name and the module, for the direct submodules."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module, and with ``recurse`` of all below it, each once.

        Example::

            >>> sum(parameter.numel() for parameter in nn.Linear(2, 3).parameters())
            9
        """
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The path and the parameter; arguments as those of `named_modules`."""
        yield from self._named_members(_parameter_items, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module, and with ``recurse`` of all below it, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The path and the buffer; arguments as those of `named_modules`."""
        yield from self._named_members(_buffer_items, prefix, recurse, remove_duplicate)

    def _named_members(
        self,
        get_members_fn: Callable[[Any], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            start = f"{path}." if path else ""
            for name, value in get_members_fn(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield start + name, value

    def get_submodule(self, target: str) -> Any:
        """The module at a dotted path below this one; ``""`` is this module.

        Raises:
            AttributeError: there is nothing there, or no module.
        """
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Tree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: str, module: Any, strict: bool = False) -> None:
        """Puts a module at a dotted path; with ``strict`` it must replace another.

        Raises:
            ValueError: the path is empty, or ``module`` is no module.
            AttributeError: the path leads through something that is no module.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Tree):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Tree):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path.

        Raises:
            AttributeError: there is nothing there, or no parameter.
        """
        value, name = _member(self, target)
        if not isinstance(value, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return value

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path.

        Raises:
            AttributeError: there is nothing there, or no buffer.
        """
        value, name = _member(self, target)
        owner = self.get_submodule(target.rpartition(".")[0])
        if name not in owner._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return value

    def apply(self, fn: Callable[[Any], None]) -> Any:
        """Calls ``fn(module)`` for every module below this one, then for this one.

        Example::

            def initialise(module):
                if isinstance(module, nn.Linear):
                    nn.init.zeros_(module.bias)

            model.apply(initialise)
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self


def _parameter_items(module: Any) -> Any:
    return module._parameters.items()


def _buffer_items(module: Any) -> Any:
    return module._buffers.items()


def _member(module: Any, target: str) -> tuple[Any, str]:
    path, _, name = target.rpartition(".")
    owner = module.get_submodule(path)
    if not hasattr(owner, name):
        raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
    return getattr(owner, name), name
