"""What ``nn.functional`` offers of dropout and its kin: with defaults, checks and ``inplace``."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.layout import contiguous_format
from flambeau.core.publish import exported
from flambeau.core.tensor import Tensor
from flambeau.ops import dropout as functions
from flambeau.ops.creation import empty_like, zeros_like


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _call(name: str, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    return getattr(functions, f"{name}_" if inplace else name)(input, p, training)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zeroes elements with chance ``p`` and divides the others by ``1 - p``, where ``training``.

    ValueError unless ``p`` lies in [0, 1].

    >>> dropout(torch.ones(4), 0.5).shape
    torch.Size([4])
    """
    _check(p)
    return _call("dropout", input, p, training, inplace)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout to a negative value, which keeps the mean and variance that SELU networks have.

    ``input`` is floating, of any shape; ValueError unless ``p`` lies in [0, 1].

    >>> F.alpha_dropout(torch.ones(3), 0.5, training=False)
    tensor([1., 1., 1.])
    """
    _check(p)
    return _call("alpha_dropout", input, p, training, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels: the input is ``(batch, channels, ...)``.

    ValueError unless ``p`` lies in [0, 1].

    >>> F.feature_alpha_dropout(torch.ones(1, 2, 2), 0.5)
    tensor([[[1., 1.],
             [1., 1.]]])
    """
    _check(p)
    return _call("feature_alpha_dropout", input, p, training, inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of a ``(batch, channels, length)`` input, or one without batch.

    ValueError unless ``p`` lies in [0, 1], RuntimeError for other ranks.

    >>> channels = F.dropout1d(torch.ones(1, 8, 2), 0.5)
    >>> bool((channels[..., 0] == channels[..., 1]).all())
    True
    """
    _check(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _channels(input, p, training, inplace, batched=input.dim() == 3)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of a ``(batch, channels, height, width)`` input.

    ValueError unless ``p`` lies in [0, 1].

    >>> channels = F.dropout2d(torch.ones(1, 8, 2, 2), 0.5)
    >>> bool((channels[..., 0, 0] == channels[..., 1, 1]).all())
    True
    """
    _check(p)
    if input.dim() not in (3, 4):
        _warn("dropout2d", input.dim(), 2)
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            "behavior is desired - input is interpreted as shape (N, C, L), where C is the channel "
            "dim. This behavior will change in a future release to interpret the input as one "
            "without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise "
            "dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _channels(input, p, training, inplace, batched=True)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels of a 5-D input, or of a 4-D one without batch.

    ValueError unless ``p`` lies in [0, 1].

    >>> channels = F.dropout3d(torch.ones(1, 8, 2, 2, 2), 0.5)
    >>> bool((channels[..., 0, 0, 0] == channels[..., 1, 1, 1]).all())
    True
    """
    _check(p)
    if input.dim() not in (4, 5):
        _warn("dropout3d", input.dim(), 3)
    return _channels(input, p, training, inplace, batched=input.dim() == 5)


def _warn(name: str, ndim: int, spatial: int) -> None:
    warnings.warn(
        f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will result in an "
        "error in a future release. To retain the behavior and silence this warning, please use "
        f"dropout instead. Note that {name} exists to provide channel-wise dropout on inputs with "
        f"{spatial} spatial dimensions, a channel dimension, and an optional batch dimension (i.e. "
        f"{spatial + 1}D or {spatial + 2}D inputs).",
        stacklevel=3,
    )


def _channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    if batched:
        return _call("feature_dropout", input, p, training, inplace)
    if inplace:
        input.unsqueeze_(0)  # type: ignore[attr-defined]
        return functions.feature_dropout_(input, p, training).squeeze_(0)  # type: ignore
    return functions.feature_dropout(input.unsqueeze(0), p, training).squeeze(0)  # type: ignore


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
    inplace: bool = False,
) -> Tensor:  # fmt: skip
    """``input`` where positive, else times a slope: random in [lower, upper), or their mean.

    ``input`` is floating, of any shape. RuntimeError if ``lower`` is greater than ``upper``.

    >>> F.rrelu(torch.tensor([-4., 2.]), 0.25, 0.75)
    tensor([-2.,  2.])
    """
    function: Any = functions.rrelu_ if inplace else functions.rrelu
    return function(input, lower, upper, training)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A differentiable sample of categories with the given log-probabilities along ``dim``.

    ``softmax((logits + noise) / tau)`` with Gumbel noise; ``hard`` gives one-hot vectors with the
    gradient of the soft ones. ``eps`` has no effect and warns.

    Source: E. Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.

    >>> chosen = F.gumbel_softmax(torch.zeros(2, 3), hard=True)
    >>> chosen.sum(1)
    tensor([1., 1.])
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = empty_like(logits, memory_format=contiguous_format).exponential_()  # type: ignore
    soft = ((logits - noise.log()) / tau).softmax(dim)  # type: ignore[attr-defined]
    if not hard:
        return soft
    chosen = soft.max(dim, keepdim=True)[1]  # type: ignore[attr-defined]
    one_hot = zeros_like(logits, memory_format=contiguous_format).scatter_(dim, chosen, 1.0)  # type: ignore
    return one_hot - soft.detach() + soft  # type: ignore[attr-defined]


__all__ = exported(globals())
