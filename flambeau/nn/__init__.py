"""Neural networks: parameters, layers, losses, containers, initial values, utilities."""

from __future__ import annotations

from flambeau.namespace import module_getattr
from flambeau.nn import attention, functional, grad, init, modules, parallel, parameter, utils
from flambeau.nn.modules import *
from flambeau.nn.parallel import DataParallel
from flambeau.nn.parameter import (
    Buffer,
    Parameter,
    UninitializedBuffer,
    UninitializedParameter,
)

__all__ = [
    *modules.__all__,
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "attention",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
]

__getattr__ = module_getattr(__name__)
