"""``torch.hub``: models from repositories on GitHub or in a folder, and weights from addresses.

A repository offers models as functions of its file ``hubconf.py``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import uuid
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

from flambeau.serialization import load as load_file

__all__ = [
    "download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url",
    "set_dir",
]  # fmt: skip

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # resnet18-bfd8deac.pth
ENV_GITHUB_TOKEN, ENV_TORCH_HOME, ENV_XDG_CACHE_HOME = (
    "GITHUB_TOKEN",
    "TORCH_HOME",
    "XDG_CACHE_HOME",
)
DEFAULT_CACHE_DIR = "~/.cache"
VAR_DEPENDENCY, MODULE_HUBCONF = "dependencies", "hubconf.py"
READ_DATA_CHUNK = 128 * 1024
_GITHUB, _GITHUB_API = "https://github.com", "https://api.github.com"
_TRUSTED_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")
_chosen_dir: str | None = None


class _Progress:
    """What is shown of ``tqdm``'s progress bar without that package: the percentage."""

    def __init__(self, total: int | None = None, disable: bool = False, **options: Any) -> None:
        self.total, self.disable, self.n = total, disable, 0

    def update(self, n: int) -> None:
        """Counts ``n`` more."""
        self.n += n
        if not self.disable:
            done = f"{self.n} bytes" if self.total is None else f"{100 * self.n / self.total:.1f}%"
            sys.stderr.write(f"\r{done}")

    def set_description(self, *args: Any, **kwargs: Any) -> None:
        """Takes a description, which is not shown."""

    def write(self, text: str) -> None:
        """A line of text."""
        sys.stderr.write(f"{text}\n")

    def close(self) -> None:
        """Ends the line."""
        if not self.disable:
            sys.stderr.write("\n")

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


try:
    from tqdm import tqdm
except ImportError:
    tqdm = _Progress  # type: ignore[assignment, misc]


# ---- where files are kept


def get_dir() -> str:
    """Where repositories and weights are kept: ``set_dir``'s, or ``hub`` in ``$TORCH_HOME``.

    Without that variable, in ``torch`` in ``$XDG_CACHE_HOME``, by default ``~/.cache``.
    """
    if _chosen_dir is not None:
        return _chosen_dir
    cache = os.getenv(ENV_XDG_CACHE_HOME, DEFAULT_CACHE_DIR)
    home = os.getenv(ENV_TORCH_HOME, os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Keeps repositories and weights in this folder."""
    global _chosen_dir
    _chosen_dir = os.path.expanduser(d)


# ---- files from addresses


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Saves what is at an address; ``dst`` is there in full or not at all.

    Raises RuntimeError if the SHA-256 of the contents does not begin with ``hash_prefix``.
    """
    dst = os.path.expanduser(dst)
    partial = f"{dst}.{uuid.uuid4().hex}.partial"
    try:
        digest = _fetch(url, partial, progress)
        if hash_prefix is not None and digest[: len(hash_prefix)] != hash_prefix:
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{digest}")')
        os.replace(partial, dst)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def _fetch(url: str, path: str, progress: bool) -> str:
    """Writes what is at an address to a file; its SHA-256."""
    sha256 = hashlib.sha256()
    with urlopen(Request(url, headers={"User-Agent": "torch.hub"})) as source:
        length = source.headers.get("Content-Length")
        total = None if length is None else int(length)
        with (
            open(path, "wb") as target,
            tqdm(
                total=total, disable=not progress, unit="B", unit_scale=True, unit_divisor=1024
            ) as bar,
        ):
            while chunk := source.read(READ_DATA_CHUNK):
                target.write(chunk)
                sha256.update(chunk)
                bar.update(len(chunk))
    return sha256.hexdigest()


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = False,
) -> dict[str, Any]:
    """What ``torch.save`` has put into the file at an address; it is fetched once.

    Args:
        model_dir: where the file is kept, by default ``checkpoints`` in ``get_dir()``.
        check_hash: whether the file's name, as ``name-<hash>.pth``, tells its SHA-256.
        file_name: its name there, by default that of the address.
        map_location, weights_only: as for ``torch.load``.

    Raises RuntimeError if the hash is another.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(urlparse(url).path) if file_name is None else file_name
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        sys.stderr.write(f'Downloading: "{url}" to {path}\n')
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress=progress)
    if _is_zip_of_one(path):
        return _load_zipped(path, map_location, weights_only)
    return load_file(path, map_location=map_location, weights_only=weights_only)


def _is_zip_of_one(path: str) -> bool:
    """Whether a file is an archive of one file, and not one that ``torch.save`` makes."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return len(archive.infolist()) == 1


def _load_zipped(path: str, map_location: Any, weights_only: bool) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
        inside = archive.extract(archive.infolist()[0], folder)
        return load_file(inside, map_location=map_location, weights_only=weights_only)


# ---- repositories


def load(
    repo_or_dir: str,
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: bool | str | None = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """What the function ``model`` of a repository's ``hubconf.py`` gives for the other arguments.

    Args:
        repo_or_dir: ``"owner/name[:ref]"`` on GitHub, or the path of a folder (``source="local"``).
        trust_repo: whether the code of the repository may run: ``"check"`` asks the user unless it
            was trusted before, False asks always, True trusts it from now on.
        force_reload: fetches the repository again.
        verbose: tells when a copy that was fetched before is used.
        skip_validation: does not ask GitHub whether the repository has that branch or tag.

    Raises:
        ValueError: another ``source``.
        RuntimeError: no such function, or packages are missing that ``hubconf.dependencies`` names.

    >>> torch.hub.load("models", "resnet18", source="local")  # doctest: +SKIP
    """
    folder = _folder_of(repo_or_dir, source, trust_repo, force_reload, verbose, skip_validation)
    return _entry(_hubconf(folder), model)(*args, **kwargs)


def list(
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
) -> Any:
    """The names of the functions that a repository on GitHub offers; see ``load``."""
    folder = _folder_of(github, "github", trust_repo, force_reload, verbose, skip_validation)
    members = vars(_hubconf(folder))
    return [name for name, value in members.items() if callable(value) and name[0] != "_"]


def help(
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
) -> str | None:
    """The docstring of a function that a repository on GitHub offers; see ``load``."""
    folder = _folder_of(github, "github", trust_repo, force_reload, True, skip_validation)
    return _entry(_hubconf(folder), model).__doc__


def _folder_of(
    place: str, source: str, trust_repo: Any, force_reload: bool, verbose: bool, skip: bool
) -> str:
    if source.lower() not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source.lower() == "local":
        return place
    return _repository(place, trust_repo, force_reload, verbose, skip)


def _hubconf(folder: str) -> ModuleType:
    """The repository's ``hubconf.py``, run with the repository on the search path."""
    path = os.path.join(folder, MODULE_HUBCONF)
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("hubconf", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def _entry(module: ModuleType, name: str) -> Callable[..., Any]:
    if not isinstance(name, str):
        raise ValueError("Invalid input: model should be a string of function name")
    needed = getattr(module, VAR_DEPENDENCY, ())
    missing = [package for package in needed if importlib.util.find_spec(package) is None]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    found = getattr(module, name, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


# ---- GitHub


def _repository(
    github: str, trust_repo: Any, force_reload: bool, verbose: bool, skip_validation: bool
) -> str:
    """The folder of a repository, fetched if need be."""
    os.makedirs(get_dir(), exist_ok=True)
    owner, name, ref = _parsed(github)
    folder = os.path.join(get_dir(), "_".join([owner, name, ref.replace("/", "_")]))
    _check_trusted(owner, name, trust_repo)
    if os.path.exists(folder) and not force_reload:
        if verbose:
            sys.stderr.write(f"Using cache found in {folder}\n")
        return folder
    if not skip_validation:
        _check_ref(owner, name, ref)
    _download_repository(owner, name, ref, folder, verbose)
    return folder


def _parsed(github: str) -> tuple[str, str, str]:
    """Owner, name and ref of ``owner/name[:ref]``; without a ref ``main`` or else ``master``."""
    place, _, ref = github.partition(":")
    owner, slash, name = place.partition("/")
    if not slash or "/" in name:
        raise ValueError(f'Expected "owner/name[:ref]", got "{github}"')
    if not ref:
        try:
            with urlopen(f"{_GITHUB}/{owner}/{name}/tree/main/"):
                ref = "main"
        except HTTPError as error:
            if error.code != 404:
                raise
            ref = "master"
        except OSError:  # no network: what was fetched before will do
            ref = _cached_ref(owner, name)
    return owner, name, ref


def _cached_ref(owner: str, name: str) -> str:
    for ref in ("main", "master"):
        if os.path.exists(os.path.join(get_dir(), f"{owner}_{name}_{ref}")):
            return ref
    raise RuntimeError(
        "It looks like there is no internet connection and the repo could not be found in the "
        f"cache ({get_dir()})"
    )


def _check_ref(owner: str, name: str, ref: str) -> None:
    """ValueError unless the repository has that branch, tag or commit."""
    headers = {"Accept": "application/vnd.github.v3+json", "User-Agent": "torch.hub"}
    token = os.getenv(ENV_GITHUB_TOKEN)
    if token is not None:
        headers["Authorization"] = f"token {token}"
    for kind in ("branches", "tags"):
        page = 1
        while True:
            url = f"{_GITHUB_API}/repos/{owner}/{name}/{kind}?per_page=100&page={page}"
            with urlopen(Request(url, headers=headers)) as answer:
                found = json.loads(answer.read())
            if not found:
                break
            for item in found:
                if item["name"] == ref or item["commit"]["sha"].startswith(ref):
                    return
            page += 1
    raise ValueError(
        f"Cannot find {ref} in https://github.com/{owner}/{name}. If it's a commit from a forked "
        "repo, please call hub.load() with forked repo directly."
    )


def _download_repository(owner: str, name: str, ref: str, folder: str, verbose: bool) -> None:
    url = f"{_GITHUB}/{owner}/{name}/zipball/{ref}"
    sys.stderr.write(f'Downloading: "{url}" to {folder}.zip\n')
    with tempfile.TemporaryDirectory(dir=get_dir()) as place:
        packed = os.path.join(place, "repository.zip")
        download_url_to_file(url, packed, progress=False)
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(place)
        inside = next(path for path in Path(place).iterdir() if path.is_dir())
        if os.path.exists(folder):
            shutil.rmtree(folder)
        shutil.move(inside, folder)


def _check_trusted(owner: str, name: str, trust_repo: bool | str | None) -> None:
    """Asks the user, if need be, whether the code of a repository may run."""
    path = Path(get_dir()) / "trusted_list"
    known = path.read_text().split() if path.exists() else []
    repository = f"{owner}_{name}"
    if trust_repo is None:
        warnings.warn(
            "You are about to download and run code from an untrusted repository. In a future "
            "release, this won't be allowed. To add the repository to your trusted list, pass "
            "trust_repo=True.",
            stacklevel=5,
        )
        return
    trusted = repository in known or owner in _TRUSTED_OWNERS
    if trust_repo is False or (trust_repo == "check" and not trusted):
        answer = input(
            f"The repository {repository} does not belong to the list of trusted repositories and "
            "as such cannot be downloaded. Do you trust this repository and wish to add it to the "
            "trusted list of repositories (y/N)?"
        )
        if answer.lower() not in ("y", "yes"):
            raise Exception("Untrusted repository.")
    if repository not in known and not (trust_repo == "check" and trusted):
        with path.open("a") as file:
            file.write(f"{repository}\n")
