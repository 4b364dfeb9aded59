"""The findings as one HTML page with a flame chart; it needs nothing from elsewhere."""

from __future__ import annotations

import html
from typing import Any

from flambeau.autograd.profiling.events import format_time
from flambeau.utils.bottleneck.findings import Findings
from flambeau.utils.bottleneck.report import report

_WIDTH, _ROW, _MOST = 1200, 18, 3000  # pixels, pixels, boxes
_STYLE = (
    "body{font:14px sans-serif;margin:24px}pre{background:#f6f6f6;padding:12px;overflow:auto}"
    "rect{stroke:#fff;stroke-width:.5}text{font-size:10px;pointer-events:none}"
)


def html_page(found: Findings, rows: int = 20) -> str:
    """The report, and below it every operator over time, those inside others below them."""
    title = html.escape(f"Bottlenecks of {found.program}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<pre>{html.escape(report(found, rows))}</pre><h2>Flame chart</h2>{_chart(found.events)}"
        "</body></html>"
    )


def _chart(events: Any) -> str:
    if not events:
        return "<p>no operators</p>"
    start = min([e.time_range.start for e in events])
    scale = _WIDTH / max(max([e.time_range.end for e in events]) - start, 1e-9)
    longest = sorted(events, key=lambda e: -e.cpu_time_total)[:_MOST]
    depths = {id(e): _depth(e) for e in longest}
    high = (max(depths.values()) + 1) * _ROW
    boxes = "".join([_box(e, depths[id(e)], start, scale) for e in longest])
    return f'<svg width="{_WIDTH}" height="{high}">{boxes}</svg>'


def _depth(event: Any) -> int:
    depth = 0
    while event.cpu_parent is not None:
        event, depth = event.cpu_parent, depth + 1
    return depth


def _box(event: Any, depth: int, start: float, scale: float) -> str:
    x, width = (event.time_range.start - start) * scale, event.cpu_time_total * scale
    hue = sum(event.name.encode()) * 37 % 60  # warm colours, the same for the same name
    note = f"{event.name}: {format_time(event.cpu_time_total)}"
    if event.stack:
        note += f"\n{event.stack[0]}"
    label = html.escape(event.name[: int(width / 6)]) if width > 30 else ""
    return (
        f'<g><title>{html.escape(note)}</title><rect x="{x:.2f}" y="{depth * _ROW}" '
        f'width="{max(width, 0.3):.2f}" height="{_ROW}" fill="hsl({hue},80%,65%)"/>'
        f'<text x="{x + 2:.2f}" y="{depth * _ROW + 12}">{label}</text></g>'
    )
