"""``torch.amp``: automatic mixed precision.

``autocast`` runs matrix products and convolutions in a narrow type and what needs the range in
float32; ``GradScaler`` keeps float16 gradients from vanishing. The lists of operators are in
``core/autocast.py``.
"""

from __future__ import annotations

from flambeau.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from flambeau.amp.grad_scaler import GradScaler, OptState
from flambeau.namespace import module_getattr as _module_getattr

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = _module_getattr(__name__)
