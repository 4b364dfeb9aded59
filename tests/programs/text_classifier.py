"""Classify short sentences: a vocabulary, padded batches, embeddings averaged under a mask."""

import torch
from torch import nn

sentences = [
    ("a lovely film with a warm heart", 1),
    ("dull plot and worse acting", 0),
    ("warm and lovely acting", 1),
    ("a dull film", 0),
    ("heart and soul in every scene", 1),
    ("every scene is worse and worse", 0),
]
words = sorted({word for text, _ in sentences for word in text.split()})
index = {word: number for number, word in enumerate(words, start=1)}
print(len(words), "words")


def batch(pairs):
    rows = [torch.tensor([index[w] for w in text.split()]) for text, _ in pairs]
    tokens = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    for place, row in enumerate(rows):
        tokens[place, : len(row)] = row
    return tokens, torch.tensor([label for _, label in pairs], dtype=torch.float32)


class Classifier(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary + 1, width, padding_idx=0)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, 1)

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1)
        mean = (self.embedding(tokens) * mask).sum(1) / mask.sum(1)
        return self.output(self.norm(mean)).squeeze(-1)


torch.manual_seed(6)
model = Classifier(len(words), 8)
print(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
loss_fn = nn.BCEWithLogitsLoss()
tokens, labels = batch(sentences)
print(tokens)
for step in range(1, 21):
    optimizer.zero_grad()
    loss = loss_fn(model(tokens), labels)
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print(f"step {step} loss {loss.item():.5f}")
print("padding stays zero:", bool((model.embedding.weight[0] == 0).all()))
print("probabilities", [f"{p:.4f}" for p in torch.sigmoid(model(tokens)).tolist()])
print("gradient rows", model.embedding.weight.grad.norm(dim=1).gt(0).sum().item())
