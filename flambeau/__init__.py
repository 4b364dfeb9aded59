"""Flambeau: PyTorch's API in Python. This module only re-exports; ``docs/reading_order.md`` says
where things are made.

>>> import flambeau as torch
>>> torch.ones(2) + 1
tensor([2., 2.])
"""

from __future__ import annotations

import math as _math
import sys as _sys

from flambeau import autograd
from flambeau.autograd.anomaly_mode import (
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_anomaly_enabled,
)
from flambeau.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)  # fmt: skip
from flambeau.core import dtype as _dtypes
from flambeau.core.device import device, get_default_device, set_default_device
from flambeau.core.dtype import dtype, get_default_dtype, set_default_dtype
from flambeau.core.errors.messages import AcceleratorError, OutOfMemoryError
from flambeau.core.generator import Generator, default_generator
from flambeau.core.layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    jagged,
    layout,
    memory_format,
    preserve_format,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
)  # fmt: skip
from flambeau.core.limits import finfo, iinfo
from flambeau.core.printing import set_printoptions
from flambeau.core.promotion import can_cast, promote_types, result_type
from flambeau.core.size import Size
from flambeau.core.tensor import Tensor
from flambeau.core.typed_storage import LEGACY as _STORAGES
from flambeau.core.typed_storage import TypedStorage
from flambeau.core.untyped_storage import UntypedStorage
from flambeau.namespace import module_getattr as _module_getattr
from flambeau.ops import calling as _calling
from flambeau.ops import copying as _copying, notebook as _notebook, python_values as _values
from flambeau.ops.adaptive_pooling import adaptive_avg_pool1d
from flambeau.ops.assignment import *
from flambeau.ops.attributes import *
from flambeau.ops.broadcasting import *
from flambeau.ops.contraction import *
from flambeau.ops.conversion import *
from flambeau.ops.convolution import *
from flambeau.ops.creation import *
from flambeau.ops.diagonals import *
from flambeau.ops.distances import *
from flambeau.ops.dropout import *
from flambeau.ops.einsum import *
from flambeau.ops.extremes import *
from flambeau.ops.files import *
from flambeau.ops.from_data import *
from flambeau.ops.gathering import *
from flambeau.ops.grids import *
from flambeau.ops.histograms import *
from flambeau.ops.index_writes import *
from flambeau.ops.indexing import *
from flambeau.ops.interchange import *
from flambeau.ops.joining import *
from flambeau.ops.legacy import TYPES as _TENSOR_TYPES
from flambeau.ops.linalg.cholesky import cholesky_inverse, cholesky_solve
from flambeau.ops.linalg.cholesky import cholesky_of as cholesky
from flambeau.ops.linalg.determinants import det, logdet, slogdet
from flambeau.ops.linalg.inverses import inverse, pinverse
from flambeau.ops.linalg.iterative import lobpcg
from flambeau.ops.linalg.lu import lu_of as lu
from flambeau.ops.linalg.lu import lu_solve_of as lu_solve
from flambeau.ops.linalg.lu import lu_unpack
from flambeau.ops.linalg.matrix_functions import matrix_exp, matrix_power
from flambeau.ops.linalg.qr import geqrf, orgqr, ormqr
from flambeau.ops.linalg.qr import qr_of as qr
from flambeau.ops.linalg.solvers import triangular_solve
from flambeau.ops.linalg.svd import pca_lowrank, svd_lowrank
from flambeau.ops.linalg.svd import svd_of as svd
from flambeau.ops.masking import *
from flambeau.ops.moments import *
from flambeau.ops.native import *
from flambeau.ops.native_losses import *
from flambeau.ops.native_normalization import *
from flambeau.ops.norms import *
from flambeau.ops.numerical import *
from flambeau.ops.overwriting import *
from flambeau.ops.padding import constant_pad_nd
from flambeau.ops.pointwise.activation import *
from flambeau.ops.pointwise.arithmetic import *
from flambeau.ops.pointwise.bitwise import *
from flambeau.ops.pointwise.comparison import *
from flambeau.ops.pointwise.complex import *
from flambeau.ops.pointwise.exponential import *
from flambeau.ops.pointwise.in_place import *
from flambeau.ops.pointwise.logical import *
from flambeau.ops.pointwise.rounding import *
from flambeau.ops.pointwise.selection import *
from flambeau.ops.pointwise.signs import *
from flambeau.ops.pointwise.special import *
from flambeau.ops.pointwise.ternary import *
from flambeau.ops.pointwise.trigonometric import *
from flambeau.ops.pooling import avg_pool1d, max_pool1d_with_indices
from flambeau.ops.products import *
from flambeau.ops.quantiles import *
from flambeau.ops.random import *
from flambeau.ops.rearranging import *
from flambeau.ops.recurrent import *
from flambeau.ops.reductions import *
from flambeau.ops.repeating import *
from flambeau.ops.reshaping import *
from flambeau.ops.row_normalization import rms_norm
from flambeau.ops.sampling import *
from flambeau.ops.scans import *
from flambeau.ops.scattering import *
from flambeau.ops.seeding import *
from flambeau.ops.segments import *
from flambeau.ops.sequences import *
from flambeau.ops.slicing import *
from flambeau.ops.softmax import *
from flambeau.ops.sorting import *
from flambeau.ops.spectral import istft, stft
from flambeau.ops.splitting import *
from flambeau.ops.storage import *
from flambeau.ops.strided import *
from flambeau.ops.subclasses import *
from flambeau.ops.sums_of_products import *
from flambeau.ops.transposition import *
from flambeau.ops.uniques import *
from flambeau.ops.vector_norms import *
from flambeau.ops.view_copies import *
from flambeau.ops.views import *
from flambeau.ops.vision import channel_shuffle, pixel_shuffle, pixel_unshuffle
from flambeau.ops.windows import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    kaiser_window,
)
from flambeau.removed import *
from flambeau.settings import *
from flambeau.sparse.construction import *
from flambeau.sparse.products import dsmm, hsmm, hspmm, saddmm, smm, spmm, sspaddmm
from flambeau.sparse.views import *
from flambeau.sparse.writing import resize_as_sparse_
from flambeau.symbolic import *
from flambeau.torch_version import __version__
from flambeau._ops import private_operator as _private_operator
from flambeau._ops import ops  # what users call so; the package of the operators keeps its path

globals().update(_dtypes.ALL)  # float32, float, bool, ...
globals().update(_TENSOR_TYPES)  # FloatTensor, LongTensor, ...
globals().update(_STORAGES)  # FloatStorage, LongStorage, ...
Storage = _STORAGES["FloatStorage"]
legacy_contiguous_format = contiguous_format
torch = _sys.modules[__name__]  # PyTorch has a ``torch.torch``, and programs use it
e, inf, nan, newaxis, pi = _math.e, _math.inf, _math.nan, None, _math.pi

_AUTOCAST = """
    autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache
    get_autocast_cpu_dtype get_autocast_dtype get_autocast_gpu_dtype is_autocast_cache_enabled
    is_autocast_cpu_enabled is_autocast_enabled set_autocast_cache_enabled set_autocast_cpu_dtype
    set_autocast_cpu_enabled set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype
"""
__getattr__ = _module_getattr(
    __name__,
    lazy=(
        "__config__",
        "__future__",
        "_dynamo",
        "accelerator",
        "amp",
        "backends",
        "compiler",
        "cpu",
        "cuda",
        "diagnostics",
        "fft",
        "func",
        "functional",
        "futures",
        "hub",
        "library",
        "linalg",
        "masked",
        "memory",
        "mps",
        "mtia",
        "nn",
        "optim",
        "overrides",
        "profiler",
        "quasirandom",
        "random",
        "return_types",
        "serialization",
        "signal",
        "special",
        "storage",
        "testing",
        "types",
        "utils",
        "xpu",
    ),
    lazy_names={
        "DisableTorchFunction": "overrides",
        "Event": "streams",
        "Future": "futures",
        "GradScaler": "amp",
        "Stream": "streams",
        "autocast": "amp",
        "classes": "_classes",
        "compile": "_dynamo.eval_frame",
        "cond": "control_flow",
        "detect_nonfinite": "diagnostics",
        "draw_graph": "diagnostics",
        "fork": "futures",
        "load": "serialization",
        "save": "serialization",
        "source": "diagnostics",
        "summary": "model_summary",
        "thread_safe_generator": "random",
        "vmap": "func",
        "wait": "futures",
        "while_loop": "control_flow",
        **dict.fromkeys(_AUTOCAST.split(), "amp.state"),
    },
    find=_private_operator,
)
