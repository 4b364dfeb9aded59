"""``torch.futures``, ``torch.fork`` and ``torch.wait``."""

from __future__ import annotations

import logging
import pickle
import threading
from typing import Any

import pytest

import flambeau as torch
from flambeau.futures import Future, collect_all, wait_all


def settled(value: Any) -> Future:
    future: Future = Future()
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)
    return future


def test_a_value_arrives_from_another_thread() -> None:
    future: Future[int] = torch.Future()
    assert not future.done()
    with pytest.raises(RuntimeError, match="not completed"):
        future.value()
    thread = threading.Thread(target=future.set_result, args=(3,))
    thread.start()
    assert (future.wait(), future.value(), future.done()) == (3, 3, True)
    thread.join()
    with pytest.raises(RuntimeError, match="Attempting to mark a completed Future as complete"):
        future.set_result(4)


def test_an_error_is_raised_again() -> None:
    failed = settled(ValueError("no"))
    for ask in (failed.wait, failed.value):
        with pytest.raises(ValueError, match="no"):
            ask()
    with pytest.raises(AssertionError, match="x is of type <class 'str'>, not an Exception"):
        Future().set_exception("x")


def test_what_follows_from_a_future() -> None:
    future: Future[int] = Future()
    doubled = future.then(lambda f: f.value() * 2)
    text = doubled.then(lambda f: str(f.value()))
    assert not text.done()
    future.set_result(2)
    assert (text.wait(), settled(1).then(lambda f: f.wait() + 1).value()) == ("4", 2)
    after = settled(ValueError("no")).then(lambda f: f.value())
    with pytest.raises(RuntimeError, match=r"running the callback: ValueError: no") as caught:
        after.wait()
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(TypeError, match=r"then\(\): incompatible function arguments"):
        future.then(3)


def test_callbacks_run_in_order_and_their_errors_are_logged(caplog: Any) -> None:
    seen: list[Any] = []
    future: Future[int] = Future()
    future.add_done_callback(lambda f: seen.append(f.value()))
    future.add_done_callback(lambda f: 1 / 0)
    future.add_done_callback(lambda f: seen.append("last"))
    with caplog.at_level(logging.ERROR):
        future.set_result(1)
    assert seen == [1, "last"]
    assert "error when running the callback: ZeroDivisionError" in caplog.text
    future.add_done_callback(lambda f: seen.append("late"))
    assert seen[-1] == "late"
    with pytest.raises(TypeError, match=r"add_done_callback\(\): incompatible"):
        future.add_done_callback(3)


def test_several_futures() -> None:
    futures: list[Future] = [Future() for _ in range(3)]
    both = collect_all(futures)
    threads = [threading.Thread(target=f.set_result, args=(i,)) for i, f in enumerate(futures)]
    for thread in threads:
        assert not both.done()
        thread.start()
        thread.join()
    assert both.wait() == futures and wait_all(futures) == [0, 1, 2]
    assert collect_all([]).wait() == []
    for ask in (wait_all, lambda given: collect_all(given).wait()):
        with pytest.raises(ValueError, match="no"):
            ask([futures[0], settled(ValueError("no"))])
    for wrong in ([3], futures[0]):
        with pytest.raises(TypeError, match="_collect_all"):
            collect_all(wrong)


def test_what_a_future_is() -> None:
    assert Future(devices=["cpu:0"]).devices == [torch.device("cpu:0")]
    with pytest.raises(ValueError, match="Expected devices to have indices, got cpu"):
        Future(devices=[torch.device("cpu")])
    with pytest.raises(RuntimeError, match=r"Can not pickle torch\.futures\.Future"):
        pickle.dumps(Future())


def test_fork_and_wait() -> None:
    future = torch.fork(lambda x, y: x + y, torch.ones(1), y=2)
    assert isinstance(future, torch.Future) and torch.wait(future).item() == 3
    with pytest.raises(TypeError, match="Object of type 'int' is not an instance of 'function'"):
        torch.fork(3)
    with pytest.raises(TypeError, match=r"wait\(\): incompatible function arguments"):
        torch.wait(3)
