"""Autocast: the dtype that each operator runs in while ``torch.autocast`` is open.

``dispatch`` asks for every call by the operator's name; functions that look at dtypes themselves,
or whose operators cannot tell who calls them, ask first by their own name. Three policies:

* *lower*: every float32, float16 or bfloat16 operand becomes the type of the region,
* *full*: every float16 or bfloat16 operand becomes float32,
* *widest*: float32 if there is such an operand, else the type of the region.

float64 operands and those on other devices are left alone, as are all operators not listed. A
function with ``autocasting`` that is not listed keeps autocast away from what it is made of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flambeau.core.dtype import bfloat16, dtype, float16, float32
from flambeau.core.graph import Leaf
from flambeau.core.modes import flags, modes
from flambeau.core.tensor import Tensor

Function = Callable[..., Any]
LOWER, FULL, WIDEST = "lower", "full", "widest"
ELIGIBLE = (float32, float16, bfloat16)
PREFERRED: dict[str, dtype] = {"cpu": bfloat16, "cuda": float16}


class State(threading.local):
    """What autocast remembers in a thread besides the open regions, ``modes.autocast``."""

    nesting: int = 0
    caching: bool = True

    def __init__(self) -> None:
        self.types = dict(PREFERRED)
        self.cache: dict[int, tuple[Tensor, Tensor]] = {}


state = State()


def is_enabled(device: str) -> bool:
    """Whether operands on devices of that type are cast in this thread."""
    return modes.autocast is not None and device in modes.autocast


def set_enabled(device: str, enabled: bool) -> None:
    """Opens or closes autocast for a type of device; the mapping of open ones is never changed."""
    before: dict[str, dtype] = modes.autocast or {}
    after = {key: to for key, to in before.items() if key != device}
    if enabled:
        after[device] = state.types[device]
    flags.active += bool(after) - bool(before)
    modes.autocast = after or None


def set_dtype(device: str, to: dtype) -> None:
    """Chooses the lower precision of a type of device, in an open region too."""
    state.types[device] = to
    if is_enabled(device):
        set_enabled(device, True)


def autocast(name: str, operands: Sequence[Any]) -> Sequence[Any]:
    """The operands that the operator or function `name` computes with inside autocast."""
    regions = modes.autocast
    if regions is None:
        return operands
    device = next((t.device.type for t in operands if isinstance(t, Tensor)), None)
    if device not in regions:
        return operands
    policy = POLICIES[device].get(name)
    if policy is None:
        return operands
    to = float32 if policy is FULL else regions[device]
    if policy is WIDEST and any([_eligible(t, device) and t.dtype is float32 for t in operands]):
        to = float32
    return tuple([_cast(t, to) if _eligible(t, device) else t for t in operands])


def _eligible(value: Any, device: str) -> bool:
    return isinstance(value, Tensor) and value.dtype in ELIGIBLE and value.device.type == device


def _cast(tensor: Tensor, to: dtype) -> Tensor:
    """The tensor in that dtype; casts of float32 parameters are kept until the region ends."""
    if tensor.dtype is to:
        return tensor
    if not (state.caching and to is not float32 and type(tensor._node) is Leaf):
        return tensor.to(to)  # type: ignore[attr-defined, no-any-return]
    found = state.cache.get(id(tensor))
    if found is None or found[1].dtype is not to or found[1].requires_grad is not modes.grad:
        found = state.cache[id(tensor)] = tensor, tensor.to(to)  # type: ignore[attr-defined]
    return found[1]


def autocasting(name: str) -> Callable[[Function], Function]:
    """Decorator: the tensors given to the function are cast by the policy of `name`, and
    inside it autocast is off. Without autocast it costs the flag that everything asks."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def entry(*args: Any, **kwargs: Any) -> Any:
            regions = modes.autocast if flags.active else None
            if regions is None:
                return function(*args, **kwargs)
            cast = autocast(name, (*args, *kwargs.values()))
            modes.autocast = None
            try:
                return function(*cast[: len(args)], **dict(zip(kwargs, cast[len(args) :])))
            finally:
                modes.autocast = regions

        return entry

    return decorate


def _table(**policies: str) -> dict[str, str]:
    return {name: policy for policy, names in policies.items() for name in names.split()}


POLICIES: dict[str, dict[str, str]] = {
    "cpu": _table(
        lower="""
            matmul mm bmm addmm addbmm baddbmm linalg_vecdot linear convolution
            scaled_dot_product_attention prelu lstm
        """,
        full="""
            avg_pool3d adaptive_avg_pool3d adaptive_max_pool3d max_pool3d max_unpool
            binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss
            cross_entropy ctc_loss hinge_embedding_loss huber_loss kl_div l1_loss
            margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss
            poisson_nll_loss smooth_l1_loss soft_margin_loss triplet_margin_loss
            cdist grid_sample polar prod quantile stft trace view_as_complex
            reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d
            replication_pad3d fft_c2c fft_c2r fft_r2c
            geqrf linalg_lu_solve lu_solve ormqr pinverse nanquantile fft triangular_solve
            cholesky_inverse cholesky_solve
            linalg_cholesky linalg_cond linalg_eig linalg_eigh linalg_householder_product
            linalg_inv linalg_lstsq linalg_matrix_rank linalg_qr linalg_solve linalg_svd
            linalg_svdvals linalg_tensorinv linalg_tensorsolve
        """,
        widest="cat stack index_copy",
    ),
    "cuda": _table(
        lower="""
            matmul mm bmm mv addmm addbmm addmv addr baddbmm chain_matmul linalg_multi_dot linear
            linalg_vecdot convolution scaled_dot_product_attention prelu rnn_tanh rnn_relu lstm gru
        """,
        full="""
            acos asin cosh erfinv exp expm1 log log10 log1p log2 pow reciprocal rsqrt sinh tan
            cumprod cumsum dist cdist linalg_vector_norm logsumexp pdist prod renorm sum
            softmax log_softmax softplus native_group_norm native_layer_norm cosine_similarity
            binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy
            hinge_embedding_loss kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss
            multilabel_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss
            triplet_margin_loss
        """,
        widest="""
            addcdiv addcmul atan2 bilinear cat cross dot grid_sample index_put scatter_add stack
            tensordot vdot
        """,
    ),
}
