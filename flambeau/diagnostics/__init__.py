"""What went wrong, and where things are made: tools for reading a program while it runs.

``detect_nonfinite`` finds the operator where NaN or infinity begins, ``source`` shows everything
about an operator, ``draw_graph`` the graph that a backward pass would walk.
"""

from flambeau.diagnostics.nonfinite import NonFiniteError, detect_nonfinite
from flambeau.diagnostics.pictures import Picture, draw_graph
from flambeau.diagnostics.sources import Source, source

__all__ = ["NonFiniteError", "Picture", "Source", "detect_nonfinite", "draw_graph", "source"]
