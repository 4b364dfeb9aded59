"""``draw_graph``: the graph of a computation as a picture."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from flambeau.core.errors import describe_site
from flambeau.core.graph import Leaf, Node, Output
from flambeau.core.tensor import Tensor
from flambeau.core.views import history

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 170, 40, 20, 34


class Picture:
    """A graph: ``nodes`` are (label, note, is_leaf), ``edges`` pairs of their numbers.

    ``svg`` and ``dot`` are texts; ``save`` writes a file of either; notebooks show it.
    """

    def __init__(self, nodes: list[tuple[str, str, bool]], edges: list[tuple[int, int]]) -> None:
        self.nodes, self.edges = nodes, edges

    @property
    def dot(self) -> str:
        """The graph for Graphviz."""
        lines = ["digraph backward {", "  node [shape=box, style=filled, fillcolor=white];"]
        for number, (label, note, leaf) in enumerate(self.nodes):
            color = ', fillcolor="lightblue"' if leaf else ""
            text = json.dumps(f"{label}\n{note}")
            lines.append(f"  {number} [label={text}{color}];")
        lines += [f"  {a} -> {b};" for a, b in self.edges]
        return "\n".join([*lines, "}", ""])

    def _rows(self) -> list[list[int]]:
        """The nodes by their longest way from the root."""
        depth = [0] * len(self.nodes)
        for a, b in self.edges:  # in topological order
            depth[b] = max(depth[b], depth[a] + 1)
        rows: list[list[int]] = [[] for _ in range(max(depth, default=0) + 1)]
        for number, row in enumerate(depth):
            rows[row].append(number)
        return rows

    @property
    def svg(self) -> str:
        """The graph as a picture, with gradients flowing down."""
        rows = self._rows()
        wide = max([len(row) for row in rows]) * (_WIDTH + _GAP_X) + _GAP_X
        high = len(rows) * (_HEIGHT + _GAP_Y) + _GAP_Y
        at = {}
        for y, row in enumerate(rows):
            left = (wide - len(row) * (_WIDTH + _GAP_X) + _GAP_X) / 2
            for x, number in enumerate(row):
                at[number] = (left + x * (_WIDTH + _GAP_X), _GAP_Y + y * (_HEIGHT + _GAP_Y))
        body = [_line(at[a], at[b]) for a, b in self.edges]
        body += [_box(at[i], *node) for i, node in enumerate(self.nodes)]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
            f'font-family="sans-serif" font-size="11">{"".join(body)}</svg>'
        )

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Writes ``.svg``, or ``.dot`` for any other ending."""
        Path(path).write_text(self.svg if str(path).endswith(".svg") else self.dot)

    def __repr__(self) -> str:
        return f"<Picture of {len(self.nodes)} nodes and {len(self.edges)} edges>"


def _line(a: tuple[float, float], b: tuple[float, float]) -> str:
    x1, y1, x2, y2 = a[0] + _WIDTH / 2, a[1] + _HEIGHT, b[0] + _WIDTH / 2, b[1]
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#888"/>'


def _box(at: tuple[float, float], label: str, note: str, leaf: bool) -> str:
    x, y = at
    fill = "#cfe8ff" if leaf else "#ffffff"
    middle = x + _WIDTH / 2
    return (
        f'<g><title>{html.escape(note)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="4" fill="{fill}" stroke="#444"/>'
        f'<text x="{middle}" y="{y + 16}" text-anchor="middle">{html.escape(label)}</text>'
        f'<text x="{middle}" y="{y + 31}" text-anchor="middle" fill="#666">'
        f"{html.escape(note[:28])}</text></g>"
    )


def draw_graph(loss: Any, params: dict[str, Tensor] | None = None) -> Picture:
    """The graph below a tensor (or several): a box for each operation, blue ones for leaves.

    ``params`` names leaves: ``dict(model.named_parameters())``. Notes are the shapes, and the line
    that made a node where it is known. ValueError for a tensor without history.

    >>> x = torch.ones(2, requires_grad=True)
    >>> draw_graph((x * 2).sum())
    <Picture of 3 nodes and 2 edges>
    """
    tensors = [loss] if isinstance(loss, Tensor) else list(loss)
    roots = [_owner(history(t)) for t in tensors if history(t) is not None]
    if not roots:
        raise ValueError("there is no graph: the tensor does not require grad")
    names = {id(history(t)): name for name, t in (params or {}).items()}
    order = _ordered(roots)
    number = {node: i for i, node in enumerate(order)}
    nodes = [_shown(node, names) for node in order]
    edges = [(number[n], number[_owner(e)]) for n in order for e in n.edges if e is not None]
    return Picture(nodes, edges)


def _owner(node: Any) -> Node:
    return node.owner if isinstance(node, Output) else node


def _ordered(roots: list[Node]) -> list[Node]:
    """All nodes, each before those it sends gradients to."""
    done: dict[Node, None] = {}
    stack: list[tuple[Node, bool]] = [(root, False) for root in roots]
    seen: set[Node] = set()
    while stack:
        node, finished = stack.pop()
        if finished:
            done[node] = None
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(_owner(e), False) for e in node.edges if e is not None]
    return list(done)[::-1]


def _shown(node: Node, names: dict[int, str]) -> tuple[str, str, bool]:
    shape = str(list(node.shape))
    if isinstance(node, Leaf):
        return names.get(id(node), "leaf"), shape, True
    line = f" at {describe_site(node.site)}" if hasattr(node, "site") else ""
    return node.name(), shape + line, False  # type: ignore[attr-defined]
