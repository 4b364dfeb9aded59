"""Windows: functions that taper a signal towards its ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from flambeau.core import dtype as dtypes
from flambeau.core.dtype import dtype as DType
from flambeau.core.layout import strided
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones
from flambeau.ops.pointwise.special import i0
from flambeau.ops.sequences import arange

Options = dict[str, Any]


# ---- torch.*_window: periodic by default


def _window(
    name: str, length: int, periodic: bool, make: Callable[[Tensor, int], Tensor], options: Options
) -> Tensor:
    dtype = options.get("dtype") or dtypes.default.dtype
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    if not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    where = options.get("device")
    if length < 2:
        window = ones(length, dtype=dtype, device=where)
    else:
        wide = dtypes.float32 if dtype.itemsize < 4 else dtype
        n = length + 1 if periodic else length
        window = make(arange(n, dtype=wide, device=where), n)[:length].to(dtype)  # type: ignore
    return window.requires_grad_() if options.get("requires_grad") else window  # type: ignore


def _cosines(*weights: float) -> Callable[[Tensor, int], Tensor]:
    """``a0 - a1 cos(x) + a2 cos(2 x) - ...`` with ``x`` from 0 to 2 pi."""

    def make(steps: Tensor, n: int) -> Tensor:
        angle = steps * (2 * math.pi / (n - 1))
        window = steps * 0 + weights[0]
        for k, weight in enumerate(weights[1:], 1):
            window = window + (-1) ** k * weight * (angle * k).cos()  # type: ignore[attr-defined]
        return window

    return make


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``sin^2(pi k / N)``.

    ``window_length`` numbers of a floating dtype; ``periodic`` leaves out the last of one more.
    RuntimeError for a negative length.

    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _window("hann_window", window_length, periodic, _cosines(0.5, 0.5), options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``alpha - beta cos(2 pi k / N)``.

    ``window_length`` numbers of a floating dtype; ``periodic`` leaves out the last of one more.
    RuntimeError for a negative length.

    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _window("hamming_window", window_length, periodic, _cosines(alpha, beta), options)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``0.42 - 0.5 cos(2 pi k / N) + 0.08 cos(4 pi k / N)``.

    ``window_length`` numbers of a floating dtype; ``periodic`` leaves out the last of one more.
    RuntimeError for a negative length.

    >>> torch.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _window("blackman_window", window_length, periodic, _cosines(0.42, 0.5, 0.08), options)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """A triangle from 0 to 1 and back.

    ``window_length`` numbers of a floating dtype; ``periodic`` leaves out the last of one more.
    RuntimeError for a negative length.

    >>> torch.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _window("bartlett_window", window_length, periodic, _triangle, options)


def _triangle(steps: Tensor, n: int) -> Tensor:
    return 1 - (steps * (2 / (n - 1)) - 1).abs()  # type: ignore[attr-defined]


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """``I0(beta sqrt(1 - x^2)) / I0(beta)`` with ``x`` from -1 to 1.

    ``window_length`` numbers of a floating dtype; ``periodic`` leaves out the last of one more.
    RuntimeError for a negative length.

    >>> torch.kaiser_window(4, True, 2.)
    tensor([0.4387, 0.8348, 1.0000, 0.8348])
    """
    options = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _window("kaiser_window", window_length, periodic, _kaiser(beta), options)


def _kaiser(beta: float) -> Callable[[Tensor, int], Tensor]:
    def make(steps: Tensor, n: int) -> Tensor:
        x = steps * (2 / (n - 1)) - 1
        return i0((1 - x * x).clamp(min=0).sqrt() * beta) / i0(steps[:1] * 0 + beta)  # type: ignore

    return make


# ---- torch.signal.windows: symmetric by default


def _signal(
    name: str, M: int, sym: bool, make: Callable[[Tensor, int], Tensor], options: Options
) -> Tensor:
    dtype = options.get("dtype") or dtypes.default.dtype
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if options.get("layout") not in (None, strided):
        raise ValueError(
            f"{name} is implemented for strided tensors only, got: {options['layout']}"
        )
    if dtype.name not in ("float32", "float64"):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    if M < 2:
        window = ones(M, dtype=dtype, device=options.get("device"))
    else:
        n = M if sym else M + 1
        window = make(arange(n, dtype=dtype, device=options.get("device")), n)[:M]
    return window.requires_grad_() if options.get("requires_grad") else window  # type: ignore


def _signal_window(
    name: str, doc: str, shown: str, make: Callable[..., Any], params: dict[str, Any]
) -> Callable[..., Tensor]:
    """A window of ``torch.signal.windows`` with its own keyword arguments; `shown` are the second
    and third of five numbers."""

    def window(M: int, *, sym: bool = True, dtype: DType | None = None, layout: Any = None,
               device: Any = None, requires_grad: bool = False, **own: Any) -> Tensor:  # fmt: skip
        unknown = set(own) - set(params)
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument '{sorted(unknown)[0]}'")
        options = {
            "dtype": dtype,
            "layout": layout,
            "device": device,
            "requires_grad": requires_grad,
        }
        return _signal(name, M, sym, make(sym=sym, M=M, **{**params, **own}), options)

    window.__name__ = window.__qualname__ = name
    defaults = "".join([f", {parameter}={value}" for parameter, value in params.items()])
    window.__doc__ = f"""{doc}

    ``{name}(M, *{defaults}, sym=True)``: ``M`` numbers, float32 or float64; without
    ``sym`` the last of one more is left out. ValueError for other dtypes, and a negative ``M``.

    >>> torch.signal.windows.{name}(5)[1:3]
    tensor([{shown}])
    """
    return window


def _general_cosine(a: Any, sym: bool, M: int) -> Callable[[Tensor, int], Tensor]:
    if not isinstance(a, Sequence):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    return _cosines(*a)


def _gaussian(std: float, sym: bool, M: int) -> Callable[[Tensor, int], Tensor]:
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def make(steps: Tensor, n: int) -> Tensor:
        x = (steps - (n - 1) / 2) / (std * math.sqrt(2))
        return (-(x * x)).exp()  # type: ignore[attr-defined]

    return make


def _exponential(
    center: float | None, tau: float, sym: bool, M: int
) -> Callable[[Tensor, int], Tensor]:
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def make(steps: Tensor, n: int) -> Tensor:
        middle = (n - 1) / 2 if center is None else center
        return (-(steps - middle).abs() / tau).exp()  # type: ignore[attr-defined]

    return make


def _cosine(sym: bool, M: int) -> Callable[[Tensor, int], Tensor]:
    return lambda steps, n: ((steps + 0.5) * (math.pi / n)).sin()  # type: ignore[attr-defined]


_NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)
SIGNAL_WINDOWS = {
    name: _signal_window(name, doc, shown, make, params)
    for name, doc, shown, make, params in (
        ("bartlett", "A triangle.", "0.5000, 1.0000", lambda sym, M: _triangle, {}),
        (
            "blackman",
            "Three cosine terms.",
            "0.3400, 1.0000",
            lambda sym, M: _cosines(0.42, 0.5, 0.08),
            {},
        ),
        ("cosine", "Half a period of a sine.", "0.8090, 1.0000", _cosine, {}),
        (
            "exponential",
            "``exp(-|k - center| / tau)``.",
            "0.3679, 1.0000",
            _exponential,
            {"center": None, "tau": 1.0},
        ),
        ("gaussian", "``exp(-x^2 / (2 std^2))``.", "0.6065, 1.0000", _gaussian, {"std": 1.0}),
        (
            "general_hamming",
            "``alpha - (1 - alpha) cos``.",
            "0.5400, 1.0000",
            lambda alpha, sym, M: _cosines(alpha, 1 - alpha),
            {"alpha": 0.54},
        ),
        (
            "hamming",
            "``0.54 - 0.46 cos``.",
            "0.5400, 1.0000",
            lambda sym, M: _cosines(0.54, 0.46),
            {},
        ),
        ("hann", "``0.5 - 0.5 cos``.", "0.5000, 1.0000", lambda sym, M: _cosines(0.5, 0.5), {}),
        (
            "kaiser",
            "``I0(beta sqrt(1 - x^2)) / I0(beta)``.",
            "0.2157, 1.0000",
            lambda beta, sym, M: _kaiser(_positive(beta)),
            {"beta": 12.0},
        ),
        ("nuttall", "Four cosine terms.", "0.2270, 1.0000", lambda sym, M: _cosines(*_NUTTALL), {}),
    )
}


def _positive(beta: float) -> float:
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return beta


def general_cosine(
    M: int,
    *,
    a: Any,
    sym: bool = True,
    dtype: DType | None = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A sum of cosines with the given weights, of alternating signs.

    ``M`` numbers, float32 or float64; without ``sym`` the last of one more is left out. ValueError
    for other dtypes, and a negative ``M``.

    >>> torch.signal.windows.general_cosine(5, a=[0.5, 0.5])
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    options = {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}
    return _signal("general_cosine", M, sym, _general_cosine(a, sym, M), options)


__all__ = exported(globals())
