"""What calls of small operators, a backward pass and a training step cost."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy

Case = tuple[str, Callable[[], Any]]


def cases(torch: Any) -> list[Case]:
    """The cases for a module with PyTorch's interface: names and calls without arguments."""
    torch.manual_seed(0)
    a, b = torch.randn(8, 8), torch.randn(8, 8)
    weight = torch.randn(8, 8, requires_grad=True)

    def chain() -> None:
        weight.grad = None
        ((a @ weight).tanh() * b).sum().backward()

    return [
        ("a + b", lambda: a + b),
        ("a * 2.0", lambda: a * 2.0),
        ("a + weight, recorded", lambda: a + weight),
        ("a @ b", lambda: a @ b),
        ("a.exp()", lambda: a.exp()),
        ("a.sum()", lambda: a.sum()),
        ("a.transpose(0, 1)", lambda: a.transpose(0, 1)),
        ("a[2:5]", lambda: a[2:5]),
        ("a.softmax(1)", lambda: a.softmax(1)),
        ("forward and backward of 4 operators", chain),
        ("training step: small CNN, batch 64", training_step(torch)),
    ]


def training_step(torch: Any) -> Callable[[], None]:
    """One step of Adam on the network of the digits example."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.GELU(), nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.GELU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(256, 64), nn.GELU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images, labels = torch.rand(64, 1, 8, 8), torch.randint(0, 10, (64,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return step


def microseconds(call: Callable[[], Any], seconds: float = 0.05) -> float:
    """The mean time of a call over about that many seconds."""
    count, spent = 1, 0.0
    while spent < seconds:
        start = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - start
        measured, count = count, 2 * count
    return spent / measured * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--module", action="append", help="flambeau (default), torch, ...")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    modules = options.module or ["flambeau"]
    columns = [cases(importlib.import_module(name)) for name in modules]
    small = numpy.ones((8, 8), numpy.float32)
    add = min(microseconds(lambda: numpy.add(small, small)) for _ in range(options.rounds))
    print(f"numpy.add of two 8 x 8 arrays: {add:.2f} us; times in us (multiples of that)\n")
    print(f"{'':38}" + "".join(f"{name:>20}" for name in modules))
    for row in zip(*columns):
        best = [float("inf")] * len(row)
        for _ in range(options.rounds):
            best = [min(old, microseconds(call)) for old, (_, call) in zip(best, row)]
        print(f"{row[0][0]:38}" + "".join(f"{us:11.2f} ({us / add:5.1f})" for us in best))


if __name__ == "__main__":
    main()
