"""``torch.classes``: classes that compiled libraries would register. There are none."""

from __future__ import annotations

from typing import NoReturn

from flambeau._ops import cannot_load


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise RuntimeError(
            f"Tried to instantiate class '{self._name}.{attribute}', but it does not exist! Ensure "
            "that it is registered via torch::class_"
        )


class Classes:
    """``torch.classes``: any namespace, without a class in it.

    Raises:
        RuntimeError: ``torch.classes.<namespace>.<name>`` is asked for.
    """

    loaded_libraries: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> _Namespace:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Namespace(name)

    def load_library(self, path: str) -> NoReturn:
        """Refuses: such libraries are compiled against PyTorch.

        Raises:
            OSError: always.
        """
        raise cannot_load(path)


classes = Classes()
