"""``torch.autograd.profiler_util``: events and their averages."""

from flambeau.autograd.profiling.averages import EventList, FunctionEventAvg
from flambeau.autograd.profiling.events import (
    DeviceType,
    FormattedTimesMixin,
    FunctionEvent,
    Interval,
    Kernel,
)

__all__ = [
    "DeviceType",
    "EventList",
    "FormattedTimesMixin",
    "FunctionEvent",
    "FunctionEventAvg",
    "Interval",
    "Kernel",
]
