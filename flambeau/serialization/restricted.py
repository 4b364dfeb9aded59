"""Reads pickles without trust: a small stack machine that imports nothing.

It knows the opcodes that data needs, takes classes and functions from a table alone
(``names.SAFE`` and what the user has added), and calls nothing else. Strings, numbers, containers
and tensors come out; anything more is an ``UnpicklingError``.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from flambeau.core.tensor import Parameter, Tensor
from flambeau.serialization import safety
from flambeau.serialization.names import SAFE

Step = Callable[["Machine"], None]
_STEPS: dict[int, Step] = {}
_BLOCKED = frozenset(("sys", "os", "posix", "nt"))  # not even a user can allow these
_CALLABLE = frozenset(map(id, SAFE.values()))
_OLD_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


def opcode(*codes: bytes) -> Callable[[Step], Step]:
    """Registers what an opcode does."""

    def register(step: Step) -> Step:
        for code in codes:
            _STEPS[code[0]] = step
        return step

    return register


class _Done(Exception):
    """The end of a pickle, with its value."""


class Machine:
    """The stack machine; ``load`` runs one pickle of a file and leaves the file behind it.

    ``persistent_load`` turns the ids of storages into storages.
    """

    def __init__(self, file: Any, persistent_load: Callable[[Any], Any], encoding: str) -> None:
        self.file, self.persistent_load, self.encoding = file, persistent_load, encoding
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.allowed = safety.allowed()

    def load(self) -> Any:
        """The value of the next pickle in the file."""
        self.stack, self.marks, self.memo = [], [], {}
        while True:
            code = self.file.read(1)
            if not code:
                raise EOFError("the pickle ends before its STOP")
            step = _STEPS.get(code[0])
            if step is None:
                raise UnpicklingError(f"Unsupported operand {code[0]}")
            try:
                step(self)
            except _Done as done:
                return done.args[0]

    def read(self, count: int) -> bytes:
        if count < 0 or (count > 1 << 20 and count > self._left()):
            raise EOFError(f"the pickle ends in the middle of {count} bytes")
        data = self.file.read(count)
        if len(data) < count:
            raise EOFError(f"the pickle ends in the middle of {count} bytes")
        return data

    def _left(self) -> int:
        """How many bytes of the file are left: nothing is allocated for more."""
        here = self.file.tell()
        left = self.file.seek(0, 2) - here
        self.file.seek(here)
        return left

    def line(self) -> str:
        data = self.file.readline()
        if not data.endswith(b"\n"):
            raise EOFError("the pickle ends in the middle of a line")
        return data[:-1].decode("utf-8")

    def number(self, form: str) -> int:
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def pop(self) -> Any:
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise UnpicklingError("a pickle takes more off its stack than there is")
        return self.stack.pop()

    def top(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def pop_mark(self) -> list[Any]:
        if not self.marks:
            raise UnpicklingError("a pickle takes a mark off its stack that is not there")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def text(self, data: bytes) -> Any:
        return data if self.encoding == "bytes" else data.decode(self.encoding, "strict")

    def find(self, module: str, name: str) -> Any:
        """What the table holds under a name; UnpicklingError for everything else."""
        module = _OLD_MODULES.get(module, module)
        full = f"{module}.{name}"
        if full in SAFE:
            return SAFE[full]
        if module.partition(".")[0] in _BLOCKED:
            raise UnpicklingError(
                f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked."
            )
        if full in self.allowed:
            return self.allowed[full]
        shown = name if module == "builtins" else full
        raise safety.Refused(
            f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{shown}])` or the "
            f"`torch.serialization.safe_globals([{shown}])` context manager to allowlist this "
            "global if you trust this class/function."
        )

    def is_allowed(self, value: Any) -> bool:
        """Whether the user trusts a class or function."""
        return any(value is one for one in self.allowed.values())


# ---- values


_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
_NUMBERS = {
    b"K": "<B", b"M": "<H", b"J": "<i", b"G": ">d",
}  # fmt: skip
_TEXTS = {b"\x8c": "<B", b"X": "<I", b"\x8d": "<Q"}
_BYTES = {b"C": "<B", b"B": "<I", b"\x8e": "<Q"}
_OLD_STRINGS = {b"U": "<B", b"T": "<i"}
_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}


def _push(code: bytes, make: Callable[[Machine], Any]) -> None:
    def step(m: Machine) -> None:
        m.stack.append(make(m))

    _STEPS[code[0]] = step


for _code, _value in _CONSTANTS.items():
    _push(_code, lambda m, value=_value: value)
for _code, _form in _NUMBERS.items():
    _push(_code, lambda m, form=_form: m.number(form))
for _code, _form in _TEXTS.items():
    _push(_code, lambda m, form=_form: m.read(m.number(form)).decode("utf-8", "surrogatepass"))
for _code, _form in _BYTES.items():
    _push(_code, lambda m, form=_form: m.read(m.number(form)))
for _code, _form in _OLD_STRINGS.items():
    _push(_code, lambda m, form=_form: m.text(m.read(m.number(form))))
_push(b"\x8a", lambda m: int.from_bytes(m.read(m.number("<B")), "little", signed=True))
_push(b"\x8b", lambda m: int.from_bytes(m.read(m.number("<i")), "little", signed=True))
_push(b"\x96", lambda m: bytearray(m.read(m.number("<Q"))))
_push(b"F", lambda m: float(m.line()))
_push(b"V", lambda m: m.line().encode("ascii").decode("raw-unicode-escape"))
_push(b"}", lambda m: {})
_push(b"]", lambda m: [])
_push(b")", lambda m: ())
_push(b"\x8f", lambda m: set())


@opcode(b"I")
def _int_line(m: Machine) -> None:
    text = m.line()
    m.stack.append(text == "01" if text in ("00", "01") else int(text))


@opcode(b"L")
def _long_line(m: Machine) -> None:
    m.stack.append(int(m.line().rstrip("L")))


@opcode(b"t")
def _tuple(m: Machine) -> None:
    m.stack.append(tuple(m.pop_mark()))


@opcode(b"l")
def _list(m: Machine) -> None:
    m.stack.append(m.pop_mark())


@opcode(b"d")
def _dict(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(dict(zip(items[::2], items[1::2], strict=True)))


@opcode(b"\x91")
def _frozenset(m: Machine) -> None:
    m.stack.append(frozenset(m.pop_mark()))


for _code, _size in _TUPLES.items():

    def _short_tuple(m: Machine, size: int = _size) -> None:
        items = [m.pop() for _ in range(size)]
        m.stack.append(tuple(items[::-1]))

    _STEPS[_code[0]] = _short_tuple


# ---- filling containers


@opcode(b"a")
def _append(m: Machine) -> None:
    item = m.pop()
    _list_below(m).append(item)


@opcode(b"e")
def _appends(m: Machine) -> None:
    items = m.pop_mark()
    _list_below(m).extend(items)


def _list_below(m: Machine) -> list[Any]:
    target = m.top()
    if type(target) is not list:
        raise UnpicklingError(f"Can only extend lists, but got {type(target)}")
    return target


@opcode(b"s")
def _set_item(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    _mapping_below(m)[key] = value


@opcode(b"u")
def _set_items(m: Machine) -> None:
    items = m.pop_mark()
    target = _mapping_below(m)
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[key] = value


def _mapping_below(m: Machine) -> Any:
    target = m.top()
    if type(target) not in (dict, OrderedDict, Counter) and not m.is_allowed(type(target)):
        raise UnpicklingError(f"Can only set items of dicts, but got {type(target)}")
    return target


@opcode(b"\x90")
def _add_items(m: Machine) -> None:
    items = m.pop_mark()
    target = m.top()
    if type(target) is not set:
        raise UnpicklingError(f"Can only add items to sets, but got {type(target)}")
    target.update(items)


# ---- objects


@opcode(b"c")
def _global(m: Machine) -> None:
    module, name = m.line(), m.line()
    m.stack.append(m.find(module, name))


@opcode(b"\x93")
def _stack_global(m: Machine) -> None:
    name, module = m.pop(), m.pop()
    if type(name) is not str or type(module) is not str:
        raise UnpicklingError("STACK_GLOBAL requires str")
    m.stack.append(m.find(module, name))


@opcode(b"R")
def _reduce(m: Machine) -> None:
    args, function = m.pop(), m.pop()
    if id(function) not in _CALLABLE and not m.is_allowed(function):
        raise UnpicklingError(f"Trying to call reduce for unrecognized function {function!r}")
    try:
        m.stack.append(function(*_arguments(args)))
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        raise UnpicklingError(
            f"{getattr(function, '__name__', function)} cannot take what the file gives it: {error}"
        ) from error


def _arguments(args: Any) -> tuple[Any, ...]:
    if type(args) is not tuple:
        raise UnpicklingError(f"arguments must be a tuple, but got {type(args)}")
    return args


@opcode(b"\x81")
def _new(m: Machine) -> None:
    args, cls = m.pop(), m.pop()
    m.stack.append(_instance(m, cls, _arguments(args), {}))


@opcode(b"\x92")
def _new_with_names(m: Machine) -> None:
    kwargs, args, cls = m.pop(), m.pop(), m.pop()
    m.stack.append(_instance(m, cls, _arguments(args), kwargs))


def _instance(m: Machine, cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if cls is Parameter:
        return Parameter(*args, **kwargs)
    if cls in (OrderedDict, Counter, set, bytearray, complex) and not kwargs:
        return cls(*args)
    if not isinstance(cls, type) or not m.is_allowed(cls):
        raise UnpicklingError(
            "Can only create new object for nn.Parameter or classes allowlisted via "
            f"`add_safe_globals` but got {cls}"
        )
    return cls.__new__(cls, *args, **kwargs)


@opcode(b"b")
def _build(m: Machine) -> None:
    state, target = m.pop(), m.top()
    kind = type(target)
    if kind is Tensor:
        target.set_(*state)
    elif kind is Parameter and hasattr(target, "__setstate__"):
        target.__setstate__(state)
    elif kind in (OrderedDict, Counter):
        target.__dict__.update(state)
    elif m.is_allowed(kind):
        _set_state(target, state)
    else:
        raise UnpicklingError(
            "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
            f"`add_safe_globals`, but got {kind}"
        )


def _set_state(target: Any, state: Any) -> None:
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    attributes, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    target.__dict__.update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(target, name, value)


@opcode(b"Q")
def _persistent(m: Machine) -> None:
    m.stack.append(m.persistent_load(m.pop()))


# ---- the machine itself


@opcode(b"\x80")
def _protocol(m: Machine) -> None:
    m.read(1)


@opcode(b"\x95")
def _frame(m: Machine) -> None:
    m.read(8)


@opcode(b"(")
def _mark(m: Machine) -> None:
    m.marks.append(len(m.stack))


@opcode(b"0")
def _pop(m: Machine) -> None:
    if m.marks and m.marks[-1] == len(m.stack):
        m.marks.pop()
    else:
        m.pop()


@opcode(b"1")
def _drop_mark(m: Machine) -> None:
    m.pop_mark()


@opcode(b"2")
def _duplicate(m: Machine) -> None:
    m.stack.append(m.top())


@opcode(b"\x94")
def _memoize(m: Machine) -> None:
    m.memo[len(m.memo)] = m.top()


@opcode(b"q")
def _put(m: Machine) -> None:
    m.memo[m.number("<B")] = m.top()


@opcode(b"r")
def _long_put(m: Machine) -> None:
    m.memo[m.number("<I")] = m.top()


@opcode(b"p")
def _put_line(m: Machine) -> None:
    m.memo[int(m.line())] = m.top()


@opcode(b"h")
def _get(m: Machine) -> None:
    _recall(m, m.number("<B"))


@opcode(b"j")
def _long_get(m: Machine) -> None:
    _recall(m, m.number("<I"))


@opcode(b"g")
def _get_line(m: Machine) -> None:
    _recall(m, int(m.line()))


def _recall(m: Machine, place: int) -> None:
    if place not in m.memo:
        raise UnpicklingError(f"Memo value not found at index {place}")
    m.stack.append(m.memo[place])


@opcode(b".")
def _stop(m: Machine) -> None:
    raise _Done(m.pop())
