"""Counts what crosses from the device to the host."""

from __future__ import annotations


class Ledger:
    """``to_host``: how many copies to the host there have been; ``log`` says what made them."""

    def __init__(self) -> None:
        self.log: list[str] = []

    @property
    def to_host(self) -> int:
        return len(self.log)

    def note(self, what: str) -> None:
        """Counts one copy."""
        self.log.append(what)

    def clear(self) -> None:
        """Starts counting again."""
        self.log.clear()


ledger = Ledger()
