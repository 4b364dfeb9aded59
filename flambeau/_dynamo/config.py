"""Settings of PyTorch's compiler. Programs may set and read them; nothing here depends on them.

>>> from flambeau._dynamo import config
>>> with config.patch(verbose=True):
...     config.verbose
True
>>> config.verbose
False
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

accumulated_recompile_limit = cache_size_limit = recompile_limit = 8
accumulated_recompile_limit = accumulated_cache_size_limit = 256
assume_static_by_default = automatic_dynamic_shapes = inline_inbuilt_nn_modules = True
capture_dynamic_output_shape_ops = capture_scalar_outputs = disable = False
dynamic_shapes = guard_nn_modules = optimize_ddp = True
enable_aot_compile = error_on_recompile = fail_on_recompile_limit_hit = False
force_parameter_static_shapes = specialize_int = suppress_errors = verbose = False


@contextmanager
def patch(changes: Any = None, value: Any = None, **settings: Any) -> Iterator[None]:
    """Other settings for a while: ``patch(a=1)``, ``patch({"a": 1})`` or ``patch("a", 1)``.

    Also a decorator. Raises AttributeError for a setting that does not exist.
    """
    if isinstance(changes, str):
        settings = {changes: value}
    elif changes is not None:
        settings = dict(changes)
    module = sys.modules[__name__]
    for name in settings:
        if not hasattr(module, name):
            raise AttributeError(f"torch._dynamo.config.{name} does not exist")
    before = {name: getattr(module, name) for name in settings}
    vars(module).update(settings)
    try:
        yield
    finally:
        vars(module).update(before)
