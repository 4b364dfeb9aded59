"""What anomaly detection keeps of the forward pass: where each node was made."""

from __future__ import annotations

import traceback
import warnings
from typing import Any

from flambeau.core.errors import outside
from flambeau.core.graph import Node, Output

_Stack = traceback.StackSummary


def remember(results: Any) -> None:
    """Keeps the lines of the program that are running with the node of new results."""
    for result in results if isinstance(results, tuple) else (results,):
        node = None if result is None else result._node
        if node is not None:
            keep_lines(node.owner if type(node) is Output else node)
            return


def keep_lines(node: Node) -> None:
    """Keeps the lines of the program that are running with a node, the innermost first."""
    node.__dict__["made_at"] = _Stack.extract(iter(outside()), lookup_lines=False)


def report(node: Node) -> None:
    """Warns of an error in the gradient of a node, with the lines that made it."""
    name, stack = type(node).__name__, node.__dict__.get("made_at")
    if stack is None:
        where = (
            "No forward pass information available. Enable detect anomaly during forward pass for "
            "more information."
        )
    else:
        lines = "".join(reversed(stack.format()))
        where = f"Traceback of forward call that caused the error:\n{lines}"
    warnings.warn(f"Error detected in {name}. {where}", stacklevel=3)
