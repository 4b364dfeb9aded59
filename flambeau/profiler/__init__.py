"""``torch.profiler``: recording by a schedule of steps, tables and traces.

>>> with profile(activities=[ProfilerActivity.CPU]) as prof:
...     with record_function("product"):
...         _ = torch.ones(8, 8) @ torch.ones(8, 8)
>>> prof.key_averages()[0].key
'product'
"""

from flambeau.autograd.profiler import KinetoStepTracker, kineto_available, record_function
from flambeau.autograd.profiling.events import DeviceType
from flambeau.profiler import itt
from flambeau.profiler.observer import ExecutionTraceObserver
from flambeau.profiler.schedules import ProfilerAction, schedule, tensorboard_trace_handler
from flambeau.profiler.session import ProfilerActivity, profile, supported_activities

__all__ = [
    "DeviceType",
    "ExecutionTraceObserver",
    "KinetoStepTracker",
    "ProfilerAction",
    "ProfilerActivity",
    "itt",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
