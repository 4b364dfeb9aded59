"""``torch.compile``, ``torch.compiler`` and ``torch._dynamo``: PyTorch's interface, eager code."""

from __future__ import annotations

import copy
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import flambeau as torch
from flambeau import nn
from flambeau._dynamo import config
from flambeau._dynamo.exc import InvalidBackend

dynamo, compiler = torch._dynamo, torch.compiler


def double(x: torch.Tensor) -> torch.Tensor:
    """Twice as much."""
    return 2 * x


# ---- torch.compile of functions


@pytest.mark.parametrize("backend", compiler.list_backends(None))
def test_a_function_runs_as_it_is_under_every_backend(backend: str) -> None:
    compiled = torch.compile(double, backend=backend, dynamic=True, fullgraph=True)
    x = torch.ones(2, requires_grad=True)
    compiled(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    assert compiled.__wrapped__ is compiled._torchdynamo_orig_callable is double
    assert (compiled.__name__, compiled.__doc__) == ("double", "Twice as much.")


def test_a_decorator_with_and_without_arguments() -> None:
    @torch.compile
    def plain(x: Any, *, by: float = 2) -> Any:
        return x * by

    @torch.compile(mode="max-autotune", name="second")
    def given(x: Any) -> Any:
        return -x

    class Model:
        @torch.compile
        def scaled(self, x: Any) -> Any:
            return x, self

    model = Model()
    assert plain(3, by=3) == 9 and given(3) == -3
    assert model.scaled(1) == (1, model)
    assert torch.compile(double, disable=True) is double
    assert torch.compile(Model) is Model


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (RuntimeError, "Unrecognized mode=fast, should be one of: default, lite, reduce-overhead, "
         "max-autotune-no-cudagraphs, max-autotune", {"mode": "fast"}),
        (RuntimeError, "Either mode or options can be specified, but both can't be specified at "
         "the same time.", {"mode": "default", "options": {}}),
        (InvalidBackend, "Invalid backend: 'fast', see `torch._dynamo.list_backends()` for "
         "available backends.", {"backend": "fast"}),
        (AssertionError, "Expected enable to be a bool, got <class 'str'>", {"dynamic": "yes"}),
        (AssertionError, "A callable function is expected, but <class 'int'> is provided.",
         {"model": 3}),
        (TypeError, "compile() got an unexpected keyword argument 'fast'", {"fast": True}),
    ],
)  # fmt: skip
def test_arguments_that_are_refused(error: type, message: str, arguments: dict) -> None:
    with pytest.raises(error) as caught:
        torch.compile(**{"model": double, **arguments})
    assert str(caught.value) == message


def test_a_backend_of_ones_own_needs_a_graph() -> None:
    def backend(graph: Any, inputs: Any) -> Any:
        return graph

    with pytest.raises(NotImplementedError, match=r"graph of the function as a torch\.fx"):
        torch.compile(double, backend=backend)
    for refused in (dynamo.register_backend, dynamo.explain, dynamo.export):
        with pytest.raises(NotImplementedError, match="runs functions as they are"):
            refused(backend)
    with pytest.raises(RuntimeError, match="Model can't be None"):
        torch.compile()(None)


def test_the_default_backend() -> None:
    compiler.set_default_backend("eager")
    assert compiler.get_default_backend() == "eager"
    assert torch.compile(double, backend=None, mode="fast")(1) == 2  # no mode of Inductor's
    compiler.set_default_backend(None)
    assert compiler.get_default_backend() == "inductor"
    with pytest.raises(InvalidBackend):
        compiler.set_default_backend("fast")


# ---- torch.compile of modules


def test_a_module_is_wrapped_and_shares_its_state() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout())
    compiled = torch.compile(model)
    assert isinstance(compiled, dynamo.OptimizedModule) and compiled._orig_mod is model
    assert list(compiled.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    assert next(compiled.parameters()) is model[0].weight
    compiled.eval()
    assert not (compiled.training or model.training or model[1].training)
    compiled.scale = 3
    assert model.scale == compiled.scale == 3 and len(compiled) == 2
    del compiled.scale
    assert not hasattr(model, "scale")
    x = torch.ones(1, 2)
    assert torch.equal(compiled(x), model(x))
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'nothing'"):
        compiled.nothing
    with pytest.raises(TypeError, match="Linear does not support len"):
        len(torch.compile(model[0]))


def test_hooks_of_the_wrapper_are_its_own() -> None:
    model, calls = nn.Linear(2, 2), []
    compiled = torch.compile(model)
    compiled.register_forward_hook(lambda module, args, output: calls.append(module))
    model(torch.ones(2))
    assert calls == []
    compiled(torch.ones(2))
    assert calls == [compiled]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_wrapped_module_is_copied_and_pickled(again: Any) -> None:
    compiled = torch.compile(nn.Linear(2, 2))
    copied = again(compiled)
    assert type(copied) is dynamo.OptimizedModule
    assert torch.equal(copied.weight, compiled.weight) and copied.weight is not compiled.weight


def test_a_module_is_compiled_in_place() -> None:
    model = nn.Linear(2, 2)
    model.compile(backend="eager")
    assert model._compiled_call_impl is not None
    assert model(torch.ones(2)).shape == (2,)
    with pytest.raises(InvalidBackend):
        model.compile(backend="fast")


# ---- hints and questions


def test_code_is_not_being_compiled() -> None:
    @torch.compile
    def answers() -> list[bool]:
        return [compiler.is_compiling(), compiler.is_dynamo_compiling(), dynamo.is_compiling()]

    assert answers() == [False] * 3 and not compiler.is_exporting()


@pytest.mark.parametrize(
    "name", ["allow_in_graph", "assume_constant_result", "disable", "forbid_in_graph", "run",
             "disallow_in_graph", "nonstrict_trace", "dont_skip_tracing"],
)  # fmt: skip
def test_hints_for_functions_give_them_back(name: str) -> None:
    hint = getattr(dynamo, name)
    assert hint(double) is double
    with pytest.raises(AssertionError, match="callable"):
        hint(3)


def test_hints_without_a_function_are_decorators() -> None:
    for hint in (compiler.disable(recursive=False), compiler.nested_compile_region(),
                 dynamo.run(), dynamo.disable_nested_graph_breaks()):  # fmt: skip
        assert hint(double) is double
    assert dynamo.allow_in_graph([double, abs]) == [double, abs]


def test_hints_for_tensors() -> None:
    x = torch.ones(2, 3)
    dynamo.mark_dynamic(x, 0, min=2)
    dynamo.mark_static(nn.Linear)
    for name in ("mark_dynamic", "maybe_mark_dynamic", "mark_static"):
        getattr(dynamo, name)(x, [0, 1])
        with pytest.raises(TypeError, match=f"{name} expects a tensor but received"):
            getattr(dynamo, name)(3, 0)
    with pytest.raises(TypeError, match="mark_static_address expects a tensor but received"):
        dynamo.mark_static_address(3)


def test_a_substitute_is_not_called() -> None:
    @compiler.substitute_in_graph(double)
    def traceable(x: Any) -> Any:
        raise AssertionError

    assert traceable(3) == 6
    with pytest.raises(TypeError, match="Signature mismatch"):
        compiler.substitute_in_graph(double)(lambda x, y: None)
    compiler.substitute_in_graph(double, skip_signature_check=True)(lambda x, y: None)


def test_stances() -> None:
    stance = compiler.set_stance
    with stance("force_eager"), stance("default", force_backend="eager"):
        assert stance.current == "default" and torch.compile(double)(2) == 4

    @stance("fail_on_recompile")
    def inside(x: Any) -> Any:
        return x, stance.current

    assert inside(1) == (1, "fail_on_recompile") and stance.current == "default"
    stance("force_eager")
    assert stance.current == "force_eager"
    stance()
    with pytest.raises(RuntimeError, match="non-default stance cannot have force_backend set"):
        stance("force_eager", force_backend="eager")
    with pytest.raises(RuntimeError, match=r"invalid torch\.compile stance 'fast'"):
        stance("fast")


def test_settings_are_patched_for_a_while() -> None:
    @config.patch({"verbose": True})
    def inside() -> bool:
        return config.verbose

    assert inside() and not config.verbose
    with dynamo.patch_dynamo_config("recompile_limit", 3):
        assert config.recompile_limit == 3
    assert config.recompile_limit == 8
    with pytest.raises(AttributeError, match=r"torch\._dynamo\.config\.fast does not exist"):
        config.patch(fast=True).__enter__()


def test_functions_of_arrays() -> None:
    halved = compiler.wrap_numpy(lambda x, by=2: [np.floor(x / by), by])
    assert [halved(torch.tensor([3.0]))[0].tolist(), halved(torch.ones(1), by=5)[1]] == [[1.0], 5]


def test_filters_of_guards() -> None:
    guards = [
        SimpleNamespace(
            guard_type="TENSOR_MATCH", value=nn.Parameter(torch.ones(1)), is_global=True
        ),
        SimpleNamespace(guard_type="ID_MATCH", value=nn.Linear(1, 1), is_global=False),
    ]
    assert compiler.skip_all_guards_unsafe(guards) == [False, False]
    assert compiler.keep_tensor_guards_unsafe(guards) == [False, False]
    assert compiler.keep_tensor_guards_unsafe(guards, True) == [True, False]
    assert compiler.keep_portable_guards_unsafe(guards) == [True, False]
    assert compiler.skip_guard_on_globals_unsafe(guards) == [False, True]
    assert compiler.skip_guard_on_all_nn_modules_unsafe(guards) == [True, False]
    assert compiler.skip_guard_on_inbuilt_nn_modules_unsafe(guards)[1] is False


def test_nothing_compiled_is_kept() -> None:
    assert compiler.save_cache_artifacts() is compiler.load_cache_artifacts(b"") is None
    assert compiler.set_enable_guard_collectives(True) is False
    with pytest.raises(NotImplementedError, match="machine code"):
        compiler.load_compiled_function(None)
