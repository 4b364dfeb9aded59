"""Tools around tensors and modules."""

from flambeau.namespace import module_getattr

__getattr__ = module_getattr(
    __name__,
    lazy=(
        "_pytree", "benchmark", "bottleneck", "checkpoint", "data", "flop_counter", "hooks",
        "module_tracker", "weak",
    ),
)  # fmt: skip
