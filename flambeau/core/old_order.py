"""The order of arguments before PyTorch 1.5, which programs of that time still have: a number,
then the tensor or tensors that it scales, as in ``x.add_(-rate, gradient)``."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau.core.publish import NUMBERS
from flambeau.core.tensor import Tensor


def number_first(function: str, given: tuple[Any, ...], keyword: Any) -> tuple[Any, ...]:
    """The number and the tensors of a call in the old order, with a UserWarning.

    TypeError unless that order is meant: a number comes first and none is given by `keyword`.
    """
    number, *scaled = given
    single = isinstance(number, Tensor) and number.ndim == 0
    if not (single or isinstance(number, NUMBERS)) or keyword != 1:
        most = len(given) - 1 + (not function.endswith("_"))
        raise TypeError(
            f"{function}() takes {most} positional argument{'s' * (most != 1)} but {most + 1} were "
            "given"
        )
    warnings.warn(f"This overload of {function} is deprecated: pass the number last", stacklevel=3)
    return (number.item() if single else number, *scaled)  # type: ignore[attr-defined]
