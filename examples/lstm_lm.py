"""Train a two-layer LSTM language model on the words of a text made in the program.

An ordinary PyTorch program: ``python examples/lstm_lm.py`` runs it on PyTorch, and
``python -m flambeau examples/lstm_lm.py`` the same file on Flambeau. For one seed both print the
same losses.

The text is cut into columns that are read in parallel, and the state is carried from piece to
piece: W. Zaremba et al., "Recurrent neural network regularization", 2014.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]
SUBJECTS = ["the fox", "a bear", "the old miller", "my neighbour", "the river"]
VERBS = ["sees", "follows", "remembers", "waits for", "sings to"]
OBJECTS = ["the moon", "a stone", "the road to town", "her brother", "the first snow"]


def story() -> list[str]:
    """Sentences of all subjects, verbs and objects, as words."""
    sentences = [
        f"{SUBJECTS[i % 5]} {VERBS[(i + i // 5) % 5]} {OBJECTS[(i * 2 + i // 25) % 5]} ."
        for i in range(250)
    ]
    return " ".join(sentences).split()


class LanguageModel(nn.Module):
    """Words ``[T, N]`` and a state to the scores of the next words and the new state."""

    def __init__(self, vocabulary: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(vocabulary, width)
        self.rnn = nn.LSTM(width, width, layers, dropout=dropout)
        self.decoder = nn.Linear(width, vocabulary)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        output, state = self.rnn(self.drop(self.encoder(words)), state)
        scores = self.decoder(self.drop(output))
        return scores.flatten(0, 1), state

    def first_state(self, batch: int) -> State:
        shape = (self.rnn.num_layers, batch, self.rnn.hidden_size)
        return torch.zeros(shape), torch.zeros(shape)


def columns(words: list[str], count: int) -> tuple[Tensor, int]:
    """The text as ``[T, count]``, column after column, and the size of the vocabulary."""
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(words))}
    data = torch.tensor([vocabulary[word] for word in words])
    length = len(data) // count
    return data[: length * count].view(count, length).t().contiguous(), len(vocabulary)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train an LSTM language model.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--length", type=int, default=16, help="words a piece")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--load", type=Path, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write model and optimizer")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    data, vocabulary = columns(story(), options.batch_size)
    model = LanguageModel(vocabulary, options.width, 2, options.dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    state = model.first_state(options.batch_size)
    if options.load:
        saved = torch.load(options.load)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    print(f"LSTM: {sum(p.numel() for p in model.parameters())} parameters")
    for step in range(options.steps):
        start = step * options.length % (len(data) - options.length - 1)
        piece = data[start : start + options.length + 1]
        state = (state[0].detach(), state[1].detach())
        scores, state = model(piece[:-1], state)
        loss = criterion(scores, piece[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        print(f"step {step:2d}  loss {loss.item():.6f}")
    if options.save:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, options.save)


if __name__ == "__main__":
    main()
