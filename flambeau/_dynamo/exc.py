"""Errors of ``torch.compile``."""

from __future__ import annotations


class TorchDynamoException(RuntimeError):
    """What all errors of the compiler are."""


class InvalidBackend(TorchDynamoException):
    """There is no backend of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Invalid backend: {name!r}, see `torch._dynamo.list_backends()` for available "
            "backends."
        )
