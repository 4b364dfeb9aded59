"""Forms that tell where they failed (LAPACK's ``info``) instead of raising."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from flambeau.core.dtype import int32
from flambeau.core.errors import LinAlgError
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import zeros
from flambeau.ops.from_data import tensor
from flambeau.ops.sequences import eye


def informed(
    compute: Callable[[Tensor], Tensor],
    A: Any,
    fault: Callable[[numpy.ndarray], int],
    check_errors: bool,
    rank: int = 2,
) -> tuple[Tensor, Tensor]:
    """``compute(A)`` and ``info``: 0, or the place that ``fault`` finds in a matrix without a
    result. NaN stands for the result then, in its last ``rank`` dimensions.

    LinAlgError instead with ``check_errors``.
    """
    try:
        return compute(A), zeros(A.shape[:-2], dtype=int32, device=A.device)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace(":", "_ex:", 1)) from None
    flat = A.detach().resolve_conj().reshape(-1, *A.shape[-2:])
    places = [fault(one) for one in (flat.float() if flat.kind.narrow else flat).numpy()]
    info: Any = tensor(places, dtype=int32).reshape(A.shape[:-2])  # type: ignore[attr-defined]
    wrong = (info != 0)[..., None, None]
    sound = eye(A.shape[-1], dtype=A.dtype).where(wrong, A)  # type: ignore[attr-defined]
    result: Any = compute(sound)
    return result.masked_fill(wrong if rank == 2 else wrong[..., 0], math.nan), info
