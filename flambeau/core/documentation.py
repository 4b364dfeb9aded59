"""What a declaration says of an operator's operands, written into its docstring.

A row of a family says what the operator computes and shows an example. Which tensors it takes,
what it makes of them and what it refuses follows from the declaration, as it does in a call.
"""

from __future__ import annotations

from flambeau.core.dtype import bool_, complex64, float32, int64
from flambeau.core.op import Op

CATEGORIES = {"bools": bool_, "integers": int64, "floats": float32, "complex numbers": complex64}
SHAPES = "shapes that do not broadcast"
NUMBERS = {"either": "; either may be a number", "both": "; numbers may stand for them", "none": ""}


def of_one(op: Op, doc: str, changes: str) -> str:
    """The docstring of an operator of one tensor; `changes` are the categories of dtypes whose
    results have another one: bool, or for complex numbers alone real."""
    result = "The result has its shape and dtype."
    if "i" in changes:
        result = "The result has its shape; it is bool."
    elif changes:
        result = "The result has its shape and dtype; that of complex numbers is real."
    return with_operands(op, doc, ["``input`` is a tensor of any shape.", result])


def of_two(op: Op, doc: str, numbers: str, boolean: bool = False) -> str:
    """The docstring of an operator of two tensors, or numbers that stand for them."""
    first, second = op.inputs
    if numbers == "other":
        operands = (
            f"``{first}`` is a tensor, ``{second}`` a tensor whose shape broadcasts with it, or a "
            "number."
        )
    else:
        operands = (
            f"``{first}`` and ``{second}`` are tensors whose shapes broadcast{NUMBERS[numbers]}."
        )
    result = "The result has the common shape" + ("; it is bool." if boolean else " and dtype.")
    return with_operands(op, doc, [operands, result])


def with_operands(op: Op, doc: str, sentences: list[str]) -> str:
    """`doc` with a paragraph on operands and results in front of the example; an operator that
    is not published has neither."""
    if not doc:
        return doc
    if op.promote == "float":
        sentences.append("Integers count as numbers of the default dtype.")
    if refused := refusals(op):
        sentences.append(f"Raises {refused}.")
    summary, example, rest = doc.partition("\n\n    >>>")
    return summary + "\n\n    " + "\n    ".join(sentences) + example + rest


def refusals(op: Op) -> str:
    """What the operator refuses, by errors: ``RuntimeError for bools and complex numbers``.

    A row with a check of its own says itself which dtypes it refuses.
    """
    errors = {"RuntimeError": [SHAPES]} if len(op.inputs) > 1 else {}
    for rank, (name, of) in enumerate(CATEGORIES.items()):
        computed = max(rank, 2) if op.promote == "float" else rank
        if not (op.check or op.accepts >> computed & 1):
            errors.setdefault(type(op.refused(of, "cpu")).__name__, []).append(name)
    return ", ".join([f"{error} for {' and '.join(names)}" for error, names in errors.items()])
