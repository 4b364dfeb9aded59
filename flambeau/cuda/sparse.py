"""``torch.cuda.sparse``: the types of sparse tensors on CUDA, of PyTorch's early days: none."""

from flambeau.namespace import module_getattr as _module_getattr

__getattr__ = _module_getattr(__name__)
