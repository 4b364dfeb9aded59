"""``torch.nn.functional``: re-exports only, one line per topic."""

from __future__ import annotations

from flambeau.ops.adaptive_pooling import *
from flambeau.ops.attention import *
from flambeau.ops.classification_losses import *
from flambeau.ops.ctc import *
from flambeau.ops.embedding_bag import *
from flambeau.ops.folding import *
from flambeau.ops.implicit import *
from flambeau.ops.losses import *
from flambeau.ops.margin_losses import *
from flambeau.ops.multi_head import *
from flambeau.ops.normalization import *
from flambeau.ops.padding import *
from flambeau.ops.pointwise.functional import *
from flambeau.ops.pooling import *
from flambeau.ops.resampling import *
from flambeau.ops.unpooling import *
from flambeau.ops.vision import *

from flambeau.ops.noise_layers import *  # isort: skip  (its rrelu is the one with `inplace`)
from flambeau.ops.products import linear as linear
