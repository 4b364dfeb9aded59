"""CuPy's universal functions, by name, with the methods that each of them has."""

from __future__ import annotations

from typing import Any

import numpy

from cupy._indexing import prepared
from cupy._wrapping import host, is_array, register

_NAMES = """abs absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and
    bitwise_count bitwise_not bitwise_or bitwise_xor cbrt ceil conj conjugate copysign cos cosh
    deg2rad degrees divide divmod equal exp exp2 expm1 fabs float_power floor floor_divide fmax fmin
    fmod frexp gcd greater greater_equal heaviside hypot invert isfinite isinf isnan lcm ldexp
    left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not
    logical_or logical_xor maximum minimum mod modf multiply negative nextafter not_equal positive
    power rad2deg radians reciprocal remainder right_shift rint sign signbit sin sinh sqrt square
    subtract tan tanh true_divide trunc"""
_REDUCE = {"add": "sum", "multiply": "prod"}
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}
_AT = frozenset(
    ["add", "subtract", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"]
)


class ufunc:
    """One universal function; ``where=`` and ``order=`` are not CuPy's."""

    def __init__(self, of: numpy.ufunc) -> None:
        self._of = of
        self.__name__ = self.name = of.__name__
        self.nin, self.nout, self.nargs = of.nin, of.nout, of.nargs

    def __call__(
        self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind"
    ) -> Any:
        given = [host(a) for a in args[: self.nin]]
        if len(args) > self.nin:
            out = args[self.nin] if self.nout == 1 else args[self.nin :]
        self._check_types(given)
        outs = (
            None if out is None else tuple(host(o) for o in (out if type(out) is tuple else (out,)))
        )
        named = {"dtype": dtype, "casting": casting}
        with numpy.errstate(all="ignore"):
            result = (
                self._of(*given, **named) if outs is None else self._of(*given, out=outs, **named)
            )
        if out is not None:
            return out
        return register(result) if self.nout == 1 else tuple([register(r) for r in result])

    def _check_types(self, given: list[Any]) -> None:
        for value in given:
            if getattr(value, "dtype", None) is not None and value.dtype.kind == "V":
                raise TypeError(f"Wrong type ({value.dtype.type}) of arguments for {self.name}")

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        return self._delegated(_REDUCE, "reduce")(array, axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self._delegated(_ACCUMULATE, "accumulate")(array, axis, dtype, out)

    def _delegated(self, table: dict[str, str], method: str) -> Any:
        if self.name not in table:
            raise NotImplementedError(f"`cupy_{self.name}.{method}` is not supported yet")
        from cupy import _functions as functions

        return getattr(functions, table[self.name], None)

    def reduceat(self, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
        if self.name != "add":
            raise NotImplementedError(f"`cupy_{self.name}.reduceat` is not supported yet")
        return register(self._of.reduceat(host(array), host(indices), axis, dtype))

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        if self.name not in _AT:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        if not is_array(a):
            raise TypeError(f"Unsupported type {type(a)}")
        target = host(a)
        self._of.at(target, prepared(target, indices)[0], host(b))

    def outer(self, A: Any, B: Any) -> Any:
        return register(self._of.outer(host(A), host(B)))

    def __repr__(self) -> str:
        return f"<ufunc 'cupy_{self.name}'>"


ALL = {name: ufunc(getattr(numpy, name)) for name in _NAMES.split()}
globals().update(ALL)
