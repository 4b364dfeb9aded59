"""How a module shows itself in a notebook."""

from __future__ import annotations

from html import escape
from typing import Any

from flambeau.nn.parameter import sized


class Notebook:
    """The part of a module that makes HTML of it: a tree that opens and closes."""

    _modules: dict[str, Any]
    _parameters: dict[str, Any]

    def _repr_html_(self) -> str:
        return f'<div style="font-family:monospace">{_tree("", self, True)}</div>'


def _tree(name: str, module: Any, is_open: bool) -> str:
    total = sum([p.numel() for p in sized(module.parameters())])
    title = escape(f"({name}): " if name else "") + f"<b>{escape(module._get_name())}</b>"
    title += escape(f"({' '.join(module.extra_repr().split())})")
    title += f' <span style="color:gray">{total:,} parameters</span>' if total else ""
    below = [
        _tree(key, child, False) for key, child in module._modules.items() if child is not None
    ]
    if not below:
        return f'<div style="margin-left:1.5em">{title}</div>'
    start = f'<details style="margin-left:1em"{" open" if is_open else ""}>'
    return f"{start}<summary>{title}</summary>{''.join(below)}</details>"
