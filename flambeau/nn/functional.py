"""``torch.nn.functional``: re-exports only, one line per topic."""

from __future__ import annotations

from flambeau.namespace import module_getattr as _module_getattr
from flambeau.ops.adaptive_pooling import *
from flambeau.ops.attention import *
from flambeau.ops.classification_losses import *
from flambeau.ops.convolution import (
    conv1d as conv1d,
)  # fmt: skip
from flambeau.ops.convolution import (
    conv2d as conv2d,
)
from flambeau.ops.convolution import (
    conv3d as conv3d,
)
from flambeau.ops.convolution import (
    conv_tbc as conv_tbc,
)
from flambeau.ops.convolution import (
    conv_transpose1d as conv_transpose1d,
)
from flambeau.ops.convolution import (
    conv_transpose2d as conv_transpose2d,
)
from flambeau.ops.convolution import (
    conv_transpose3d as conv_transpose3d,
)
from flambeau.ops.ctc import *
from flambeau.ops.distances import (
    bilinear as bilinear,
)  # fmt: skip
from flambeau.ops.distances import (
    cosine_similarity as cosine_similarity,
)
from flambeau.ops.distances import (
    pairwise_distance as pairwise_distance,
)
from flambeau.ops.distances import (
    pdist as pdist,
)
from flambeau.ops.dropout import rrelu_ as rrelu_
from flambeau.ops.embedding import embedding as embedding
from flambeau.ops.embedding import one_hot as one_hot
from flambeau.ops.embedding_bag import *
from flambeau.ops.folding import *
from flambeau.ops.grouped_products import *
from flambeau.ops.implicit import *
from flambeau.ops.linear import linear as linear
from flambeau.ops.losses import *
from flambeau.ops.margin_losses import *
from flambeau.ops.multi_head import *
from flambeau.ops.normalization import *
from flambeau.ops.padding import pad as pad
from flambeau.ops.pointwise.functional import *
from flambeau.ops.pooling import *
from flambeau.ops.resampling import *
from flambeau.ops.row_normalization import *
from flambeau.ops.unpooling import *
from flambeau.ops.vision import *

from flambeau.ops.noise_layers import *  # isort: skip  (its rrelu is the one with `inplace`)

__getattr__ = _module_getattr(__name__)
