"""Hooks of modules: forward, backward, of all modules, and around the state."""

from __future__ import annotations

import pytest

import flambeau as torch
from flambeau import nn
from flambeau.nn.modules import module as module_file


class TestForward:
    def test_arguments_and_result_can_be_replaced(self):
        layer = nn.Identity()
        layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
        handle = layer.register_forward_hook(lambda module, args, output: output + args[0])
        assert layer(torch.ones(1)).item() == 4.0
        handle.remove()
        assert layer(torch.ones(1)).item() == 2.0

    def test_order_and_keyword_arguments(self):
        calls = []

        class Scaled(nn.Module):
            def forward(self, x, factor=1.0):
                return x * factor

        layer = Scaled()
        layer.register_forward_pre_hook(lambda module, args: calls.append("late"))
        layer.register_forward_pre_hook(lambda module, args: calls.append("early"), prepend=True)
        layer.register_forward_pre_hook(
            lambda module, args, kwargs: (args, {"factor": 3.0}), with_kwargs=True
        )
        layer.register_forward_hook(
            lambda module, args, kwargs, output: calls.append(kwargs), with_kwargs=True
        )
        assert layer(torch.ones(1), factor=2.0).item() == 3.0
        assert calls == ["early", "late", {"factor": 3.0}]

    def test_bad_result_of_a_pre_hook(self):
        layer = nn.Identity()
        layer.register_forward_pre_hook(lambda *args: 3, with_kwargs=True)
        with pytest.raises(RuntimeError, match=r"must return None or a tuple .* but got 3\."):
            layer(torch.ones(1))

    def test_always_called(self):
        seen = []
        layer = nn.Linear(2, 2)
        layer.register_forward_hook(lambda *args: seen.append(args[2]), always_call=True)
        with pytest.raises(RuntimeError):
            layer(torch.ones(1, 3))
        assert seen == [None]

    def test_a_hook_put_into_the_table_by_hand(self):
        layer = nn.Identity()
        layer(torch.ones(1))
        layer._forward_hooks[99] = lambda module, args, output: output * 5
        assert layer(torch.ones(1)).item() == 5.0
        layer._forward_hooks.clear()
        assert layer(torch.ones(1)).item() == 1.0


class TestBackward:
    def test_full_hooks_see_and_change_gradients(self):
        seen = {}

        def pre(module, grad_output):
            return (grad_output[0] * 2,)

        def full(module, grad_input, grad_output):
            seen["in"], seen["out"] = grad_input[0].item(), grad_output[0].item()
            return (grad_input[0] * 10,)

        layer = nn.Linear(1, 1, bias=False)
        nn.init.constant_(layer.weight, 3.0)
        layer.register_full_backward_pre_hook(pre)
        layer.register_full_backward_hook(full)
        x = torch.ones(1, requires_grad=True)
        layer(x).backward()
        assert (seen, x.grad.item(), layer.weight.grad.item()) == (
            {"in": 6.0, "out": 2.0},
            60.0,
            2.0,
        )

    def test_without_an_input_that_needs_gradients(self):
        seen = []
        layer = nn.Linear(1, 1)
        layer.register_full_backward_hook(lambda module, grads, outs: seen.append((grads, outs[0])))
        with pytest.warns(UserWarning, match="no inputs require gradients"):
            layer(torch.ones(1)).backward()
        assert seen[0][0] == (None,) and seen[0][1].item() == 1.0

    def test_places_of_several_inputs_and_outputs(self):
        class Both(nn.Module):
            def forward(self, a, label, b):
                return a * b, label, a + b

        seen = []
        module = Both()
        module.register_full_backward_hook(lambda m, grads, outs: seen.append((grads, outs)))
        a, b = torch.ones(1, requires_grad=True), torch.full((1,), 2.0, requires_grad=True)
        module(a, "label", b)[0].backward()
        (grads, outs) = seen[0]
        assert grads[0].item() == 2.0 and grads[1] is None and grads[2].item() == 1.0
        assert outs[0].item() == 1.0 and outs[1:] == (None, None)

    @pytest.mark.parametrize("second", ["register_backward_hook", "register_full_backward_hook"])
    def test_the_two_kinds_do_not_mix(self, second):
        layer = nn.Linear(1, 1)
        first = {"register_backward_hook", "register_full_backward_hook"} - {second}
        getattr(layer, first.pop())(lambda *args: None)
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
            getattr(layer, second)(lambda *args: None)


def test_hooks_of_all_modules():
    seen = []
    model = nn.Sequential(nn.ReLU(), nn.Tanh())
    handle = module_file.register_module_forward_hook(
        lambda module, args, output: seen.append(type(module).__name__)
    )
    with handle:
        model(torch.ones(1))
    model(torch.ones(1))
    assert seen == ["ReLU", "Tanh", "Sequential"]


def test_registration_hooks():
    seen = []
    register = module_file.register_module_parameter_registration_hook
    with register(lambda module, name, value: seen.append(name)):
        nn.Linear(1, 1)
    assert seen == ["weight", "bias"]


class TestState:
    def test_around_state_dict(self):
        layer = nn.Linear(2, 2)
        calls = []

        def renamed(module, state, prefix, metadata):
            state[prefix + "renamed"] = state.pop(prefix + "weight")

        def restored(module, state, prefix, *others):
            calls.append(len(others))
            state[prefix + "weight"] = state.pop(prefix + "renamed")

        layer.register_state_dict_pre_hook(
            lambda module, prefix, keep: calls.append((prefix, keep))
        )
        layer.register_state_dict_post_hook(renamed)
        layer.register_load_state_dict_pre_hook(restored)
        layer.register_load_state_dict_post_hook(lambda module, keys: calls.append(list(keys)))
        state = layer.state_dict()
        layer.load_state_dict(state)
        assert list(state) == ["bias", "renamed"]
        assert calls == [("", False), 5, [[], []]]

    def test_post_hooks_return_nothing(self):
        layer = nn.Linear(2, 2)
        layer.register_load_state_dict_post_hook(lambda module, keys: keys)
        with pytest.raises(AssertionError, match="are not expected to return new values"):
            layer.load_state_dict(layer.state_dict())


# What our modules have beyond PyTorch's. Any other name may be that of somebody's own method.
OURS = {"_flambeau_hooked", "_repr_html_"}
THEIRS = """
__annotations__ __call__ __class__ __delattr__ __dict__ __dir__ __doc__ __eq__ __format__ __ge__
__getattr__ __getattribute__ __getstate__ __gt__ __hash__ __init__ __init_subclass__ __le__ __lt__
__module__ __ne__ __new__ __reduce__ __reduce_ex__ __repr__ __setattr__ __setstate__ __sizeof__
__str__ __subclasshook__ __weakref__ T_destination add_module apply bfloat16 buffers
call_super_init children compile cpu cuda double dump_patches eval extra_repr float forward
get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
named_buffers named_children named_modules named_parameters parameters register_backward_hook
register_buffer register_forward_hook register_forward_pre_hook register_full_backward_hook
register_full_backward_pre_hook register_load_state_dict_post_hook
register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict
to to_empty train training type xpu zero_grad _apply _backward_hooks _backward_pre_hooks _buffers
_call_impl _compiled_call_impl _forward_hooks _forward_hooks_always_called
_forward_hooks_with_kwargs _forward_pre_hooks _forward_pre_hooks_with_kwargs _get_backward_hooks
_get_backward_pre_hooks _get_name _is_full_backward_hook _load_from_state_dict
_load_state_dict_post_hooks _load_state_dict_pre_hooks _modules _named_members
_non_persistent_buffers_set _parameters _register_load_state_dict_pre_hook
_register_state_dict_hook _replicate_for_data_parallel _save_to_state_dict _state_dict_hooks
_state_dict_pre_hooks _version
"""


def test_no_name_is_taken_that_pytorch_leaves_free():
    assert set(dir(nn.Module)) | set(vars(nn.Module())) <= OURS | set(THEIRS.split())


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_hooks_of_recurrent_networks(name):
    """Their own helpers do not stand in the way of the hooks."""
    seen = []
    network = getattr(nn, name)(2, 3)
    network.register_forward_pre_hook(lambda module, args: seen.append(len(args)))
    network.register_forward_hook(lambda module, args, result: seen.append(result[0].shape))
    network(torch.ones(4, 1, 2))
    assert seen == [1, (4, 1, 3)]
