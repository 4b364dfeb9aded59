"""What is recorded: grad modes as contexts and decorators, of functions and generators."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

import flambeau as torch

MODES = [
    (torch.no_grad, False),
    (torch.enable_grad, True),
    (lambda: torch.set_grad_enabled(False), False),
    (lambda: torch.set_grad_enabled(True), True),
    (torch.inference_mode, False),
    (lambda: torch.inference_mode(False), True),
]


@pytest.mark.parametrize(("mode", "recording"), MODES)
@pytest.mark.parametrize("outside", [True, False])
def test_context_and_decorator(mode, recording: bool, outside: bool) -> None:
    """The mode holds inside, and what was before comes back, after errors too."""
    with torch.set_grad_enabled(outside):
        with mode():
            assert torch.is_grad_enabled() is recording
        assert torch.is_grad_enabled() is outside

        @mode()
        def inside(fail: bool) -> bool:
            if fail:
                raise KeyError
            return torch.is_grad_enabled()

        assert torch.is_grad_enabled() is outside
        assert inside(False) is recording
        with pytest.raises(KeyError):
            inside(True)
        assert torch.is_grad_enabled() is outside
    assert torch.is_grad_enabled()


def test_decorator_without_brackets() -> None:
    """``@no_grad`` is ``@no_grad()``, and decorated functions may call themselves."""

    @torch.no_grad
    def depth(n: int) -> list[bool]:
        return [torch.is_grad_enabled(), *(depth(n - 1) if n else [])]

    assert depth(2) == [False] * 3
    assert torch.is_grad_enabled()


def test_generators() -> None:
    """The mode holds in the generator, not for its consumer, whatever is sent or thrown."""
    log = []

    @torch.no_grad()
    def numbers() -> Iterator[bool]:
        try:
            log.append((yield torch.is_grad_enabled()))
            yield torch.is_grad_enabled()
        except KeyError:
            yield torch.is_grad_enabled()
        finally:
            log.append(torch.is_grad_enabled())

    generator = numbers()
    assert (next(generator), torch.is_grad_enabled()) == (False, True)
    assert (generator.send("sent"), torch.is_grad_enabled()) == (False, True)
    assert (generator.throw(KeyError), torch.is_grad_enabled()) == (False, True)
    generator.close()
    assert log == ["sent", False]


def test_set_grad_enabled_at_once() -> None:
    """As a call it switches at once; as a decorator only inside of the function."""
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert torch.is_grad_enabled()
    with pytest.raises(
        TypeError, match="argument 'enabled' \\(position 1\\) must be bool, not str"
    ):
        torch.set_grad_enabled("no")


def test_modes_belong_to_threads() -> None:
    """Another thread starts recording."""
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_nothing_is_recorded_inside() -> None:
    """Results have no history; a leaf made inside may still ask for gradients."""
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        y, fresh = x * 2, torch.ones(2, requires_grad=True)
        x.add_(1)
    assert (y.requires_grad, y.grad_fn, fresh.requires_grad) == (False, None, True)
    assert x.tolist() == [2.0, 2.0]


def test_inference_tensors() -> None:
    """They cannot be saved for backward, nor written outside; a clone is an ordinary tensor."""
    x = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        made = x * 2
        made.add_(1)
    ordinary = made.clone()
    assert (made.is_inference(), made.requires_grad) == (True, False)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * made
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside"):
        made.add_(1)
    with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
        _ = made._version
    (x * ordinary).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
