"""Train a four-layer GPT on the characters of a text made in the program.

An ordinary PyTorch program: ``python examples/gpt.py`` runs it on PyTorch, and
``python -m flambeau examples/gpt.py`` the same file on Flambeau. For one seed both print the same
losses.

The model is a decoder with pre-normalisation, learned positions and tied embeddings (A. Radford et
al., "Language models are unsupervised multitask learners", 2019).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["thir", "four", "fif", "six", "seven", "eigh"]
NAMES = [*SMALL, "ten", "eleven", "twelve", *[name + "teen" for name in TEENS]]


def sums() -> str:
    """Sums spelled out: "two plus three is five. ..."."""
    pairs = [(a, b) for a in range(10) for b in range(10)]
    return " ".join([f"{NAMES[a]} plus {NAMES[b]} is {NAMES[a + b]}." for a, b in pairs])


class SelfAttention(nn.Module):
    """Each position attends to itself and those before: ``[N, T, C]``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        parts = self.qkv(x).split(c, dim=2)
        q, k, v = (p.view(n, t, self.heads, c // self.heads).transpose(1, 2) for p in parts)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.drop(self.proj(y.transpose(1, 2).contiguous().view(n, t, c)))


class Layer(nn.Module):
    """Attention and a feed-forward network, each with its own normalisation and shortcut."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Tokens ``[N, T]`` to the scores of the next ones, ``[N, T, vocabulary]``."""

    def __init__(
        self, vocabulary: int, block: int, width: int, heads: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(block, width)
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList([Layer(width, heads, dropout) for _ in range(layers)])
        self.ln = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.apply(self._initialise)
        for name, parameter in self.named_parameters():
            if name.endswith("proj.weight"):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers))
        self.head.weight = self.tokens.weight

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        positions = torch.arange(tokens.size(1), device=tokens.device)
        x = self.drop(self.tokens(tokens) + self.positions(positions))
        for layer in self.layers:
            x = layer(x)
        return self.head(self.ln(x))


def batch(data: Tensor, count: int, block: int) -> tuple[Tensor, Tensor]:
    """Pieces of the text from random places, and the same one character later."""
    starts = torch.randint(len(data) - block, (count,)).tolist()
    pieces = torch.stack([data[i : i + block + 1] for i in starts])
    return pieces[:, :-1], pieces[:, 1:]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a GPT on sums in words.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--block", type=int, default=48, help="characters a piece")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--load", type=Path, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write model and optimizer")
    options = parser.parse_args()

    text = sums()
    letters = sorted(set(text))
    data = torch.tensor([letters.index(letter) for letter in text])
    torch.manual_seed(options.seed)
    model = GPT(len(letters), options.block, options.width, 4, 4, options.dropout)
    plain = [p for p in model.parameters() if p.dim() < 2]
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=options.steps + 1)
    if options.load:
        saved = torch.load(options.load)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    print(f"GPT: {sum(p.numel() for p in model.parameters())} parameters")
    for step in range(options.steps):
        tokens, following = batch(data, options.batch_size, options.block)
        scores = model(tokens)
        loss = F.cross_entropy(scores.view(-1, scores.size(-1)), following.reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        print(f"step {step:2d}  loss {loss.item():.6f}")
    if options.save:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, options.save)


if __name__ == "__main__":
    main()
