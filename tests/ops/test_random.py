"""Random tensors equal PyTorch's for a seed, and leave the generator where PyTorch leaves it."""

from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest

import flambeau as torch

SEEDS = (0, 1234567, -1)

# What PyTorch 2.13 gave on a CPU with AVX2: for each seed the BLAKE2 digest of the elements
# followed by the state of the generator afterwards.
VECTORS = [
    ("torch.rand(1000)", "d517cc2f 454fbc86 5b10f359"),
    ("torch.rand(10**6)", "a560f529 ce6c622a 5971275d"),
    ("torch.rand(1000, dtype=torch.float64)", "e3ab8105 220c3e83 5edf878c"),
    ("torch.rand(1000, dtype=torch.float16)", "fddbc62c ef7a07c5 bdfa72e9"),
    ("torch.rand(1000, dtype=torch.bfloat16)", "99c2dc7c c270894a 2c246bc2"),
    ("torch.rand(500, dtype=torch.complex64)", "d517cc2f 454fbc86 5b10f359"),
    ("torch.rand(500, dtype=torch.complex128)", "e3ab8105 220c3e83 5edf878c"),
    ("torch.randn(10**6)", "98512d81 e70ea541 96e01277"),
    ("torch.randn(1000003)", "88111cdf 8b973cdc f6dc656b"),
    ("torch.randn(3, 5)", "a9e6c02c 6db36880 6c0492a3"),
    ("torch.randn(1001)", "8e7d8c10 3966df5a a2dbb239"),
    ("torch.randn(1001, dtype=torch.float16)", "7b853494 752b53fc 788cbb10"),
    ("torch.randn(1001, dtype=torch.bfloat16)", "83b17afb f1272c61 7f8bd652"),
    ("torch.randn(501, dtype=torch.complex64)", "f2a0613e 7a4fe1a0 8ceb8077"),
    ("torch.randint(10, (1000,))", "23fa7b6a b99bf28a 652c950c"),
    ("torch.randint(-5, 2**40, (1000,))", "0792b394 09ee8cbb 85679ebf"),
    ("torch.randint(0, 2**28, (1000,), dtype=torch.int32)", "64ed61f5 204fe59c 033fea6c"),
    ("torch.randint(3, 200, (1000,), dtype=torch.uint8)", "2bf7c87a 977e1f60 d42173d7"),
    ("torch.randint(2**31, 2**31 + 50, (100,), dtype=torch.uint32)", "6f46fac6 aa49c8a4 793f0cb6"),
    ("torch.randint(0, 2000, (1000,), dtype=torch.float16)", "46efbee1 8a3bf787 9712af40"),
    ("torch.randperm(10)", "7431d1c5 38de162d f6ca2377"),
    ("torch.randperm(100000)", "41d93735 b7474fd6 b6ac3ab1"),
    ("torch.randperm(1000, dtype=torch.int16)", "fe461fcc ccfc5213 ccf260c3"),
    ("torch.empty(1000).uniform_(-0.3, 0.8)", "04c1b9db 61f167ec 6d8a98e4"),
    ("torch.empty(10**6).uniform_(-0.3, 0.8)", "e331c34c a77fb4e4 dd6f8dbe"),
    ("torch.empty(1000, dtype=torch.float64).uniform_(-0.3, 0.8)", "3b6837e4 ee46ccd6 ea58f68f"),
    ("torch.empty(1000, dtype=torch.float16).uniform_(-0.3, 0.8)", "07c97115 6c4f268c 12883c54"),
    ("torch.empty(1000).normal_(0.3, 0.7)", "add424f4 027ad497 0ccebc96"),
    ("torch.empty(15).normal_(0.3, 0.7)", "324cffaa e0456da1 950ab5f3"),
    ("torch.empty(20, 30).t().normal_()", "12c76143 885120ea 62d3441f"),
    ("torch.empty(20, 30).t().uniform_()", "e399bf7f 4763251b baee04ba"),
    ("torch.empty(2, 3, 4, 5).permute(0, 3, 1, 2).bernoulli_(0.3)", "f182a013 2245a2fe 664b6fac"),
    ("torch.empty(1000).random_()", "8e100af9 4ef32e8b 35b04f07"),
    ("torch.empty(1000, dtype=torch.int64).random_()", "c389518e b8ee8616 4ac4aebc"),
    ("torch.empty(1000, dtype=torch.int8).random_()", "8ea9fcf3 d45e83d3 15de40fe"),
    ("torch.empty(1000, dtype=torch.bool).random_()", "bb9378ad cfe15ac5 b0552254"),
    ("torch.empty(1000, dtype=torch.int64).random_(-(2**63), None)", "f573bdba 2aff0cdb 020c5c00"),
    ("torch.empty(1000).random_(2**24 - 3, 2**24)", "907bc455 ecc04e2e c042d1fa"),
    ("torch.empty(1000, dtype=torch.bfloat16).random_(3, None)", "b38fa1fd 23a66210 02a74113"),
    ("torch.empty(1000).exponential_(0.37)", "91d3351a 21ad30a0 73b68090"),
    ("torch.empty(1000, dtype=torch.float16).exponential_(2)", "11666d94 ca73c30a 7fce9aa5"),
    ("torch.empty(1000).cauchy_(0.3, 0.7)", "c023f352 e5305871 883b8acf"),
    ("torch.empty(1000).geometric_(0.3)", "25b696c9 301e6f3a b528886e"),
    ("torch.empty(1000, dtype=torch.int64).geometric_(0.02)", "aa876b96 0b69c41e d37f2b2a"),
    ("torch.empty(1000).log_normal_(0.1, 0.5)", "626e8e52 ac02205d cc91ea82"),
    ("torch.empty(1000).bernoulli_(0.3)", "c7c43d79 72487fce f7b4af2d"),
    ("torch.empty(1000, dtype=torch.int32).bernoulli_(0.3)", "5515754e 0c02186c 10fcd213"),
    ("torch.bernoulli(torch.linspace(0, 1, 1000))", "e8f6162e 90279c60 64e5e62b"),
    (
        "torch.bernoulli(torch.linspace(0, 1, 1000, dtype=torch.float64))",
        "2b02bfe9 43c8f299 2737b341",
    ),
    ("torch.bernoulli(torch.linspace(0, 1, 999).to(torch.bfloat16))", "1c61ff7b 2aba52c5 9266364b"),
    ("torch.bernoulli(torch.zeros(1000), 0.4)", "34a1646f c3970afe d2701e1c"),
    ("torch.normal(torch.arange(100.0), torch.arange(100.0))", "37bb05b8 187a9d99 b0ac9aab"),
    ("torch.normal(torch.arange(100.0), 2.5)", "730cb019 718cc013 a0e1965d"),
    ("torch.normal(0.3, torch.arange(100.0, dtype=torch.float64))", "5d71a0e6 6958d4ed 0ba15929"),
    ("torch.normal(0.3, 0.7, (1000,))", "add424f4 027ad497 0ccebc96"),
    ("torch.poisson(torch.linspace(0, 60, 1000))", "6814e6db 9f95a379 fa669991"),
    (
        "torch.binomial(torch.arange(1000.0), torch.linspace(0, 1, 1000))",
        "a5f4d776 6201f6a7 971aed6d",
    ),
    ("torch.multinomial(torch.arange(100.0), 50)", "e91eabd7 03b7789e 0480364d"),
    ("torch.multinomial(torch.arange(100.0), 1000, True)", "25b402c3 b6445991 1ee05999"),
    ("torch.multinomial(torch.arange(12.0).reshape(3, 4), 3)", "642200ae ab407d22 e0b72fbb"),
    (
        "torch.multinomial(torch.arange(12.0, dtype=torch.float64).reshape(3, 4), 30, True)",
        "d0c2827c 540f7f8a c74be699",
    ),
    ("torch.dropout(torch.arange(1000.0), 0.3, True)", "20eff19b 84fcb6e8 085f98be"),
    (
        "torch.dropout(torch.arange(1000.0).to(torch.bfloat16), 0.1, True)",
        "6e6372b5 4543ba8e a85ad37b",
    ),
    (
        "torch.feature_dropout(torch.arange(60.0).reshape(3, 4, 5), 0.3, True)",
        "a8466673 f4a06757 5767bf32",
    ),
    ("torch.alpha_dropout(torch.arange(1000.0), 0.3, True)", "6bcfc63b 16b2c191 132a9c81"),
    (
        "torch.feature_alpha_dropout(torch.arange(60.0).reshape(3, 4, 5), 0.3, True)",
        "b4639ce7 18ad2cb5 3a5815e7",
    ),
    ("torch.native_dropout(torch.arange(1000.0), 0.3, True)[0]", "20eff19b 84fcb6e8 085f98be"),
    ("torch.rrelu(torch.arange(-500.0, 500.0), training=True)", "f125b548 c72fae3e 85167229"),
    (
        "torch.rrelu(torch.arange(-500.0, 500.0, dtype=torch.float64), training=True)",
        "ecd1c8c0 7751f34b ca146bcb",
    ),
    ("torch.rand_like(torch.empty(3, 4, 5).permute(2, 0, 1))", "dfe7a6e4 5943a846 a3683bf0"),
    ("torch.randn_like(torch.empty(3, 4, 5).permute(2, 0, 1))", "ae960e47 24a6667a 94432d98"),
    ("torch.randint_like(torch.empty(3, 4, 5), 2, 7)", "9bc93aa5 97c93d48 6cf032d0"),
]


def digest(result: torch.Tensor) -> str:
    elements = result.contiguous()
    if elements.dtype is torch.bfloat16:
        elements = elements.view(torch.int16)
    found = hashlib.blake2b(elements.numpy().tobytes(), digest_size=4)
    found.update(torch.get_rng_state().numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(("program", "expected"), VECTORS, ids=[v[0] for v in VECTORS])
def test_equals_pytorch(program: str, expected: str) -> None:
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        found.append(digest(eval(program)))
    assert " ".join(found) == expected


def test_first_numbers_of_well_known_seeds() -> None:
    torch.manual_seed(0)
    assert torch.rand(2).tolist() == [0.49625658988952637, 0.7682217955589294]
    torch.manual_seed(42)
    assert torch.randn(2).tolist() == [0.33669036626815796, 0.12880940735340118]
    torch.manual_seed(0)
    assert torch.randint(10, (5,)).tolist() == [4, 9, 3, 0, 3]
    assert torch.randperm(5).tolist() == [4, 0, 3, 1, 2]


def test_half_a_pair_of_normals_waits_for_the_next_call() -> None:
    torch.manual_seed(3)
    together = torch.randn(10, dtype=torch.float64)
    torch.manual_seed(3)
    apart = torch.cat([torch.randn(n, dtype=torch.float64) for n in (5, 1, 4)])
    assert together.equal(apart)


def test_forms_of_a_size() -> None:
    shapes = [
        torch.rand(2, 3), torch.rand((2, 3)), torch.rand([2, 3]), torch.rand(size=(2, 3)),
        torch.rand(torch.Size([2, 3])), torch.randn(np.int64(2), 3), torch.normal(0.0, 1.0, (2, 3)),
        torch.randint(5, (2, 3)), torch.randint(low=2, high=5, size=(2, 3)),
    ]  # fmt: skip
    assert {tuple(t.shape) for t in shapes} == {(2, 3)}
    assert torch.rand(()).shape == () and torch.rand(0).shape == (0,)


def test_generators_of_ones_own() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    own = torch.Generator().manual_seed(7)
    first = [torch.rand(3, generator=own), torch.randperm(9, generator=own)]
    own.manual_seed(7)
    again = [torch.rand(3, generator=own), torch.randperm(9, generator=own)]
    assert all(a.equal(b) for a, b in zip(first, again))
    assert state.equal(torch.get_rng_state())


def test_out_keeps_its_memory_and_order() -> None:
    out = torch.empty(3, 2).t()
    torch.manual_seed(5)
    assert torch.rand(2, 3, out=out) is out and out.stride() == (1, 2)
    torch.manual_seed(5)
    assert out.t().equal(torch.rand(3, 2))
    with pytest.raises(RuntimeError, match="dtype Double does not match dtype of out parameter"):
        torch.rand(2, dtype=torch.float64, out=torch.empty(2))


def test_nothing_is_drawn_without_memory_or_noise() -> None:
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.randn(3, device="meta").device.type == "meta"
    torch.empty(4, device="meta").uniform_()
    torch.dropout(torch.ones(9), 0.0, True)
    torch.dropout(torch.ones(9), 0.5, False)
    assert torch.dropout(torch.ones(3), 1.0, True).tolist() == [0, 0, 0]
    torch.rand(0)
    assert state.equal(torch.get_rng_state())


def test_gradients() -> None:
    x = torch.ones(1000, requires_grad=True)
    dropped = torch.dropout(x, 0.25, True)
    dropped.sum().backward()
    assert x.grad is not None and x.grad.equal(dropped.detach())
    for fill in ("uniform_", "normal_", "bernoulli_", "exponential_"):
        x.grad = None
        getattr(x * 2, fill)().sum().backward()
        assert not x.grad.any()
    y = torch.linspace(-2, 2, 50, requires_grad=True)
    torch.manual_seed(0)
    slopes = torch.rrelu(y, training=True)
    slopes.sum().backward()
    assert torch.allclose(y.grad * y.detach(), slopes.detach())


def test_writes_are_counted() -> None:
    x = torch.empty(20)
    assert x.uniform_() is x and x._version == 1
    leaf = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf.normal_()
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.empty(3).expand(2, 3).uniform_()


def test_distributions_are_what_they_claim() -> None:
    torch.manual_seed(11)
    n = 20000
    samples = {
        0.5: torch.rand(n), 0.0: torch.randn(n), 2.0: torch.empty(n).exponential_(0.5),
        0.3: torch.empty(n).bernoulli_(0.3), 4.0: torch.empty(n).geometric_(0.25),
        7.0: torch.poisson(torch.full((n,), 7.0)), 35.0: torch.poisson(torch.full((n,), 35.0)),
        30.0: torch.binomial(torch.full((n,), 100.0), torch.full((n,), 0.3)),
        1.0: torch.dropout(torch.ones(n), 0.4, True),
    }  # fmt: skip
    for mean, sample in samples.items():
        spread = float(sample.numpy().std()) / n**0.5
        assert abs(float(sample.numpy().mean()) - mean) < 5 * spread
    counts = np.bincount(torch.multinomial(torch.tensor([1.0, 2.0, 5.0]), n, True).numpy())
    assert np.allclose(counts / n, [0.125, 0.25, 0.625], atol=0.02)


ERRORS = [
    ("torch.rand(3, dtype=torch.int64)", NotImplementedError,
     "\"check_uniform_bounds\" not implemented for 'Long'"),
    ("torch.randn(3, dtype=torch.bool)", NotImplementedError,
     "\"normal_kernel_cpu\" not implemented for 'Bool'"),
    ("torch.rand(-1)", RuntimeError, "Trying to create tensor with negative dimension -1: [-1]"),
    ("torch.randint(5, 5, (2,))", RuntimeError,
     "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"),
    ("torch.randint(0, 300, (2,), dtype=torch.uint8)", RuntimeError,
     "to - 1 is out of bounds for unsigned char"),
    ("torch.randint(-1, 3, (2,), dtype=torch.uint16)", RuntimeError,
     "from is out of bounds for short unsigned int"),
    ("torch.randperm(3000, dtype=torch.float16)", RuntimeError,
     "n cannot be greater than 2049 for Half type."),
    ("torch.normal(0.0, -1.0, (3,))", RuntimeError,
     "normal expects std >= 0.0, but found std -1"),
    ("torch.normal(1.0, torch.tensor([1.0, -2.0]))", RuntimeError,
     "normal expects all elements of std >= 0.0"),
    ("torch.empty(3).uniform_(2, 1)", RuntimeError,
     "uniform_ expects to return a [from, to) range, but found from=2 > to=1"),
    ("torch.empty(3, dtype=torch.float16).uniform_(0, 1e5)", RuntimeError,
     "to is out of bounds for c10::Half"),
    ("torch.empty(3).uniform_('a')", TypeError,
     "uniform_(): argument 'from' (position 1) must be float, not str"),
    ("torch.empty(3).exponential_(0)", RuntimeError,
     "exponential_ expects lambda > 0.0, but found lambda=0"),
    ("torch.empty(3).geometric_(1)", RuntimeError,
     "geometric_ expects p to be in (0, 1), but got p=1"),
    ("torch.empty(3).bernoulli_(1.5)", RuntimeError,
     "bernoulli_ expects p to be in [0, 1], but got p=1.5"),
    ("torch.poisson(torch.tensor([1.0, -2.0]))", RuntimeError,
     "invalid Poisson rate, expected rate to be non-negative"),
    ("torch.multinomial(torch.ones(2), 3)", RuntimeError,
     "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    ("torch.multinomial(torch.tensor([1.0, -1.0]), 1)", RuntimeError,
     "probability tensor contains either `inf`, `nan` or element < 0"),
    ("torch.multinomial(torch.zeros(2), 2, True)", RuntimeError,
     "invalid multinomial distribution (sum of probabilities <= 0)"),
    ("torch.dropout(torch.ones(2), 2.0, True)", RuntimeError,
     "dropout probability has to be between 0 and 1, but got 2"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "error", "message"), ERRORS, ids=[e[0] for e in ERRORS])
def test_errors_are_pytorchs(program: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        eval(program)
    assert str(raised.value).splitlines()[0] == message


def test_fork_rng_restores() -> None:
    torch.manual_seed(9)
    state = torch.get_rng_state()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        torch.randn(100)
    assert state.equal(torch.get_rng_state())


def test_states_travel_as_tensors_and_pickles() -> None:
    own = torch.Generator().manual_seed(2**40 + 1)
    torch.randn(5, generator=own)
    twin = pickle.loads(pickle.dumps(own))
    assert twin.initial_seed() == 2**40 + 1
    assert torch.randn(50, generator=twin).equal(torch.randn(50, generator=own))
    for wrong, error in ((3, TypeError), (torch.zeros(5056), TypeError)):
        with pytest.raises(error):
            own.set_state(wrong)
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        own.set_state(torch.zeros(5, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        own.set_state(torch.zeros(5056, dtype=torch.uint8))
