"""Instance normalisation, also lazy."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.batchnorm import _LazyNormBase, _NormBase

__all__ = [
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
]


class _InstanceNorm(_NormBase):
    """The call of all kinds of instance normalisation."""

    rank: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def _check_input_dim(self, input: Tensor) -> None:
        rank = self._get_no_batch_dim()
        if input.dim() not in (rank, rank + 1):
            raise ValueError(f"expected {rank}D or {rank + 1}D input (got {input.dim()}D input)")

    def _get_no_batch_dim(self) -> int:
        return self.rank + 1

    def _check_channels(self, input: Tensor) -> None:
        dim = input.dim() - self._get_no_batch_dim()
        found = input.size(dim)
        if found == self.num_features:
            return
        if self.affine:
            raise ValueError(
                f"expected input's size at dim={dim} to match num_features "
                f"({self.num_features}), but got: {found}."
            )
        warnings.warn(
            f"input's size at dim={dim} does not match num_features. You can silence this "
            "warning by not passing in num_features, which is not used because affine=False",
            stacklevel=4,
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        self._check_channels(input)
        if input.dim() == self._get_no_batch_dim():
            return self._apply_instance_norm(input.unsqueeze(0)).squeeze(0)
        return self._apply_instance_norm(input)

    def _apply_instance_norm(self, input: Tensor) -> Tensor:
        from_input = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        return F.instance_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, from_input,
            momentum, self.eps,
        )  # fmt: skip

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Version 1 tracked statistics by default: says what to do about them."""
        version = local_metadata.get("version", None)
        if version is None and not self.track_running_stats:
            names = [prefix + name for name in ("running_mean", "running_var")]
            unwanted = [name for name in names if name in state_dict]
            if unwanted:
                error_msgs.append(
                    "Unexpected running stats buffer(s) {names} for {klass} with "
                    "track_running_stats=False. If state_dict is a checkpoint saved before 0.4.0, "
                    "this may be expected because {klass} does not track running stats by default "
                    "since 0.4.0. Please remove these keys from state_dict. If the running stats "
                    "are actually needed, instead set track_running_stats=True in {klass} to "
                    "enable them. See the documentation of {klass} for details.".format(
                        names=" and ".join(f'"{name}"' for name in unwanted),
                        klass=type(self).__name__,
                    )
                )
                for name in unwanted:
                    state_dict.pop(name)
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )


NORM = """

    ``(x - mean) / sqrt(var + eps) * weight + bias`` with the mean and (biased) variance of each
    channel of each sample.

    Args:
        num_features: the number C of channels.
        eps: keeps the division finite.
        momentum: the weight of a new input in the running statistics.
        affine: whether there are ``weight`` and ``bias``.
        track_running_stats: whether to gather statistics, which then serve in evaluation mode.
        bias: whether there is a ``bias``.

    Source: Ulyanov 2016.
"""


class InstanceNorm1d(_InstanceNorm):
    __doc__ = (
        """Instance normalisation of (N, C, L) or (C, L)."""
        + NORM
        + """
    Example::

        >>> nn.InstanceNorm1d(100)(torch.randn(20, 100, 40)).shape
        torch.Size([20, 100, 40])
    """
    )
    rank = 1


class InstanceNorm2d(_InstanceNorm):
    __doc__ = (
        """Instance normalisation of (N, C, H, W) or (C, H, W)."""
        + NORM
        + """
    Example::

        >>> nn.InstanceNorm2d(100)(torch.randn(2, 100, 35, 45)).shape
        torch.Size([2, 100, 35, 45])
    """
    )
    rank = 2


class InstanceNorm3d(_InstanceNorm):
    __doc__ = (
        """Instance normalisation of (N, C, D, H, W) or (C, D, H, W)."""
        + NORM
        + """
    Example::

        >>> nn.InstanceNorm3d(10)(torch.randn(2, 10, 3, 4, 5)).shape
        torch.Size([2, 10, 3, 4, 5])
    """
    )
    rank = 3


class _LazyInstanceNorm(_LazyNormBase, _InstanceNorm):
    """Takes the channels from the dimension before the spatial ones."""

    def initialize_parameters(self, input: Tensor) -> None:
        """Gives parameters and buffers the shape that the input asks for."""
        batched = input if input.dim() > self._get_no_batch_dim() else input.unsqueeze(0)
        super().initialize_parameters(batched)
        self.num_features = self.num_features or batched.shape[1]


class LazyInstanceNorm1d(_LazyInstanceNorm):
    """An `InstanceNorm1d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm1d
    rank = 1


class LazyInstanceNorm2d(_LazyInstanceNorm):
    """An `InstanceNorm2d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm2d
    rank = 2


class LazyInstanceNorm3d(_LazyInstanceNorm):
    """An `InstanceNorm3d` that takes ``num_features`` from its first input."""

    cls_to_become = InstanceNorm3d
    rank = 3
