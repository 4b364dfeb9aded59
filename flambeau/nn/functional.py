"""``torch.nn.functional``: re-exports only, one line per topic."""

from __future__ import annotations

from flambeau.ops.adaptive_pooling import *
from flambeau.ops.classification_losses import *
from flambeau.ops.convolution import conv1d, conv2d, conv3d, conv_tbc
from flambeau.ops.convolution import conv_transpose1d, conv_transpose2d, conv_transpose3d
from flambeau.ops.ctc import *
from flambeau.ops.distances import bilinear, cosine_similarity, pairwise_distance, pdist
from flambeau.ops.embedding import *
from flambeau.ops.implicit import *
from flambeau.ops.losses import *
from flambeau.ops.margin_losses import *
from flambeau.ops.normalization import *
from flambeau.ops.padding import *
from flambeau.ops.pointwise.functional import *
from flambeau.ops.pooling import *

from flambeau.ops.noise_layers import *  # isort: skip  (its rrelu is the one with `inplace`)
from flambeau.ops.products import linear as linear
