"""What the current thread, or the process, does differently from a plain call.

``modes`` belongs to a thread and is read only where a tensor has a history (reading a thread-local
costs 55 ns). ``flags`` belongs to the process and guards the shortcuts of the operators:
``flags.active`` counts everything that asks for the full road of ``dispatch``.
"""

from __future__ import annotations

import os
import threading
from typing import Any


class Modes(threading.local):
    """The state of one thread."""

    grad: bool = True  # whether operations are recorded
    inference: bool = False  # whether results become inference tensors
    devices: tuple[Any, ...] = ()  # devices entered as context managers, innermost last
    interceptors: tuple[Any, ...] = ()  # modes and transforms that see every call, innermost last
    saved_hooks: tuple[Any, ...] = ()  # (pack, unpack) pairs for saved tensors, innermost last
    multithreading: bool = True
    grad_layout: bool = True  # whether a new ``.grad`` is laid out as its tensor
    level: int = 0  # how many transforms are nested
    lifts: tuple[Any, ...] = ()  # levels of the running transforms, and what lifts to them
    batches: tuple[Any, ...] = ()  # the vmaps that are running, innermost last
    plain_subclasses: int = 0  # how many DisableTorchFunctionSubclass blocks are open
    backward_pass: Any = None  # the nodes of the pass that is running
    factories: Any = None  # who is told of tensors that no operator made: a FactoryWatcher
    watcher: Any = None  # who computes the gradients of nodes instead of the engine, to watch them
    autocast: Any = None  # the active autocast region
    module_path: tuple[Any, ...] = ()


class Flags:
    """The state of the process."""

    __slots__ = ("active", "anomaly", "devices", "fills", "slow")

    active: int  # how many things ask for the full road
    anomaly: tuple[bool, bool]  # detect_anomaly: on, check for nan
    devices: int  # how many device context managers are open
    fills: bool  # whether memory that nobody has written to is given values
    slow: bool  # FLAMBEAU_FAST=0: no shortcuts at all


modes = Modes()
flags = Flags()
flags.slow = os.environ.get("FLAMBEAU_FAST", "1") == "0"
flags.active = 1 if flags.slow else 0
flags.anomaly = (False, True)
flags.devices = 0
flags.fills = False
