"""``torch.fft``: discrete Fourier transforms."""

from flambeau.namespace import module_getattr

__all__ = [name for name in globals() if not name.startswith("_") and name != "module_getattr"]

__getattr__ = module_getattr(__name__)
