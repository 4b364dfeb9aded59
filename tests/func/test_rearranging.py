"""``torch.func.rearrange`` and ``debug_unwrap``."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as torch

rearrange, unwrap = torch.func.rearrange, torch.func.debug_unwrap
X = torch.arange(24).reshape(2, 3, 4)
N = X.numpy()


@pytest.mark.parametrize(
    ("pattern", "lengths", "expected"),
    [
        ("a b c -> c (a b)", {}, N.reshape(6, 4).T),
        ("a b c -> (a b c)", {}, N.ravel()),
        ("a b (c d) -> d a b c", {"d": 2}, np.moveaxis(N.reshape(2, 3, 2, 2), 3, 0)),
        ("(a d) b c -> a d b c", {"a": 2}, N.reshape(2, 1, 3, 4)),
        ("a ... -> ... a", {}, np.moveaxis(N, 0, -1)),
        ("... c -> (...) c", {}, N.reshape(6, 4)),
        ("a ... -> a (...)", {}, N.reshape(2, 12)),
        ("a ... c -> c ... a", {}, N.transpose(2, 1, 0)),
        ("a b c -> a 1 b () c", {}, N.reshape(2, 1, 3, 1, 4)),
        ("(a 1) b c -> (b 1) a c", {}, N.transpose(1, 0, 2)),
        ("a b c -> a b c", {"a": 2}, N),
    ],
)
def test_rearrange(pattern: str, lengths: dict[str, int], expected: np.ndarray) -> None:
    """Dimensions move, join, split and appear as NumPy's do."""
    np.testing.assert_array_equal(rearrange(X, pattern, **lengths).numpy(), expected)


def test_rearrange_of_lists_and_inside_of_transforms() -> None:
    """A list is stacked; batched and dual tensors are tensors like others."""
    assert torch.equal(rearrange([X, X], "l a b c -> a l b c"), torch.stack([X, X], 1))
    assert torch.equal(torch.vmap(lambda v: rearrange(v, "a b -> b a"))(X), X.mT)
    x = X.double()
    moved = torch.func.jvp(lambda v: rearrange(v, "a b c -> c (a b)"), (x,), (2 * x,))[1]
    assert torch.equal(moved, 2 * rearrange(x, "a b c -> c (a b)"))


@pytest.mark.parametrize(
    ("pattern", "lengths", "message"),
    [
        ("a b c", {}, "Pattern must contain a single '->' separator"),
        ("a b c -> a b", {}, r"Identifiers only on one side of rearrange .*\{'c'\}"),
        ("a b -> b a", {}, r"Number of dimensions in pattern \(2\) must be equal to the number"),
        ("a a c -> a c", {}, "Indexing expression contains duplicate dimension 'a'"),
        ("a b c -> a b c", {"q": 2}, r"Identifiers not found in rearrange expression: \{'q'\}"),
        ("a b c -> ((a b) c)", {}, "Axis composition is one-level"),
        ("a b c -> (a b c", {}, r"Imbalanced parentheses in expression: ' \(a b c'"),
        ("a _b c -> a c _b", {}, "Invalid axis identifier: _b"),
        ("a b c -> ...", {}, "Ellipsis found in right side, but not left side of a pattern"),
        ("a (...) -> a ...", {}, "Ellipsis is parenthesis in the left side is not allowed"),
        ("a 3 c -> a c 3", {}, "rearrange only supports unnamed axes of size 1"),
        ("a b-1 c -> a b-1 c", {}, "Unknown character '-'"),
        ("... ... -> ...", {}, "Expression may contain dots only inside ellipsis"),
        ("(a d) b c -> a d b c", {"d": 3}, "inferred dimension does not evenly fit into larger"),
        ("(a d) b c -> a d b c", {}, "cannot infer the sizes of two dimensions at once"),
        ("a b c -> a b c", {"a": 5}, "Dimension sizes to do not match"),
    ],
)
def test_patterns_that_make_no_sense(pattern: str, lengths: dict[str, int], message: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(ValueError, match=message):
        rearrange(X, pattern, **lengths)


def test_unwrap() -> None:
    """All values of the examples, through one level or all of them; and the primal."""
    seen: list[torch.Tensor] = []

    def look(v: torch.Tensor) -> torch.Tensor:
        seen.extend([unwrap(v), unwrap(v, recurse=False)])
        return v

    torch.vmap(torch.vmap(look))(X)
    assert torch.equal(seen[0], X)
    assert seen[1].shape == (3, 4)
    x = X[0].double()
    torch.func.jvp(look, (x,), (x,))
    assert unwrap(x) is x
    assert torch.equal(seen[2], x)
    with pytest.raises(TypeError, match="expected a Tensor, not int"):
        unwrap(3)
