"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``set_grad_enabled``,
``inference_mode``. All are context managers and decorators, and belong to the current thread.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flambeau.core.modes import flags, modes

_GENERATOR = 0x20  # of code objects: CO_GENERATOR


class ContextDecorator:
    """A context manager that also decorates functions, generators and classes of functions."""

    def clone(self) -> Any:
        """A fresh context manager for one call of the decorated function."""
        return type(self)()

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError

    def __call__(self, orig_func: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(orig_func, type):
            raise TypeError(
                f"cannot decorate class {orig_func.__name__}: decorate its methods or __init__"
            )
        if getattr(orig_func, "__code__", None) and orig_func.__code__.co_flags & _GENERATOR:
            return self._generator(orig_func)

        @functools.wraps(orig_func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return orig_func(*args, **kwargs)

        return decorated

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs, not while its consumer does."""

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            send: Callable[[], Any] = lambda: next(generator)  # noqa: E731
            while True:
                try:
                    with self.clone():
                        item = send()
                except StopIteration as end:
                    return end.value
                try:
                    given = yield item
                    send = functools.partial(generator.send, given)
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:
                    send = functools.partial(generator.throw, error)

        return decorated


class no_grad(ContextDecorator):  # noqa: N801 - the public name
    """Records nothing inside: results do not require gradients, whatever their inputs do.

    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    _value = False

    def __new__(cls, orig_func: Callable[..., Any] | None = None) -> Any:
        return object.__new__(cls) if orig_func is None else object.__new__(cls)(orig_func)

    def __enter__(self) -> None:
        self.prev = modes.grad
        modes.grad = self._value

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.prev


class enable_grad(no_grad):  # noqa: N801
    """Records inside, also within ``no_grad``."""

    _value = True


class set_grad_enabled(ContextDecorator):  # noqa: N801
    """Switches recording on or off at once, and back at the end of a ``with`` block."""

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not "
                + type(mode).__name__
            )
        self.prev, self.mode = modes.grad, mode
        modes.grad = mode

    def __call__(self, orig_func: Callable[..., Any]) -> Callable[..., Any]:
        modes.grad = self.prev
        return super().__call__(orig_func)

    def __enter__(self) -> None:
        modes.grad = bool(self.mode)

    def __exit__(self, *exc: object) -> None:
        modes.grad = self.prev

    def clone(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __str__(self) -> str:
        return f"{type(self).__name__}(mode={self.mode})"

    __repr__ = __str__


class inference_mode(ContextDecorator):  # noqa: N801
    """Like ``no_grad``, and the tensors made inside can never be recorded: writes are not
    counted."""

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return object.__new__(cls)
        made = object.__new__(cls)
        made.__init__(True)
        return made(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.prev = modes.grad, modes.inference
        flags.active += int(self.mode) - int(modes.inference)
        modes.inference = self.mode
        modes.grad = not self.mode

    def __exit__(self, *exc: object) -> None:
        flags.active += int(self.prev[1]) - int(modes.inference)
        modes.grad, modes.inference = self.prev

    def clone(self) -> inference_mode:
        return type(self)(self.mode)


def is_grad_enabled() -> bool:
    """Whether operations are recorded now, in this thread."""
    return modes.grad


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on, in this thread."""
    return modes.inference


def is_inference(input: Any) -> bool:
    """Whether a tensor was made in inference mode."""
    return input.is_inference()


def is_multithreading_enabled() -> bool:
    """What ``set_multithreading_enabled`` said last."""
    return modes.multithreading


class set_multithreading_enabled(ContextDecorator):  # noqa: N801
    """Remembered for compatibility: backward passes always run on the calling thread."""

    def __init__(self, mode: bool) -> None:
        self.prev, self.mode = modes.multithreading, mode
        modes.multithreading = mode

    def __enter__(self) -> None:
        modes.multithreading = self.mode

    def __exit__(self, *exc: object) -> None:
        modes.multithreading = self.prev

    def clone(self) -> set_multithreading_enabled:
        return type(self)(self.mode)


class enforce_grad_layout_policy(ContextDecorator):  # noqa: N801
    """Whether a new ``.grad`` is laid out in memory as its tensor is; in this thread.

    It is by default, or row by row where the tensor has gaps, at the price of a copy where the
    gradient was computed in another layout. With ``enable=False`` such a gradient becomes
    ``.grad`` as it is, if nobody else holds it.

    >>> x = torch.ones(3, 2).t().requires_grad_()
    >>> (x * torch.ones(2, 3)).sum().backward()
    >>> x.grad.stride()
    (1, 2)
    """

    def __init__(self, enable: bool = True) -> None:
        if not isinstance(enable, bool):
            raise TypeError(
                "set_grad_layout_enforcement_enabled(): argument 'enabled' (position 1) must be "
                f"bool, not {type(enable).__name__}"
            )
        self.prev, self.mode = modes.grad_layout, enable
        modes.grad_layout = enable

    def __call__(self, orig_func: Callable[..., Any]) -> Callable[..., Any]:
        modes.grad_layout = self.prev
        return super().__call__(orig_func)

    def __enter__(self) -> None:
        modes.grad_layout = self.mode

    def __exit__(self, *exc: object) -> None:
        modes.grad_layout = self.prev

    def clone(self) -> enforce_grad_layout_policy:
        return type(self)(self.mode)
