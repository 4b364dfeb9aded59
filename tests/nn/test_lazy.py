"""Parameters without a shape."""

from __future__ import annotations

import pytest

import flambeau
from flambeau import nn

DIRECT = (
    "numel nelement dim ndimension stride tolist item numpy __len__ is_contiguous element_size "
    "data_ptr storage_offset storage untyped_storage __bool__ __float__ backward"
)


@pytest.mark.parametrize("name", DIRECT.split())
def test_nothing_is_told_about_the_values(name: str) -> None:
    """``sum(p.numel() for p in model.parameters())`` must not count such a parameter as empty."""
    weight = nn.LazyLinear(2).weight
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter in <method"):
        getattr(weight, name)()


def test_what_is_known() -> None:
    weight = nn.LazyLinear(2).double().weight
    assert weight.is_floating_point() and str(weight.dtype) == "torch.float64"
    weight.materialize((2, 3))
    assert weight.numel() == 6 and weight.dim() == len(weight) == 2 and type(weight) is nn.Parameter


def test_summary_and_notebook() -> None:
    """Lazy modules count what they have, before and after their first run."""
    model = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
    assert flambeau.summary(model).parameters == 0 and "LazyLinear" in model._repr_html_()
    told = flambeau.summary(model, (2, 4))
    assert told.parameters == 15 and told.layers[1].kind == "Linear"
    assert "15 parameters" in model._repr_html_()
