"""Memory below tensors: array level, and storages as objects."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from flambeau.core import dtype as dtypes
from flambeau.core import storage as memory
from flambeau.core.kind import CPU_KINDS
from flambeau.core.tensor import wrap
from flambeau.core.typed_storage import ByteStorage, FloatStorage, IntStorage, TypedStorage
from flambeau.core.untyped_storage import UntypedStorage, storage_of


def tensor(array):
    return wrap(array, CPU_KINDS[array.dtype])


class TestArrays:
    def test_exact_strides_survive_sizes_zero_and_one(self):
        base = np.arange(12, dtype="f4")
        for shape, strides in [((3, 1), (2, 77)), ((1, 0), (500, 3)), ((0, 3), (1, 1)), ((), ())]:
            array = memory.as_strided(base, shape, strides, 2)
            assert memory.strides(array) == strides
            assert memory.root(array) is base

    def test_views_know_their_owner_and_offset(self):
        base = np.arange(24.0).reshape(4, 6)
        view = base.T[1:, 2:]
        assert memory.root(view) is memory.root(base)
        assert memory.offset(view) == 13
        assert memory.as_strided(view, (2,), (1,), 0).tolist() == [0.0, 1.0]

    @pytest.mark.parametrize("offset", [5, 1 << 40])
    def test_out_of_bounds(self, offset):
        with pytest.raises(
            RuntimeError, match=r"setStorage: sizes \[3, 3\], strides \[4, 4\], stor"
        ):
            memory.as_strided(np.zeros(12, "f4"), (3, 3), (4, 4), offset)

    def test_empty_memory_has_bounds_too(self):
        with pytest.raises(RuntimeError, match="requiring a storage size of 24"):
            memory.as_strided(np.zeros(0), (3,), (1,), 0)

    def test_an_adopted_array_is_its_own_owner(self):
        adopted = memory.adopt(np.arange(10.0)[2:8:2])
        assert memory.offset(adopted) == 0
        assert memory.byte_count(adopted) == 40
        assert memory.as_strided(adopted, (2,), (1,), 1).tolist() == [3.0, 4.0]

    # (shape, strides, is channels last, strides of empty_like), as PyTorch has them
    @pytest.mark.parametrize(
        ("shape", "strides", "last", "kept"),
        [
            ((2, 3, 4, 5), (60, 1, 15, 3), True, (60, 1, 15, 3)),
            ((2, 3, 4, 1), (3, 1, 0, 3), False, (12, 1, 3, 12)),
            ((3, 4, 1, 1), (1, 0, 3, 1), False, (1, 3, 12, 1)),
            ((2, 1, 4, 5), (20, 20, 5, 1), True, (20, 20, 5, 1)),
            ((3, 1, 1, 1), (1, 1, 3, 1), True, (1, 1, 3, 1)),
        ],
    )
    def test_memory_formats(self, shape, strides, last, kept):
        array = memory.as_strided(np.zeros(400, "f4"), shape, strides, 0)
        assert memory.is_channels_last(array) is last
        assert memory.preserved_strides(array) == kept
        assert memory.channels_last_strides((2, 3, 4, 5)) == (60, 1, 15, 3)
        assert memory.contiguous_strides((2, 0, 3)) == (3, 3, 1)


class TestStorages:
    def test_one_storage_below_all_views(self):
        array = np.arange(6, dtype="f4")
        whole, part = tensor(array), tensor(array[2:4])
        storage = storage_of(whole)
        assert storage is storage_of(part)
        storage[8:12] = 0
        assert part._array.tolist() == [0.0, 3.0]

    def test_resize_moves_every_tensor_along(self):
        array = np.arange(6, dtype="f4")
        whole, part = tensor(array), tensor(array[2:4])
        del array
        storage = storage_of(whole)
        storage.resize_(0)
        assert storage.nbytes() == 0
        assert whole._array.shape == (6,)
        assert storage_of(part) is storage
        storage.resize_(24).fill_(0)
        part._array[...] = [8, 9]
        assert whole._array.tolist() == [0, 0, 8, 9, 0, 0]

    def test_shared_memory_is_seen_after_a_fork(self):
        whole = tensor(np.zeros(4))
        storage = storage_of(whole).share_memory_()
        assert storage.is_shared()
        child = os.fork()
        if child == 0:
            whole._array[1] = 7
            os._exit(0)
        os.waitpid(child, 0)
        assert whole._array.tolist() == [0, 7, 0, 0]

    @pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
    def test_files(self, tmp_path):
        path = tmp_path / "values.bin"
        written = FloatStorage.from_file(path, True, 3)
        written[1] = 2.5
        assert FloatStorage.from_file(path, False, 3).tolist() == [0.0, 2.5, 0.0]
        with pytest.raises(RuntimeError, match="size <12> is smaller than the required"):
            UntypedStorage.from_file(path, False, 100)

    def test_buffers(self):
        data = bytes(range(8))
        swapped = UntypedStorage.from_buffer(data, "big", 2, 2, dtypes.int16)
        assert swapped.tolist() == [3, 2, 5, 4]
        assert ByteStorage.from_buffer(data).tolist() == list(data)
        with pytest.raises(ValueError, match=r"buffer size \(3\) must be a multiple of element"):
            UntypedStorage.from_buffer(b"abc", "little", dtype=dtypes.int16)

    @pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
    def test_typed(self):
        storage = FloatStorage([1.5, 2, 3])
        assert isinstance(storage, TypedStorage)
        assert isinstance(storage, FloatStorage)
        assert not isinstance(storage, IntStorage)
        assert storage.int().tolist() == [1, 2, 3]
        assert storage.type() == "torch.FloatStorage"
        assert storage.untyped()[0:4].nbytes() == 4
        assert pickle.loads(pickle.dumps(storage.untyped())).tolist() == storage.untyped().tolist()
        assert repr(storage).endswith("TypedStorage(dtype=torch.float32, device=cpu) of size 3]")

    @pytest.mark.parametrize(
        ("act", "error", "message"),
        [
            (lambda s: s[::2], RuntimeError, "Trying to slice with a step of 2"),
            (lambda s: s[100], IndexError, "index 100 out of range for storage of size 4"),
            (lambda s: s["a"], TypeError, "can't index a torch.UntypedStorage with str"),
            (lambda s: s.fill_(2.5), RuntimeError, "fill_ expects int, but got float"),
            (lambda s: s.copy_(UntypedStorage(3)), RuntimeError, "size does not match, self was 4"),
        ],
    )
    def test_errors(self, act, error, message):
        with pytest.raises(error, match=message):
            act(UntypedStorage(4))
