"""``python -m flambeau.utils.bottleneck program.py [arguments]``: where a program's time goes.

The program runs twice: once with the profiler of operators, once with Python's. The report fits on
a screen: the environment, the costliest operators and lines (those of the forward pass, for
gradients too), the costliest functions of Python, and a verdict in words.
"""

from flambeau.utils.bottleneck.findings import Findings, investigate
from flambeau.utils.bottleneck.page import html_page
from flambeau.utils.bottleneck.report import environment, report, verdict

__all__ = ["Findings", "environment", "html_page", "investigate", "report", "verdict"]
