"""``torch.hub`` with a folder, and with a server that answers as GitHub does."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import flambeau as torch
from flambeau import hub
from flambeau.utils import model_zoo

HUBCONF = """
from helper import WIDTH
dependencies = ["json"]

def linear(*args, bias=True):
    '''A layer.'''
    import flambeau
    return flambeau.nn.Linear(WIDTH, *args, bias=bias)

def _hidden():
    pass
"""
FILES = {"hubconf.py": HUBCONF, "helper.py": "WIDTH = 3\n"}


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Answers with the pages that it is given."""

    pages: dict[str, bytes]
    asked: list[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.asked = {}, []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append(self.path)
        page = server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with one repository, in place of GitHub; files are kept in a folder of the test."""
    with Server() as server:
        refs = [{"name": "main", "commit": {"sha": "abc123"}}]
        api = "/repos/pytorch/models"
        server.pages |= {
            "/pytorch/models/tree/main/": b"",
            f"{api}/branches?per_page=100&page=1": json.dumps(refs).encode(),
            f"{api}/branches?per_page=100&page=2": b"[]",
            f"{api}/tags?per_page=100&page=1": b"[]",
            "/pytorch/models/zipball/main": packed(
                {f"models-abc/{k}": v for k, v in FILES.items()}
            ),
        }
        monkeypatch.setattr(hub, "_GITHUB", server.address)
        monkeypatch.setattr(hub, "_GITHUB_API", server.address)
        monkeypatch.setattr(hub, "_chosen_dir", str(tmp_path / "hub"))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


# ---- folders


def test_a_model_of_a_folder(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    layer = hub.load(str(tmp_path), "linear", 5, source="local", bias=False)
    assert (layer.in_features, layer.out_features, layer.bias) == (3, 5, None)
    with pytest.raises(RuntimeError, match="Cannot find callable nothing in hubconf"):
        hub.load(str(tmp_path), "nothing", source="local")
    (tmp_path / "hubconf.py").write_text("dependencies = ['json', 'not_there']\ndef f(): pass\n")
    with pytest.raises(RuntimeError, match="Missing dependencies: not_there"):
        hub.load(str(tmp_path), "f", source="local")
    with pytest.raises(ValueError, match='Unknown source: "x"'):
        hub.load(str(tmp_path), "f", source="x")


def test_where_files_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_chosen_dir", None)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert hub.get_dir() == "/cache/torch/hub"
    monkeypatch.setenv("TORCH_HOME", "/home")
    assert hub.get_dir() == "/home/hub"
    hub.set_dir("/chosen")
    assert hub.get_dir() == "/chosen"


# ---- repositories


def test_a_repository_is_fetched_once(server: Server, capsys: Any) -> None:
    assert hub.load("pytorch/models", "linear", 2).out_features == 2
    assert hub.list("pytorch/models:main") == ["linear"]
    assert hub.help("pytorch/models:main", "linear") == "A layer."
    assert server.asked.count("/pytorch/models/zipball/main") == 1
    assert "Using cache found in" in capsys.readouterr().err
    hub.list("pytorch/models:main", force_reload=True, skip_validation=True, verbose=False)
    assert server.asked.count("/pytorch/models/zipball/main") == 2


def test_a_ref_has_to_exist(server: Server) -> None:
    with pytest.raises(
        ValueError, match=r"Cannot find other in https://github\.com/pytorch/models"
    ):
        hub.list("pytorch/models:other")
    with pytest.raises(ValueError, match=r'Expected "owner/name\[:ref\]"'):
        hub.list("models")


def test_without_a_network_what_is_there_is_used(server: Server, monkeypatch: Any) -> None:
    hub.list("pytorch/models")
    monkeypatch.setattr(hub, "_GITHUB", "http://127.0.0.1:9")
    assert hub.list("pytorch/models") == ["linear"]
    with pytest.raises(RuntimeError, match="there is no internet connection"):
        hub.list("pytorch/others")


def test_code_of_others_has_to_be_trusted(server: Server, monkeypatch: Any) -> None:
    server.pages["/someone/models/zipball/main"] = server.pages["/pytorch/models/zipball/main"]
    answers = iter(["n", "y"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    place, options = "someone/models:main", {"skip_validation": True}
    with pytest.raises(Exception, match="Untrusted repository"):
        hub.list(place, **options)
    assert hub.list(place, **options) == hub.list(place, **options) == ["linear"]
    with pytest.raises(StopIteration):
        hub.list(place, trust_repo=False, **options)
    with pytest.warns(UserWarning, match="untrusted repository"):
        hub.list(place, trust_repo=None, **options)
    server.pages["/new/models/zipball/main"] = server.pages["/someone/models/zipball/main"]
    assert hub.list("new/models:main", trust_repo=True, **options) == ["linear"]
    assert hub.list("new/models:main", **options) == ["linear"]


# ---- weights


def test_weights_are_fetched_once_and_checked(server: Server, tmp_path: Path) -> None:
    data = saved({"w": torch.arange(3.0)})
    digest = hashlib.sha256(data).hexdigest()
    name = f"/net-{digest[:8]}.pth"
    server.pages |= {name: data, "/net-00000000.pth": data, "/old.pth": zipped(data)}
    for load in (hub.load_state_dict_from_url, model_zoo.load_url):
        state = load(server.address + name, check_hash=True, progress=False)
        assert state["w"].tolist() == [0.0, 1.0, 2.0]
    assert server.asked == [name]
    wrong = f'invalid hash value \\(expected "00000000", got "{digest}"\\)'
    with pytest.raises(RuntimeError, match=wrong):
        hub.load_state_dict_from_url(server.address + "/net-00000000.pth", check_hash=True)
    kept = tmp_path / "hub" / "checkpoints"
    assert [path.name for path in kept.iterdir()] == [name[1:]]
    state = hub.load_state_dict_from_url(
        server.address + "/old.pth", str(tmp_path), file_name="mine.pth", weights_only=True
    )
    assert state["w"].shape == (3,) and (tmp_path / "mine.pth").exists()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.pth", data)
    return buffer.getvalue()


def test_a_file_is_there_in_full_or_not_at_all(server: Server, tmp_path: Path) -> None:
    server.pages["/file"] = b"contents"
    hub.download_url_to_file(server.address + "/file", str(tmp_path / "file"), progress=False)
    assert (tmp_path / "file").read_bytes() == b"contents"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(server.address + "/file", str(tmp_path / "other"), "ff", False)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]


def test_progress_without_tqdm(capsys: Any) -> None:
    with hub._Progress(total=4) as bar:
        bar.update(1)
        bar.set_description("x")
    with hub._Progress() as bar:
        bar.update(2)
        bar.write("text")
    assert capsys.readouterr().err == "\r25.0%\n\r2 bytestext\n\n"
