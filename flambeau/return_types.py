"""``torch.return_types``: the types of results that have named fields."""

from __future__ import annotations

from flambeau.core.return_types import return_type

# The fields of each; all but the last group also exist with ``_out`` at the end of their names.
_FIELDS = {
    "aminmax": "min max", "cummax": "values indices", "cummin": "values indices",
    "frexp": "mantissa exponent", "geqrf": "a tau", "histogram": "hist bin_edges",
    "kthvalue": "values indices", "linalg_cholesky_ex": "L info",
    "linalg_eig": "eigenvalues eigenvectors", "linalg_eigh": "eigenvalues eigenvectors",
    "linalg_inv_ex": "inverse info", "linalg_ldl_factor": "LD pivots",
    "linalg_ldl_factor_ex": "LD pivots info",
    "linalg_lstsq": "solution residuals rank singular_values", "linalg_lu": "P L U",
    "linalg_lu_factor": "LU pivots", "linalg_lu_factor_ex": "LU pivots info", "linalg_qr": "Q R",
    "linalg_slogdet": "sign logabsdet", "linalg_solve_ex": "result info", "linalg_svd": "U S Vh",
    "lu_unpack": "P L U", "max": "values indices", "median": "values indices",
    "min": "values indices", "mode": "values indices", "nanmedian": "values indices", "qr": "Q R",
    "slogdet": "sign logabsdet", "sort": "values indices", "svd": "U S V",
    "topk": "values indices", "triangular_solve": "solution cloned_coefficient",
}  # fmt: skip
_WITHOUT_OUT = {"histogramdd": "hist bin_edges"}

for _name, _names in {**_FIELDS, **_WITHOUT_OUT}.items():
    globals()[_name] = return_type(_name, _names)
for _name, _names in _FIELDS.items():
    globals()[f"{_name}_out"] = return_type(f"{_name}_out", _names)

all_return_types = [globals()[name] for name in (*_FIELDS, *_WITHOUT_OUT)]
all_return_types += [globals()[f"{name}_out"] for name in _FIELDS]

__all__ = [found.__name__ for found in all_return_types] + ["all_return_types"]
