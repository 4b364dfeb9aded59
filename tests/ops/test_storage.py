"""Tensor methods about memory; the expected values are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import flambeau as torch


class TestWhereElementsLie:
    def test_strides_and_offsets(self):
        base = torch.zeros(2, 3, 4)
        view = base[1].t()[1:]
        assert base.stride() == (12, 4, 1)
        assert base.stride(-1) == 1
        assert (view.stride(), view.storage_offset()) == ((1, 4), 13)
        assert torch.zeros(2, 0, 3).stride() == (3, 3, 1)
        with pytest.raises(IndexError, match=r"expected to be in range of \[-3, 2\], but got 3"):
            base.stride(3)

    def test_memory_formats(self):
        image = torch.zeros(2, 3, 4, 5)
        last = image.contiguous(memory_format=torch.channels_last)
        assert last.stride() == (60, 1, 15, 3)
        assert last.is_contiguous(memory_format=torch.channels_last)
        assert not last.is_contiguous()
        assert not torch.zeros(2, 3).is_contiguous(memory_format=torch.channels_last)

    def test_addresses(self):
        base = torch.zeros(4)
        assert base[1:].data_ptr() == base.data_ptr() + 4
        assert torch.zeros(0).data_ptr() == 0
        assert base.untyped_storage().data_ptr() == base.data_ptr()
        assert base[1:].untyped_storage() is base.untyped_storage()
        assert base.is_set_to(base.view(4))
        assert not base.is_set_to(base[:2])
        assert (base.nbytes, base.element_size(), base.storage_type()) == (
            16,
            4,
            torch.FloatStorage,
        )

    def test_arrays_of_users_begin_their_own_memory(self):
        array = np.arange(10.0)
        shared = torch.from_numpy(array[2:6])
        assert shared.storage_offset() == 0
        assert shared.untyped_storage().nbytes() == 32
        shared[0] = 50.0
        assert array[2] == 50.0


class TestOtherMemory:
    @pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
    def test_set_to_a_storage(self):
        tensor = torch.arange(6.0)
        tensor.set_(torch.FloatStorage([1, 2, 3]).untyped(), 1, (2,), (1,))
        assert tensor.tolist() == [2.0, 3.0]
        assert tensor.set_().shape == (0,)
        other = torch.arange(3.0)
        assert tensor.set_(other).data_ptr() == other.data_ptr()

    @pytest.mark.parametrize(
        ("act", "message"),
        [
            (lambda t: t.set_(torch.arange(3)), "Could not set tensor of type long int to a ten"),
            (
                lambda t: t.set_(torch.DoubleStorage(2)),
                "Expected a Storage of type float or an Unt",
            ),
            (lambda t: t.set_(torch.UntypedStorage(16), -1, (2,), (1,)), "invalid storage offset"),
            (lambda t: t.set_(torch.UntypedStorage(16), 0, (2,), (-1,)), "calculation overflowed"),
            (lambda t: t.set_(torch.UntypedStorage(16), 0, (2, 3), (1,)), "unequal size length"),
            (
                lambda t: t.set_(torch.UntypedStorage(16), 3, (2,), (1,)),
                "out of bounds for storage",
            ),
            (lambda t: t.requires_grad_().resize_(3), "cannot resize variables that require grad"),
        ],
    )
    @pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
    def test_refusals(self, act, message):
        with pytest.raises(RuntimeError, match=message):
            act(torch.arange(6.0))

    def test_resizing(self):
        base = torch.arange(6.0)
        part = base[2:]
        assert base.resize_(2, 2).tolist() == [[0.0, 1.0], [2.0, 3.0]]
        assert part.resize_(8).storage_offset() == 2
        base.resize_(10)[9] = 5.0
        assert part[7].item() == 5.0  # the larger memory is that of both
        assert torch.empty(0).resize_(2, 3).stride() == (3, 1)
        grid = torch.zeros(16).resize_(1, 2, 2, 4, memory_format=torch.channels_last)
        assert grid.stride() == (16, 1, 8, 2)
        assert torch.zeros(4).resize_as_(torch.zeros(2, 2)).shape == (2, 2)

    def test_released_and_given_back(self):
        """What sharded training does: the memory goes, the tensor stays, and gets new memory."""
        tensor = torch.arange(4.0)
        storage = tensor.untyped_storage()
        storage.resize_(0)
        assert tensor.untyped_storage().nbytes() == 0
        assert tensor.shape == (4,)
        storage.resize_(16)
        tensor.copy_(torch.ones(4))
        assert tensor.stride() == (1,)
        assert storage.tolist() == torch.ones(4).untyped_storage().tolist()

    def test_shared_with_views(self):
        base = torch.zeros(4)
        part = base[1:]
        assert not part.is_shared()
        base.share_memory_()
        assert part.is_shared()
        part[0] = 3.0
        assert base[1].item() == 3.0

    def test_meta_tensors_have_storages_without_memory(self):
        tensor = torch.empty(3, 4, device="meta")
        assert tensor.untyped_storage().nbytes() == 48
        assert tensor.untyped_storage().device.type == "meta"
        assert tensor.data_ptr() == 0
        with pytest.raises(NotImplementedError, match="Not available for 'meta' device type"):
            tensor.untyped_storage()[0]
