"""``torch.nn.functional``: re-exports only, one line per topic."""

from __future__ import annotations

from flambeau.ops.dropout_layers import *
from flambeau.ops.pointwise.functional import *
