"""A line search for the strong Wolfe conditions, by cubic interpolation.

Nocedal and Wright, Numerical Optimization (2006), algorithms 3.5 and 3.6; safeguards as in M.
Schmidt's minFunc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Objective = Callable[[Any, float, Any], tuple[float, Any]]
DECREASE, CURVATURE = 1e-4, 0.9


@dataclass
class Point:
    """A step length with the loss, the gradient, and the slope along the line there."""

    t: Any
    loss: float
    grad: Any
    slope: Any


def cubic_minimum(left: Point, right: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with these slopes is least, within the bounds."""
    low, high = bounds or (min(left.t, right.t), max(left.t, right.t))
    a, b = (left, right) if left.t <= right.t else (right, left)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    place = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(place, low), high)


def strong_wolfe(
    objective: Objective,
    x: Any,
    t: Any,
    d: Any,
    loss: float,
    grad: Any,
    slope: Any,
    tolerance_change: float = 1e-9,
    most: int = 25,
) -> tuple[float, Any, Any, int]:
    """A step ``t`` along ``d`` from ``x`` that fulfils the conditions, if one is found.

    Returns the loss, the gradient and the step there, and the number of evaluations.
    """
    search = _Search(objective, x, d, Point(0, loss, grad.clone(), slope), tolerance_change, most)
    best = search.zoom(search.bracket(t))
    return best.loss, best.grad, best.t, search.evaluations


class _Search:
    def __init__(
        self, objective: Objective, x: Any, d: Any, start: Point, tolerance: float, most: int
    ) -> None:
        self.objective, self.x, self.d, self.start = objective, x, d, start
        self.tolerance, self.most = tolerance, most
        self.evaluations = self.iterations = 0
        self.done = False
        self.size = d.abs().max()

    def at(self, t: Any) -> Point:
        self.evaluations += 1
        loss, grad = self.objective(self.x, t, self.d)
        return Point(t, loss, grad.clone(), grad.dot(self.d))

    def too_high(self, point: Point) -> bool:
        """The loss has not fallen as much as the slope at the start promises."""
        return point.loss > self.start.loss + DECREASE * point.t * self.start.slope

    def flat(self, point: Point) -> bool:
        return abs(point.slope) <= -CURVATURE * self.start.slope

    def bracket(self, t: Any) -> list[Point]:
        """Two points around a step that fulfils the conditions, or that point alone."""
        before, point = self.start, self.at(t)
        while self.iterations < self.most:
            if self.too_high(point) or (self.iterations > 1 and point.loss >= before.loss):
                return [before, point]
            if self.flat(point):
                self.done = True
                return [point]
            if point.slope >= 0:
                return [before, point]
            bounds = point.t + 0.01 * (point.t - before.t), point.t * 10
            t = cubic_minimum(before, point, bounds)
            before, point = point, self.at(t)
            self.iterations += 1
        return [self.start, point]

    def zoom(self, ends: list[Point]) -> Point:
        """Narrows the bracket until a point fulfils the conditions or nothing changes."""
        stalled = False
        low = 0 if ends[0].loss <= ends[-1].loss else 1
        while not self.done and self.iterations < self.most:
            if abs(ends[1].t - ends[0].t) * self.size < self.tolerance:
                break
            t, stalled = self.inside(ends, stalled)
            point = self.at(t)
            self.iterations += 1
            if self.too_high(point) or point.loss >= ends[low].loss:
                ends[1 - low] = point
                low = 0 if ends[0].loss <= ends[1].loss else 1
                continue
            if self.flat(point):
                self.done = True
            elif point.slope * (ends[1 - low].t - ends[low].t) >= 0:
                ends[1 - low] = ends[low]
            ends[low] = point
        return ends[low if len(ends) == 2 else 0]

    def inside(self, ends: list[Point], stalled: bool) -> tuple[Any, bool]:
        """The next step to try: the cubic's minimum, kept off the ends of the bracket."""
        t = cubic_minimum(ends[0], ends[1])
        low, high = sorted((ends[0].t, ends[1].t))
        margin = 0.1 * (high - low)
        if min(high - t, t - low) >= margin:
            return t, False
        if not stalled and low < t < high:
            return t, True
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
