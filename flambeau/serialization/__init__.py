"""``torch.serialization``: saving objects with tensors to files, and loading them.

``pickling`` writes pickles in PyTorch's words, ``archive`` the zip file around them, and
``restricted`` reads them back without trusting them.
"""

from flambeau._utils import _get_layout
from flambeau.serialization.loading import MAP_LOCATION, load
from flambeau.serialization.options import (
    LoadEndianness,
    default_restore_location,
    get_crc32_options,
    get_default_load_endianness,
    get_default_mmap_options,
    location_tag,
    register_package,
    set_crc32_options,
    set_default_load_endianness,
    set_default_mmap_options,
    validate_cuda_device,
    validate_hpu_device,
)
from flambeau.serialization.safety import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from flambeau.serialization.saving import DEFAULT_PROTOCOL, save
from flambeau.serialization.tools import (
    SourceChangeWarning,
    StorageType,
    check_module_version_greater_or_equal,
    get_unsafe_globals_in_checkpoint,
    mkdtemp,
    normalize_storage_type,
    skip_data,
    storage_to_tensor_type,
)

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "StorageType", "add_safe_globals",
    "check_module_version_greater_or_equal", "clear_safe_globals", "default_restore_location",
    "get_crc32_options", "get_default_load_endianness", "get_default_mmap_options",
    "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load", "location_tag", "mkdtemp",
    "normalize_storage_type", "register_package", "safe_globals", "save", "set_crc32_options",
    "set_default_load_endianness", "set_default_mmap_options", "skip_data",
    "storage_to_tensor_type", "validate_cuda_device", "validate_hpu_device",
]  # fmt: skip
