"""``torch.ops``: every operator by its namespace and name, ``torch.ops.aten.add``.

``aten`` holds Flambeau's own operators. They are found by name when asked for: those declared with
:func:`flambeau.core.publish.aten`, functions of ``torch``, methods of ``Tensor``, and functions of
``torch.linalg``, ``fft`` and ``special`` (``aten.linalg_inv``). Other namespaces hold what
:mod:`flambeau.library` puts there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection
from functools import cache
from types import FunctionType
from typing import Any, NoReturn

import flambeau
from flambeau.core.publish import ATEN
from flambeau.core.tensor import Tensor

_CHAPTERS = ("linalg", "special", "fft")
# What PyTorch calls the overloads of its operators, without the suffix ``_out``. There are no
# overloads here: one function takes the arguments of them all, and each of these names means it.
_OVERLOADS = """
    default IntList List Scalar ScalarAndTensor ScalarList ScalarOpt_dim ScalarOpt_dim_dtype
    ScalarOpt_dtype Scalar_Tensor Scalar_mode Tensor TensorList TensorList_bins Tensor_Scalar
    Tensor_Tensor Tensor_Tensor_Scalar Tensor_bool Tensor_float Tensor_generator Tensor_int
    Tensor_list Tensor_mode all array atol_rtol_float atol_rtol_tensor bin_ct bins_tensor
    bool_Tensor center correction data decimals default_Tensor device dim dim_IntList dim_dtype
    dim_int dim_max dim_min dim_values dims dtype dtype_layout float float_Tensor float_float from
    generator grad_input indexing indices input int int_Scalar int_Tensor int_bins intlist inverse
    list low low_dtype low_generator low_generator_dtype memory_format mode msg n_scalar names
    no_stats ord_str other other_scalar out p padding padding_idx periodic periodic_alpha
    periodic_alpha_beta prim_Device prim_dtype prim_other rcond_tensor reduce result scalar
    scalararray scalarint scalarrayarray scalarrayint sections self self_Tensor self_int
    self_scalar sign size size_list sizes source_Storage source_Storage_storage_offset source_Tensor
    source_Tensor_storage_offset src stable start step str_ord tensor tensor_indices_or_sections
    tensorarray tensorarrayint tensors tol_tensor two unary using_ints value value_reduce values
    values_stable vec x x_scalar
"""
_NAMES = frozenset(_OVERLOADS.split())


class OpOverload:
    """An operator under the name of one of its overloads: ``torch.ops.aten.add.Tensor``."""

    def __init__(self, packet: OpOverloadPacket, overload: str) -> None:
        self.overloadpacket, self._overloadname = packet, overload
        self.namespace = packet.namespace
        self.__name__ = f"{packet.__name__}.{overload}"
        self.__doc__, self.__wrapped__ = packet.__doc__, packet.__wrapped__

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    @property
    def _schema(self) -> Any:
        """What an operator of a program's own takes and gives."""
        return self.__wrapped__.schema  # type: ignore[attr-defined]

    def name(self) -> str:
        """``aten::add.Tensor``."""
        suffix = "" if self._overloadname == "default" else f".{self._overloadname}"
        return f"{self.namespace}::{self.overloadpacket.__name__}{suffix}"

    def __str__(self) -> str:
        return f"{self.overloadpacket}.{self._overloadname}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self.overloadpacket!s}', overload='{self._overloadname}')>"


class OpOverloadPacket:
    """An operator of a namespace: ``torch.ops.aten.add``, called as its public function is.

    Its attributes are its overloads; an ``AttributeError`` says that there is none of that name.
    """

    def __init__(
        self, namespace: str, name: str, function: Callable[..., Any],
        overloads: Collection[str] = _NAMES,
    ) -> None:  # fmt: skip
        self.namespace, self.__name__, self._overloads = namespace, name, overloads
        self.__wrapped__, self.__doc__ = function, function.__doc__

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.__wrapped__(*args, **kwargs)

    def __getattr__(self, overload: str) -> OpOverload:
        if overload not in self._overloads and overload.removesuffix("_out") not in self._overloads:
            raise AttributeError(
                f"The underlying op of '{self}' has no overload name '{overload}'",
                name=overload,
                obj=self,
            )
        found = self.__dict__[overload] = OpOverload(self, overload)
        return found

    def overloads(self) -> list[str]:
        """The names of the overloads that exist; of ``aten``, those asked for so far."""
        if self._overloads is _NAMES:
            return [name for name, value in vars(self).items() if isinstance(value, OpOverload)]
        return sorted(self._overloads)

    def __str__(self) -> str:
        return f"{self.namespace}.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self}')>"


class OpNamespace:
    """The operators of one namespace; ``torch.library`` puts them there."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _find(self, name: str) -> Callable[..., Any] | None:
        """The function that an operator asked for by name stands for."""
        return None

    def _put(self, packet: OpOverloadPacket) -> None:
        """Makes an operator an attribute."""
        self.__dict__[packet.__name__] = packet

    def __getattr__(self, name: str) -> OpOverloadPacket:
        function = None if name.startswith("__") else self._find(name)
        if function is None:
            raise AttributeError(
                f"'_OpNamespace' '{self._name}' object has no attribute '{name}'",
                name=name,
                obj=self,
            )
        self._put(OpOverloadPacket(self._name, name, function))
        return self.__dict__[name]

    def __iter__(self) -> Any:
        return iter([name for name, v in vars(self).items() if isinstance(v, OpOverloadPacket)])

    def __repr__(self) -> str:
        return f"<torch.ops.{self._name}>"


class _Aten(OpNamespace):
    """Flambeau's own operators."""

    def _find(self, name: str) -> Callable[..., Any] | None:
        return ATEN.get(name) or _public(name) or _declared().get(name)


def _public(name: str) -> Callable[..., Any] | None:
    """The function or method that users know under an operator's name."""
    chapter, _, rest = name.partition("_")
    places = [vars(flambeau), vars(Tensor)]
    if chapter in _CHAPTERS:
        places.append(vars(getattr(flambeau, chapter)))
    for place, spelled in zip(places, (name, name, rest)):
        found = place.get(spelled)
        if isinstance(found, FunctionType):
            return found
    return None


def private_operator(name: str) -> Callable[..., Any] | None:
    """The operator ``torch._<name>``: one that is declared below the public names."""
    return _declared().get(name) if name.startswith("_") and name[1:2] != "_" else None


@cache
def _declared() -> dict[str, Callable[..., Any]]:
    """``ATEN`` once every module of operators is loaded."""
    package = importlib.import_module("flambeau.ops")
    for module in pkgutil.walk_packages(package.__path__, "flambeau.ops."):
        importlib.import_module(module.name)
    return ATEN


class Ops:
    """``torch.ops``: its attributes are namespaces, made when they are asked for.

    >>> torch.ops.aten.add.Tensor(torch.ones(2), 1)
    tensor([2., 2.])
    """

    def __init__(self) -> None:
        self.loaded_libraries: set[str] = set()
        self.aten = _Aten("aten")

    def __getattr__(self, name: str) -> OpNamespace:
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = OpNamespace(name)
        return found

    def load_library(self, path: str) -> NoReturn:
        """Refuses: such libraries register operators with PyTorch's C++ dispatcher.

        Raises:
            OSError: always.
        """
        raise cannot_load(path)

    def __repr__(self) -> str:
        return "<torch.ops>"


def cannot_load(path: object) -> OSError:
    """The error for a library compiled against PyTorch."""
    return OSError(
        f"Could not load this library: {path}\n"
        "Flambeau has no C++ dispatcher for compiled operators and classes to register with; "
        "torch.library registers operators written in Python."
    )


ops = Ops()
