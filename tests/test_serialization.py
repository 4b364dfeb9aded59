"""save and load: PyTorch's files, sharing, options, and files that must not be trusted."""

from __future__ import annotations

import copy
import functools
import io
import os
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path

import pytest

import flambeau as torch
from flambeau import nn, optim, serialization

FILES = Path(__file__).parent / "files"


def stored(value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    file.seek(0)
    return file


def again(value, **options):
    return torch.load(stored(value), **options)


class TestFilesOfPyTorch:
    @pytest.mark.parametrize("name", ["pytorch_2_13.pt", "pytorch_2_13_legacy.pt"])
    def test_everything_comes_out(self, name):
        state = torch.load(FILES / name)
        assert state["base"].tolist() == torch.arange(12.0).view(3, 4).tolist()
        assert state["half"].dtype is torch.bfloat16
        assert state["half"].tolist() == [1.5, -2.0]
        assert isinstance(state["parameter"], nn.Parameter)
        assert state["leaf"].requires_grad
        assert state["numbers"] == (1, 2.5, True, None, "text ü", b"bytes", 2**62, 3 + 4j)
        assert type(state["ordered"]) is OrderedDict
        assert state["size"] == torch.Size([2, 3])
        assert state["dtype"] is torch.float16
        assert state["device"] == torch.device("cpu")
        assert state["set"] == {1, 2}

    @pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}])
    def test_tensors_share_their_memory_again(self, options):
        state = torch.load(FILES / "pytorch_2_13.pt", **options)
        assert state["turned"].stride() == (1, 4)
        assert state["row"].storage_offset() == 4
        state["row"].zero_()
        assert state["base"][1].tolist() == [0, 0, 0, 0]
        assert state["turned"][:, 1].tolist() == [0, 0, 0, 0]

    def test_dtypes_without_a_storage_class(self):
        state = torch.load(FILES / "pytorch_2_13_newer.pt")
        assert state["newer"].dtype is torch.uint16
        assert state["eighth"].float().tolist() == [1.0, 0.5]
        assert state["conj"].tolist() == [1 - 2j]


class TestRoundTrips:
    @pytest.mark.parametrize("legacy", [False, True])
    def test_containers_and_tensors(self, legacy):
        value = {"list": [torch.ones(2), (None, -1)], (1, 2): Counter("aab"), "empty": [[], {}, ()]}
        file = stored(value, _use_new_zipfile_serialization=not legacy)
        loaded = torch.load(file)
        assert loaded["list"][0].tolist() == [1.0, 1.0]
        assert loaded[1, 2] == Counter("aab")
        assert loaded["empty"] == [[], {}, ()]

    def test_models_and_optimizers(self):
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        optimizer = optim.AdamW(model.parameters())
        model(torch.ones(4, 2)).sum().backward()
        optimizer.step()
        loaded = again({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
        assert loaded["model"]._metadata == model.state_dict()._metadata
        twin = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        twin.load_state_dict(loaded["model"])
        optim.AdamW(twin.parameters()).load_state_dict(loaded["optimizer"])
        assert torch.equal(twin[0].weight, model[0].weight)

    def test_attributes_of_tensors(self):
        parameter = nn.Parameter(torch.ones(2))
        parameter.note = "kept"
        buffer = nn.Buffer(torch.ones(1))
        loaded = again([parameter, buffer])
        assert loaded[0].note == "kept"
        assert isinstance(loaded[1], nn.Buffer)

    def test_meta_tensors_have_no_data(self):
        loaded = again(torch.empty(3, 4, device="meta").t())
        assert loaded.device.type == "meta"
        assert loaded.stride() == (1, 4)

    def test_copies_and_pickles_share_memory_too(self):
        base = torch.arange(4.0)
        for twins in (
            copy.deepcopy((base, base[1:])),
            pickle.loads(pickle.dumps((base, base[1:]))),
        ):
            twins[0][1] = 50.0
            assert twins[1][0].item() == 50.0
        with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
            copy.deepcopy(torch.ones(1, requires_grad=True) * 2)


class TestArchives:
    def test_records(self):
        base = torch.arange(100.0)
        with zipfile.ZipFile(stored({"part": base[40:45], "whole": base})) as archive:
            names = [name.partition("/")[2] for name in archive.namelist()]
            assert {"data.pkl", "version", "byteorder", "data/0", ".data/serialization_id"} <= set(
                names
            )
            assert "data/1" not in names
            assert archive.getinfo("archive/data/0").file_size == 400
            assert archive.read("archive/version") == b"3\n"
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())

    def test_storages_begin_at_multiples_of_64(self):
        file = stored([torch.ones(3), torch.ones(5), torch.ones(1)])
        data = file.getvalue()
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
                assert (info.header_offset + 30 + name + extra) % 64 == 0

    def test_the_pickle_speaks_of_pytorch(self):
        with zipfile.ZipFile(stored([torch.ones(1), nn.Parameter(torch.ones(1))])) as archive:
            text = archive.read("archive/data.pkl")
        assert b"torch._utils\n_rebuild_tensor_v2" in text
        assert b"torch\nFloatStorage" in text
        assert b"flambeau" not in text

    def test_a_path_is_written_whole_or_not_at_all(self, tmp_path):
        path = tmp_path / "file.pt"
        torch.save({"first": torch.ones(1)}, path)
        with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
            torch.save({"second": torch.ones(1), "no": lambda: 1}, path)
        assert list(torch.load(path)) == ["first"]
        assert os.listdir(tmp_path) == ["file.pt"]

    def test_one_memory_has_one_dtype(self):
        base = torch.ones(4)
        with pytest.raises(RuntimeError, match="view the same data as different types"):
            torch.save([base, base.view(torch.int32)], io.BytesIO())

    def test_skipped_data(self):
        with serialization.skip_data():
            file = stored(torch.arange(3.0))
        assert torch.load(file).tolist() == [0.0, 0.0, 0.0]


class TestOptions:
    def test_map_location(self):
        asked = []

        def keep(storage, location):
            asked.append(location)
            return storage

        value = {"a": torch.ones(3), "b": torch.ones(2)}
        again(value, map_location=keep)
        assert asked == ["cpu", "cpu"]
        assert again(value, map_location="meta")["a"].device.type == "meta"
        assert again(value, map_location={"cpu": "meta"})["a"].device.type == "meta"
        with pytest.raises(RuntimeError, match="don't know how to restore data location"):
            again(value, map_location="nowhere")

    def test_writes_through_a_map(self, tmp_path):
        path = tmp_path / "file.pt"
        torch.save(torch.zeros(3), path)
        torch.load(path, mmap=True).fill_(1)
        assert torch.load(path).tolist() == [0.0, 0.0, 0.0]

    @pytest.mark.parametrize(
        ("act", "error", "message"),
        [
            (lambda: torch.load(io.BytesIO(), mmap=True), ValueError, "f must be a file path"),
            (lambda: again(1, pickle_module=pickle, weights_only=True), RuntimeError, "Can not"),
            (lambda: torch.load(3), AttributeError, "'int' object has no attribute 'seek'"),
            (lambda: torch.save(1, 3), AttributeError, "expected 'f' to be string, path"),
            (lambda: torch.save(1, "/nowhere/x"), RuntimeError, "Parent directory /nowhere does"),
            (lambda: torch.load("/nowhere"), FileNotFoundError, "No such file"),
            (lambda: torch.load(io.BytesIO()), EOFError, ""),
        ],
    )
    def test_refusals(self, act, error, message):
        with pytest.raises(error, match=message or None):
            act()


# ---- files that must not be trusted


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class Config:
    def __init__(self, rate):
        self.rate = rate


def archive_of(text, *storages):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", text)
        archive.writestr("archive/version", b"3\n")
        for number, data in enumerate(storages):
            archive.writestr(f"archive/data/{number}", data)
    file.seek(0)
    return file


class TestTrust:
    @pytest.mark.parametrize(
        "make",
        [
            lambda marker: Call(os.mkdir, marker),
            lambda marker: Call(eval, f"open({marker!r}, 'w')"),
            lambda marker: {"weight": [Call(os.system, f": > {marker}")]},
            lambda marker: {Call(os.mkdir, marker): 1},
            lambda marker: Call(functools.partial, os.mkdir, marker),
            lambda marker: Call(getattr, Call(__import__, "os"), "system"),
        ],
    )
    @pytest.mark.parametrize("protocol", [0, 2, 4])
    def test_nothing_runs(self, make, protocol, tmp_path):
        marker = str(tmp_path / "marker")
        text = pickle.dumps(make(marker), protocol)
        for file in (archive_of(text), io.BytesIO(text)):
            with pytest.raises(pickle.UnpicklingError):
                torch.load(file)
        assert not os.path.exists(marker)

    def test_messages(self):
        with pytest.raises(pickle.UnpicklingError, match="whose module posix is blocked"):
            torch.load(archive_of(pickle.dumps(Call(os.mkdir, "x"))))
        with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[.*Config\]\)"):
            again(Config(1))

    def test_what_users_trust(self):
        file = stored(Config(3))
        with serialization.safe_globals([Config]):
            assert torch.load(file).rate == 3
        assert serialization.get_safe_globals() == []
        file.seek(0)
        assert torch.load(file, weights_only=False).rate == 3
        file.seek(0)
        assert serialization.get_unsafe_globals_in_checkpoint(file) == [
            f"{Config.__module__}.Config"
        ]

    @pytest.mark.parametrize(
        ("offset", "size", "stride"),
        [
            (1 << 20, (2,), (1,)), (0, (1 << 40,), (1,)), (0, (2, 2), (1 << 30, 1)),
            (-64, (2,), (1,)), (0, (-4,), (1,)), (0, (4,), (-8,)), (0, (1 << 62, 8), (1, 1)),
        ],
    )  # fmt: skip
    def test_no_tensor_reaches_beyond_its_memory(self, offset, size, stride):
        with zipfile.ZipFile(stored(torch.ones(4))) as archive:
            text = archive.read("archive/data.pkl")
        marked = b"K\x00K\x04\x85"
        assert marked in text

        def number(value):
            return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)

        def numbers(values):
            return b"(" + b"".join(map(number, values)) + b"t"

        wild = text.replace(marked, number(offset) + numbers(size)).replace(
            b"K\x01\x85", numbers(stride)
        )
        with pytest.raises((RuntimeError, ValueError, OverflowError)):
            torch.load(archive_of(wild, bytes(16)))

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
    @pytest.mark.parametrize("legacy", [False, True])
    def test_files_cut_short(self, share, legacy):
        data = stored(
            {"weight": torch.arange(300.0)}, _use_new_zipfile_serialization=not legacy
        ).getvalue()
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            torch.load(io.BytesIO(data[: int(len(data) * share)]))

    def test_records_of_the_wrong_size(self):
        with zipfile.ZipFile(stored(torch.ones(4))) as archive:
            text = archive.read("archive/data.pkl")
        with pytest.raises(RuntimeError, match=r"record size \(3 bytes\) does not match"):
            torch.load(archive_of(text, b"abc"))
        with pytest.raises(RuntimeError, match="failed locating file data/0: file not found"):
            torch.load(archive_of(text))
