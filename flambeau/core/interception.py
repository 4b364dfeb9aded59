"""``Interceptor``: a mode that sees every call of an operator in this thread while it is open.

Profilers, counters and checks are interceptors. While none is open they cost nothing: the
operators ask one flag that they ask anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flambeau.core.dispatch import dispatch
from flambeau.core.modes import flags, modes

if TYPE_CHECKING:
    from flambeau.core.op import Op


class Interceptor:
    """A context manager whose ``intercept`` receives every call inside, innermost mode first.

    >>> class Names(Interceptor):
    ...     def intercept(self, op, tensors, params):
    ...         print(op.name)
    ...         return self.proceed(op, tensors, params)
    >>> with Names():
    ...     _ = torch.ones(2).exp()
    exp
    """

    def __enter__(self) -> Any:
        modes.interceptors = (*modes.interceptors, self)
        flags.active += 1
        return self

    def __exit__(self, *exc: object) -> None:
        flags.active -= 1
        modes.interceptors = tuple([m for m in modes.interceptors if m is not self])

    def intercept(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """One call; the result is what the caller receives."""
        return self.proceed(op, tensors, params)

    def proceed(self, op: Op, tensors: tuple[Any, ...], params: tuple[Any, ...]) -> Any:
        """The call as the modes outside this one make it."""
        every = modes.interceptors
        modes.interceptors = every[: every.index(self)]
        try:
            return dispatch(op, tensors, params)
        finally:
            modes.interceptors = every


class FactoryWatcher(Interceptor):
    """An interceptor that is also told of tensors that no operator made: ``ones``, ``rand``.

    ``starts`` is called when a factory function knows what it will make, ``made`` with the tensor,
    and ``filled`` when random numbers were drawn into it. While none is open this costs nothing:
    the functions ask flags that they ask anyway.
    """

    def __enter__(self) -> Any:
        self.outer_factories, modes.factories = modes.factories, self
        flags.devices += 1  # sends factory functions the long way
        return super().__enter__()

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        flags.devices -= 1
        modes.factories = self.outer_factories

    def starts(self) -> None:
        """A factory function begins to make a tensor."""
        if self.outer_factories is not None:
            self.outer_factories.starts()

    def made(self, tensor: Any) -> None:
        """It has made one."""
        if self.outer_factories is not None:
            self.outer_factories.made(tensor)

    def filled(self) -> None:
        """And has filled it with random numbers."""
        if self.outer_factories is not None:
            self.outer_factories.filled()
