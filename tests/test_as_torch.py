"""``import torch`` means Flambeau: identity, the command line, messages for missing names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import flambeau
from flambeau import namespace, version
from tests import launching


def run_code(tmp_path: Path, code: str, *arguments: str):
    program = tmp_path / "program.py"
    program.write_text(code)
    return launching.flambeau(program, *arguments, cwd=tmp_path)


def test_torch_is_flambeau_at_every_depth(tmp_path: Path) -> None:
    result = run_code(
        tmp_path,
        """
import flambeau.as_torch
import torch, torch.nn as nn, torch.nn.functional as F
from torch.utils.data import DataLoader
from torch import Tensor, optim
import flambeau, flambeau.utils.data, sys
assert torch is flambeau and nn is flambeau.nn and F is flambeau.nn.functional
assert sys.modules["torch.nn.functional"] is sys.modules["flambeau.nn.functional"]
assert DataLoader is flambeau.utils.data.DataLoader
assert Tensor is flambeau.Tensor and optim is flambeau.optim
assert flambeau.nn.__name__ == "flambeau.nn" == flambeau.nn.__spec__.name
assert torch.__version__.startswith("2.13") and torch.__version__ >= (2, 13)
assert isinstance(torch.ones(2), flambeau.Tensor)
""",
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_programs_that_look_for_torch_find_it(tmp_path: Path) -> None:
    result = run_code(
        tmp_path,
        """
import importlib.metadata, importlib.util
assert importlib.util.find_spec("torch") is not None
assert importlib.util.find_spec("torch.nn") is not None
assert importlib.util.find_spec("torch.no_such_module") is None
assert importlib.metadata.version("torch").startswith("2.13")
assert importlib.metadata.distribution("torch").metadata["Name"] == "torch"
""",
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_a_program_runs_as_main_with_its_arguments(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("value = 5")
    result = run_code(
        tmp_path,
        """
import os, pickle, sys
import beside
class Point: pass
assert sys.argv[1:] == ["-m", "x"] and os.path.basename(sys.argv[0]) == "program.py"
assert __name__ == "__main__" and __spec__ is None and os.path.isabs(__file__)
assert sys.modules["__main__"].__dict__ is globals()
assert type(pickle.loads(pickle.dumps(Point()))) is Point
sys.exit(beside.value)
""",
        "-m",
        "x",
    )
    assert (result.returncode, result.stderr) == (5, "")


def test_a_module_runs_like_python_dash_m(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("word = 'hello'")
    (package / "__main__.py").write_text(
        "import sys, torch\nfrom .part import word\n"
        "print(word, __package__, __spec__.name, sys.argv[1:], torch.__name__)"
    )
    result = launching.flambeau("-m", "pack", "a", cwd=tmp_path)
    assert result.stdout == "hello pack pack.__main__ ['a'] flambeau\n", result.stderr
    assert "No module named nowhere" in launching.flambeau("-m", "nowhere", cwd=tmp_path).stderr


def test_tracebacks_begin_in_the_program(tmp_path: Path) -> None:
    result = run_code(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    lines = result.stderr.splitlines()
    assert result.returncode == 1
    assert lines[1].endswith('program.py", line 4, in <module>')
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "launcher" not in result.stderr
    result = run_code(tmp_path, "x = = 1\n")
    assert result.stderr.startswith("  File ") and "SyntaxError" in result.stderr


def test_a_loaded_pytorch_is_reported() -> None:
    fake = "import sys, types; sys.modules['torch'] = types.ModuleType('torch')\n"
    result = launching.python("-c", fake + "import flambeau.as_torch")
    assert "must be imported before PyTorch" in result.stderr.splitlines()[-1]


def test_a_failed_import_says_when_the_name_is_due(tmp_path: Path) -> None:
    result = run_code(tmp_path, "from torch import no_such_operator")
    assert "cannot import name 'no_such_operator'" in result.stderr
    assert "milestone 0.2 (every operator)" in result.stderr
    result = run_code(tmp_path, "import torch.no_such_module")
    assert "No module named 'torch.no_such_module'" in result.stderr


def test_a_missing_attribute_says_when_it_is_due() -> None:
    with pytest.raises(AttributeError) as caught:
        flambeau.no_such_operator
    first, second = str(caught.value).splitlines()
    assert first == f"module {namespace.spoken('flambeau')!r} has no attribute 'no_such_operator'"
    assert "milestone 0.2" in second
    assert caught.value.name == "no_such_operator"
    assert not hasattr(flambeau, "no_such_operator")
    assert "no_such_operator" not in dir(flambeau)


@pytest.mark.parametrize(
    ("name", "number"),
    [("stft", "0.2"), ("nn.utils.prune", "0.4"), ("func", "0.3"), ("distributed.rpc", "1.0")],
)
def test_milestones_go_by_the_longest_known_name(name: str, number: str) -> None:
    assert namespace.milestone(name) == number


def test_submodules_named_lazy_load_at_first_use() -> None:
    getattr_ = namespace.module_getattr("flambeau", lazy=["launcher"])
    assert getattr_("launcher") is sys.modules["flambeau.launcher"]


def test_the_command_line_explains_itself() -> None:
    assert "python -m flambeau program.py" in launching.flambeau().stdout
    assert version.release in launching.flambeau("--version").stdout
    result = launching.flambeau("missing.py")
    assert result.returncode == 1 and "can't open file" in result.stderr
    assert "unknown option --bad" in launching.flambeau("--bad").stderr
