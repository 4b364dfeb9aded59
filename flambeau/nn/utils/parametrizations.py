"""Parametrisations that come with the library: orthogonal, weight norm, spectral norm."""

from __future__ import annotations

from typing import Any

from flambeau.autograd.grad_mode import no_grad
from flambeau.core.limits import finfo
from flambeau.core.tensor import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.module import Module
from flambeau.nn.utils.parametrize import register_parametrization
from flambeau.nn.utils.weight_norm import norm_except_dim
from flambeau.ops.creation import zeros_like
from flambeau.ops.joining import cat
from flambeau.ops.sequences import eye

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

MAPS = ("matrix_exp", "cayley", "householder")


def _is_orthogonal(Q: Tensor) -> bool:
    columns = Q.size(-1)
    unit = eye(columns, dtype=Q.dtype, device=Q.device)
    # the error of a product of this size, in the dtype of the matrix
    tolerance = 10.0 * columns * finfo(Q.dtype).eps
    return bool(((Q.mH @ Q - unit).abs() <= tolerance).all())


def _make_orthogonal(A: Tensor) -> Tensor:
    """The orthogonal factor of A, with the signs that make it unique."""
    reflections, tau = A.geqrf()
    signs = reflections.diagonal(dim1=-2, dim2=-1).sgn()
    return reflections.orgqr(tau) * signs.unsqueeze(-2)


class _Orthogonal(Module):
    """Any matrix to an orthogonal one, by one of three maps. Source: Lezcano-Casado 2019.

    With a ``base`` the map is taken around that matrix (a dynamic trivialisation).
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.size(-2) < X.size(-1)
        X = X.mT if wide else X
        Q = self._by_reflections(X) if self.orthogonal_map == "householder" else self._by_skew(X)
        base = self._buffers.get("base")
        if base is not None:
            Q = base @ Q
        return Q.mT if wide else Q

    def _by_skew(self, X: Tensor) -> Tensor:
        """The exponential, or the Cayley transform, of a skew-symmetric matrix."""
        rows, columns = X.size(-2), X.size(-1)
        X = X.tril()
        if rows != columns:
            blank = X.new_zeros(rows, rows - columns).expand(*X.shape[:-2], -1, -1)
            X = cat([X, blank], dim=-1)
        A = X - X.mH
        if self.orthogonal_map == "matrix_exp":
            Q = A.matrix_exp()
        else:
            unit = eye(rows, dtype=A.dtype, device=A.device)
            Q = (unit - A / 2).inverse() @ (unit + A / 2)
        return Q[..., :columns]

    def _by_reflections(self, X: Tensor) -> Tensor:
        """The product of Householder reflections, with the signs on the diagonal."""
        A = X.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (A * A).sum(dim=-2))
        signs = X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        return A.orgqr(tau) * signs

    def right_inverse(self, Q: Tensor) -> Tensor:
        """The original of an orthogonal matrix; others are first made orthogonal."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {Q.shape}."
            )
        given = Q
        wide = Q.size(-2) < Q.size(-1)
        Q = Q.mT if wide else Q
        if "base" not in self._buffers:
            original = self._reflections_of(Q)
            return original.mT if wide else original
        rows, columns = Q.size(-2), Q.size(-1)
        if rows == columns:
            Q = Q.clone() if _is_orthogonal(Q) else _make_orthogonal(Q)
        else:
            others = Q.new_empty((*Q.shape[:-2], rows, rows - columns)).normal_()
            Q = _make_orthogonal(cat([Q, others], dim=-1))
        self.base = Q
        original = zeros_like(given)
        original.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return original

    def _reflections_of(self, Q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        A, tau = Q.geqrf()
        diagonal = A.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0.0] *= -1
        return A


def _tensor_of(module: Module, name: str) -> Tensor:
    found = getattr(module, name, None)
    if not isinstance(found, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return found


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keeps a matrix orthogonal (its columns, or its rows if it is wide) while it is trained.

    Args:
        module: the module.
        name: its parameter, a matrix or a batch of matrices.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``; the first for square
            and complex matrices, the last for others, without it.
        use_trivialization: whether the map is taken around the present value.

    Example::

        layer = orthogonal(nn.Linear(20, 40))
        torch.dist(layer.weight.T @ layer.weight, torch.eye(20))  # about 0
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


class _WeightNorm(Module):
    """A norm and a direction to a weight."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Splits a weight into its norm (``original0``) and its direction (``original1``).

    Args:
        module: the module.
        name: its parameter.
        dim: the dimension over which norms differ; None: one norm for everything.

    Source: Salimans & Kingma 2016.

    >>> list(weight_norm(nn.Linear(2, 3)).state_dict())[1]
    'parametrizations.weight.original0'
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def renamed(state_dict: Any, prefix: str, *others: Any) -> None:
        """Takes the names of the older `nn.utils.weight_norm`."""
        new = f"{prefix}parametrizations.{name}.original"
        for place, suffix in enumerate(("_g", "_v")):
            old = f"{prefix}{name}{suffix}"
            if old in state_dict:
                state_dict[f"{new}{place}"] = state_dict.pop(old)

    module._register_load_state_dict_pre_hook(renamed)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, from power iteration."""

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if dim >= weight.ndim or dim < -weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                matrix = self._reshape_weight_to_matrix(weight)
                rows, columns = matrix.size()
                u = matrix.new_empty(rows).normal_(0, 1)
                v = matrix.new_empty(columns).normal_(0, 1)
                self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
                self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        if self.dim != 0:
            others = [place for place in range(weight.dim()) if place != self.dim]
            weight = weight.permute(self.dim, *others)
        return weight.flatten(1)

    def _power_method(self, matrix: Tensor, n_power_iterations: int) -> None:
        with no_grad():
            for _ in range(n_power_iterations):
                self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(matrix.mH.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the next call changes the buffers
        return weight / u.vdot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a weight by its largest singular value, which power iteration estimates.

    Args:
        module: the module.
        name: its parameter.
        n_power_iterations: iterations at each use in training mode.
        eps: keeps norms above zero.
        dim: the dimension of the outputs; 0, or 1 for transposed convolutions, without it.

    Source: Miyato 2018.

    >>> layer = spectral_norm(nn.Linear(20, 40))
    >>> torch.linalg.matrix_norm(layer.weight, 2).item() < 1.1
    True
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, made)
