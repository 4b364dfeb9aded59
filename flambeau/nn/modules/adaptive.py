"""A softmax over many classes, cheap for the frequent ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.container import ModuleList, Sequential
from flambeau.nn.modules.linear import Linear
from flambeau.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    """The log probability of each target, and the loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log softmax over classes sorted by frequency: rare ones in clusters of smaller layers.

    Args:
        in_features: size of the last dimension of the input.
        n_classes: the number of classes.
        cutoffs: where the clusters begin, increasing.
        div_value: cluster i projects to ``in_features / div_value ** i`` features.
        head_bias: whether the layer of the frequent classes has a bias.

    The call takes inputs (N, in_features) and targets (N); it returns ``output`` (N), the log
    probabilities of the targets, and ``loss``, minus their mean. Source: Grave 2017.

    >>> softmax = nn.AdaptiveLogSoftmaxWithLoss(8, 100, [10, 50])
    >>> softmax(torch.randn(4, 8), torch.tensor([0, 20, 70, 99])).output.shape
    torch.Size([4])
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        where = {"device": device, "dtype": dtype}
        _check(list(cutoffs), n_classes)
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **where)
        self.tail = ModuleList()
        for place in range(self.n_clusters):
            hidden = int(in_features // div_value ** (place + 1))
            size = self.cutoffs[place + 1] - self.cutoffs[place]
            down = Linear(in_features, hidden, bias=False, **where)
            self.tail.append(Sequential(down, Linear(hidden, size, bias=False, **where)))

    def reset_parameters(self) -> None:
        """Draws all layers anew."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        batched = target_.dim() > 0
        _check_call(input_, target_)
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        low, high = int(target.min()), int(target.max())
        if low < 0 or high >= self.n_classes:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{low}, {high}] were found. "
            )
        output = self._log_prob_of(input, target)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _log_prob_of(self, input: Tensor, target: Tensor) -> Tensor:
        """The log probabilities of the targets only: each cluster sees its own rows."""
        output = input.new_zeros(target.shape[0])
        head_index = target.clone()
        for place in range(self.n_clusters):
            low, high = self.cutoffs[place], self.cutoffs[place + 1]
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            scores = F.log_softmax(self.tail[place](input.index_select(0, rows)), dim=1)
            inside = target.index_select(0, rows) - low
            output = output.index_copy(0, rows, scores.gather(1, inside.unsqueeze(1)).squeeze(1))
            head_index = head_index.index_fill(0, rows, self.shortlist_size + place)
        head = F.log_softmax(self.head(input), dim=1)
        return output + head.gather(1, head_index.unsqueeze(1)).squeeze(1)

    def _get_full_log_prob(self, input: Tensor, head_output: Tensor) -> Tensor:
        """The log probabilities of all classes, given the scores of the head."""
        head = F.log_softmax(head_output, dim=1)
        out = input.new_empty((head_output.size(0), self.n_classes))
        out[:, : self.shortlist_size] = head[:, : self.shortlist_size]
        for place, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:], strict=False)):
            scores = F.log_softmax(self.tail[place](input), dim=1)
            out[:, start:stop] = scores + head[:, self.shortlist_size + place].unsqueeze(1)
        return out

    def log_prob(self, input: Tensor) -> Tensor:
        """The log probabilities of all classes: (N, n_classes)."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row; clusters are computed only where it is in one."""
        head = self.head(input)
        output = head.argmax(dim=1)
        rare = output >= self.shortlist_size
        if not rare.any():
            return output
        if rare.all():
            return self._get_full_log_prob(input, head).argmax(dim=1)
        scores = self._get_full_log_prob(input[rare], head[rare])
        output[rare] = scores.argmax(dim=1)
        return output


def _check(cutoffs: list[int], n_classes: int) -> None:
    if not cutoffs:
        raise ValueError("cutoffs should be a sequence of length larger than 0")
    if (
        cutoffs != sorted(cutoffs)
        or min(cutoffs) <= 0
        or max(cutoffs) > n_classes - 1
        or len(set(cutoffs)) != len(cutoffs)
        or any(int(cutoff) != cutoff for cutoff in cutoffs)
    ):
        raise ValueError(
            "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
            "order, where each value is between 1 and n_classes-1"
        )


def _check_call(input: Tensor, target: Tensor) -> None:
    if target.dim() == 1:
        if input.size(0) != target.size(0):
            raise RuntimeError("Input and target should have the same size in the batch dimension.")
        if input.dim() != 2:
            raise RuntimeError(
                "1D target tensor expects 2D input tensors, but found inputs with size "
                f"{input.size()}"
            )
    elif target.dim() == 0:
        if input.dim() != 1:
            raise RuntimeError(
                "0D target tensor expects 1D input tensors, but found inputs with size "
                f"{input.size()}"
            )
    else:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
