"""Values that will be there later: ``Future``, what follows from it, and waiting for several."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from flambeau.core.device import device

__all__ = ["Future", "collect_all", "wait_all"]
T = TypeVar("T")
S = TypeVar("S")
_log = logging.getLogger(__name__)


class Future(Generic[T]):
    """A value, or an error, that some thread will provide.

    ``devices`` are those whose tensors it may hold; their work is ordered by the program itself,
    as all of it goes to the current streams.

    >>> future = torch.futures.Future()
    >>> length = future.then(lambda future: len(future.value()))
    >>> future.set_result("abc")
    >>> length.wait()
    3
    """

    def __init__(self, *, devices: Sequence[Any] | None = None) -> None:
        self.devices = [device(place) for place in devices or ()]
        for place in self.devices:
            if place.index is None:
                raise ValueError(f"Expected devices to have indices, got {place}")
        self._settled = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: Exception | None = None
        self._callbacks: list[Callable[[Future[T]], None]] = []

    def done(self) -> bool:
        """Whether the value, or an error, is there."""
        return self._done

    def wait(self) -> T:
        """The value, once it is there; raises the error if there is one."""
        with self._settled:
            self._settled.wait_for(self.done)
        return self.value()

    def value(self) -> T:
        """The value, which has to be there; raises the error if there is one."""
        if not self._done:
            raise RuntimeError("the Future is not completed: wait() waits for its value")
        if self._error is not None:
            raise self._error
        return self._value

    def set_result(self, result: T) -> None:
        """Provides the value, and calls the callbacks in this thread.

        Raises RuntimeError if the value or an error is there already.
        """
        self._settle(result, None)

    def set_exception(self, result: Exception) -> None:
        """Provides an error, which ``wait`` and ``value`` raise; calls the callbacks."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._settle(None, result)

    def _settle(self, value: Any, error: Exception | None) -> None:
        with self._settled:
            if self._done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future "
                    "can only be marked completed once."
                )
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._settled.notify_all()
        for callback in callbacks:
            callback(self)

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Calls a function with this future when it is done: now, if it is.

        An error in the function is logged.
        """
        _check_callable("add_done_callback", callback)

        def logging_errors(future: Future[T]) -> None:
            try:
                callback(future)
            except Exception as error:
                _log.error("%s", _failed(error))

        self._when_done(logging_errors)

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """A future of what a function makes of this one when it is done.

        An error in the function becomes a RuntimeError of the result.
        """
        _check_callable("then", callback)
        following: Future[S] = Future(devices=self.devices)

        def follow(future: Future[T]) -> None:
            try:
                value = callback(future)
            except Exception as error:
                following.set_exception(_failed(error))
            else:
                following.set_result(value)

        self._when_done(follow)
        return following

    def _when_done(self, callback: Callable[[Future[T]], None]) -> None:
        with self._settled:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback(self)

    def __reduce__(self) -> Any:
        raise RuntimeError("Can not pickle torch.futures.Future")


def _check_callable(method: str, callback: Any) -> None:
    if not callable(callback):
        raise TypeError(f"{method}(): incompatible function arguments: {callback!r} is no function")


def _failed(error: Exception) -> RuntimeError:
    made = RuntimeError(
        f"Got the following error when running the callback: {type(error).__name__}: {error}"
    )
    made.__cause__ = error
    return made


def collect_all(futures: Sequence[Future[Any]]) -> Future[list[Future[Any]]]:
    """A future of the list of futures, done when they all are; of the first error, if there is one.

    >>> first, second = torch.futures.Future(), torch.futures.Future()
    >>> both = torch.futures.collect_all([first, second])
    >>> first.set_result(1); second.set_result(2)
    >>> [future.value() for future in both.wait()]
    [1, 2]
    """
    if not isinstance(futures, list | tuple) or not all([isinstance(f, Future) for f in futures]):
        raise TypeError("_collect_all(): incompatible function arguments: not a list of futures")
    collected: Future[list[Future[Any]]] = Future()
    if not futures:
        collected.set_result([])
        return collected
    lock, left = threading.Lock(), [len(futures)]

    def count(_: Future[Any]) -> None:
        with lock:
            left[0] -= 1
            last = not left[0]
        if last:
            error = next((f._error for f in futures if f._error is not None), None)
            collected._settle(list(futures), error)

    for future in futures:
        future._when_done(count)
    return collected


def wait_all(futures: Sequence[Future[T]]) -> list[T]:
    """The values of all the futures, once they are there; raises the first error."""
    return [future.wait() for future in cast("list[Future[T]]", collect_all(futures).wait())]


# ---- torch.jit.fork


def fork(func: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
    """A future of a call. Outside compiled programs the call is made at once, as PyTorch does.

    >>> torch.wait(torch.fork(torch.add, torch.ones(2), 1))
    tensor([2., 2.])
    """
    if not callable(func):
        raise TypeError(f"Object of type '{type(func).__name__}' is not an instance of 'function'")
    future: Future[T] = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future[T]) -> T:
    """The value of a future, once it is there."""
    if not isinstance(future, Future):
        raise TypeError(f"wait(): incompatible function arguments: {future!r} is no future")
    return future.wait()
