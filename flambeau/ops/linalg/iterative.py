"""A few extreme eigenpairs of a symmetric matrix, by iteration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flambeau.core.op import Op
from flambeau.core.tensor import Tensor
from flambeau.ops.joining import cat, stack
from flambeau.ops.linalg.eigenvalues import eigh
from flambeau.ops.random import randn


def lobpcg(
    A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None,
    n: int | None = None, iK: Tensor | None = None, niter: int | None = None,
    tol: float | None = None, largest: bool | None = None, method: str | None = None,
    tracker: Callable[[Any], None] | None = None, ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None, ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The ``k`` largest (or smallest) eigenvalues of ``A x = lambda B x``, and their eigenvectors.

    Locally optimal block preconditioned conjugate gradients (Knyazev, 2001): in each step the best
    vectors in the span of the present ones, the residuals (times ``iK``) and the last steps. ``A``
    is symmetric, ``B`` positive definite (the identity by default), ``X`` or ``n`` random vectors
    the start. It ends when residuals are below ``tol`` or after ``niter`` steps (1000).
    ``tracker`` is called with the state after each step. Spans are made orthonormal by an
    eigendecomposition, whatever the ``method``.

    Raises:
        ValueError: the matrix has fewer than three rows for each pair.

    >>> torch.lobpcg(torch.diag(torch.arange(1., 13.)), k=1)[0].round(decimals=2)
    tensor([12.])
    """
    if A.dtype.rank != 2:
        raise RuntimeError(f"lobpcg: expected a real floating point matrix, got {A.dtype}")
    given = A.shape[-2:]
    if given[0] != given[1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    count = k if k is not None else 1 if X is None else X.shape[-1]
    size = n if n is not None else count if X is None else X.shape[-1]
    if given[0] < 3 * count:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={given[0]}) is "
            f"smaller than 3 x the number of requested eigenpairs (={count})"
        )
    matrix: Any = (A + A.mT) / 2 if A.requires_grad else A  # type: ignore[attr-defined]
    found = [
        _State(a, b, x, iK, size, niter, tol, largest is not False).run(tracker)
        for a, b, x in _each(matrix.detach(), B, X)
    ]
    values = _joined([state.E[:count] for state in found], A)
    vectors = _joined([state.X[:, :count] for state in found], A)
    if not A.requires_grad:  # type: ignore[attr-defined]
        return values, vectors
    return (_generalised if B is not None else _pairs)(matrix, values, vectors)


def _each(A: Any, B: Any, X: Any) -> list[Any]:
    m = A.shape[-1]
    flat = A.reshape(-1, m, m)
    bs = [None] * len(flat) if B is None else B.detach().expand(A.shape).reshape(-1, m, m)
    xs = [None] * len(flat) if X is None else X.expand(*A.shape[:-1], -1).reshape(len(flat), m, -1)
    return list(zip(flat, bs, xs))


def _joined(parts: list[Tensor], A: Tensor) -> Tensor:
    return stack(parts).reshape(*A.shape[:-2], *parts[0].shape)  # type: ignore[attr-defined]


class _State:
    """One matrix's iteration: ``X`` the vectors, ``E`` their Rayleigh quotients, ``R`` the
    residuals; ``ivars``, ``fvars`` and ``tvars`` are for a tracker."""

    def __init__(
        self, A: Any, B: Any, X: Any, iK: Any, size: int, niter: int | None, tol: float | None,
        largest: bool,
    ) -> None:  # fmt: skip
        self.A, self.B, self.iK, self.largest = A, B, iK, largest
        self.tol = tol if tol else {2: 0.03, 4: 3e-4, 8: 1e-8}[A.dtype.itemsize]
        self.left = 1000 if niter is None or niter < 0 else niter
        start = randn(A.shape[0], size, dtype=A.dtype, device=A.device) if X is None else X
        self.X, self.E = self._best(start)
        self.P: Any = None
        self.ivars: dict[str, int] = {"istep": 0, "iterations_left": self.left}
        self.fvars: dict[str, float] = {"A_norm": A.norm().item()}
        self.tvars: dict[str, Any] = {}
        self.bvars: dict[str, bool] = {}
        self._residuals()

    def _times_b(self, vectors: Any) -> Any:
        return vectors if self.B is None else self.B.matmul(vectors)

    def _best(self, span: Any, size: int | None = None) -> tuple[Any, Any]:
        """The vectors in a span with extreme quotients, orthonormal under ``B``."""
        gram = span.mT.matmul(self._times_b(span))
        scale = gram.diagonal().clamp(min=1e-300 if span.dtype.itemsize == 8 else 1e-37).rsqrt()
        weights, rotation = eigh(gram * scale * scale[:, None])
        eps = 2.3e-16 if span.dtype.itemsize == 8 else 1.2e-7
        keep = weights > weights[-1] * eps * span.shape[1]
        basis = span.matmul(scale[:, None] * rotation[:, keep] * weights[keep].rsqrt())
        values, inner = eigh(basis.mT.matmul(self.A.matmul(basis)))
        order = slice(None) if size is None else slice(0, size)
        if self.largest:
            values, inner = values.flip(0), inner.flip(1)
        return basis.matmul(inner[:, order]), values[order]

    def _residuals(self) -> None:
        weighted = self._times_b(self.X)
        self.R = self.A.matmul(self.X) - weighted * self.E
        size = self.X.norm(dim=0) * (self.fvars["A_norm"] + self.E.abs())
        self.tvars["rerr"] = self.R.norm(dim=0) / size
        self.converged = self.tvars["rerr"] < self.tol
        self.ivars["converged_count"] = int(self.converged.sum().item())

    def run(self, tracker: Any) -> _State:
        while self.left and not bool(self.converged.all()):
            self._step()
            if tracker is not None:
                tracker(self)
        return self

    def _step(self) -> None:
        active = self.R[:, ~self.converged]
        if self.iK is not None:
            active = self.iK.matmul(active)
        span = cat([part for part in (self.X, active, self.P) if part is not None], 1)
        old, size = self.X, self.X.shape[1]
        self.X, self.E = self._best(span, size)
        self.P = self.X - old.matmul(old.mT.matmul(self._times_b(self.X)))  # what the step added
        self.left -= 1
        self.ivars["istep"] += 1
        self.ivars["iterations_left"] = self.left
        self._residuals()


# The pairs are attached to the matrix that they were computed from, without computing again.
def _attached(name: str) -> Op:
    return Op(
        name, lambda A, values, vectors: (values, vectors), inputs=("A", "values", "vectors"),
        outputs=2, accepts="f", node="LOBPCGAutogradFunction",
    )  # fmt: skip


_pairs, _generalised = _attached("lobpcg"), _attached("lobpcg_generalised")


@_pairs.vjp
def _pairs_vjp(grad: Any, A: Tensor, result0: Tensor, result1: Tensor) -> tuple[Any, None, None]:
    """The gradient of ``eigh`` for the pairs that were asked for."""
    values, vectors = result0, result1
    total: Any = 0
    if grad[0] is not None:
        total = (vectors * grad[0].unsqueeze(-2)).matmul(vectors.mT)
    if grad[1] is not None:
        others, basis = eigh(A)
        gap = values.unsqueeze(-2) - others.unsqueeze(-1)  # type: ignore[attr-defined]
        scale = others.abs().amax(-1, True).unsqueeze(-1)  # type: ignore[attr-defined]
        itself = gap.abs() <= scale * (1e-6 if A.dtype.itemsize == 8 else 1e-3)
        turned = basis.mT.matmul(grad[1]) / gap.masked_fill(itself, 1)
        total = total + basis.matmul(turned.masked_fill(itself, 0)).matmul(vectors.mT)
    return total, None, None


@_generalised.vjp
def _generalised_vjp(grad: Any) -> Any:
    raise ValueError("lobpcg.backward does not support backward with B != I yet.")
