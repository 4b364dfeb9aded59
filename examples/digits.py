"""Train a small convolutional network on scikit-learn's handwritten digits.

An ordinary PyTorch program: ``python examples/digits.py`` runs it on PyTorch, and
``python -m flambeau examples/digits.py`` (or ``flambeau demo``) runs the same file on Flambeau.
For one seed both print the same losses.

It prints the loss of every epoch, the accuracy on images that were kept aside and the confusion
matrix, and writes ``digits.png`` (the loss curve, some digits with predictions) and ``digits.pt``
(the trained weights) to the output folder.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split
from tqdm import tqdm

IMAGES_FOR_TEST = 450


class DigitNet(nn.Module):
    """Two convolutions and two linear layers: 1 x 8 x 8 images to the scores of ten digits.

    GELU and average pooling are smooth, so two libraries that round differently in the seventh
    digit still agree at the end. ReLU and max pooling switch: one switch in the first epochs
    turns a difference of 1e-7 into one of 1e-2.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.GELU(),
            nn.AvgPool2d(2),
            nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.GELU(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.25),
            nn.Linear(64 * 2 * 2, 64),
            nn.GELU(),
            nn.Linear(64, 10),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def digits() -> TensorDataset:
    """All 1797 images as float32 in [0, 1] of shape (1, 8, 8), with their labels."""
    source = load_digits()
    images = torch.tensor(source.images, dtype=torch.float32).unsqueeze(1) / 16
    return TensorDataset(images, torch.tensor(source.target))


def train(model: nn.Module, loader: DataLoader, epochs: int) -> list[float]:
    """Train with Adam and a cosine schedule; return the mean loss of each epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    history = []
    model.train()
    bar = tqdm(range(1, epochs + 1), desc="training", unit="epoch")
    for epoch in bar:
        total, count = 0.0, 0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            count += len(labels)
        scheduler.step()
        history.append(total / count)
        bar.set_postfix(loss=f"{history[-1]:.4f}")
        bar.write(f"epoch {epoch:2d}  loss {history[-1]:#.4g}")
    return history


@torch.no_grad()
def predict(model: nn.Module, dataset: Dataset) -> tuple[Tensor, Tensor, Tensor]:
    """The images, labels and predicted digits of a dataset."""
    model.eval()
    images, labels = next(iter(DataLoader(dataset, batch_size=len(dataset))))
    return images, labels, model(images).argmax(dim=1)


def confusion_matrix(labels: Tensor, predictions: Tensor) -> Tensor:
    """Counts of shape (10, 10): a row for each true digit, a column for each prediction."""
    return torch.bincount(labels * 10 + predictions, minlength=100).reshape(10, 10)


def print_confusion(matrix: Tensor) -> None:
    print("\nconfusion matrix (rows: true digit, columns: prediction)")
    print("     " + "".join(f"{digit:4d}" for digit in range(10)))
    for digit, row in enumerate(matrix.tolist()):
        print(f"{digit:4d} " + "".join(f"{count or '.':>4}" for count in row))


def draw(path: Path, history: list[float], images: Tensor, labels: Tensor, guess: Tensor) -> None:
    """Write the loss curve and twenty digits; mistakes come first and have a red title."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(10, 4), layout="constrained")
    curve, gallery = figure.subfigures(1, 2)
    axes = curve.subplots()
    axes.semilogy(range(1, len(history) + 1), history, marker=".")
    axes.set(xlabel="epoch", ylabel="training loss", title="Loss")
    wrong_first = (guess == labels).to(torch.uint8).argsort(stable=True)
    for place, index in zip(gallery.subplots(4, 5).flat, wrong_first.tolist(), strict=False):
        truth, answer = int(labels[index]), int(guess[index])
        place.imshow(images[index, 0].numpy(), cmap="gray_r")
        place.set_title(f"{answer}" if answer == truth else f"{answer} (is {truth})", fontsize=9)
        place.title.set_color("black" if answer == truth else "red")
        place.axis("off")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small network on digits.")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("digits-output"), metavar="FOLDER")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    dataset = digits()
    held_out = [len(dataset) - IMAGES_FOR_TEST, IMAGES_FOR_TEST]
    training_set, test_set = random_split(dataset, held_out)
    loader = DataLoader(training_set, batch_size=options.batch_size, shuffle=True)
    model = DigitNet()
    print(model)
    print(f"{sum(p.numel() for p in model.parameters())} parameters")

    start = time.perf_counter()
    history = train(model, loader, options.epochs)
    print(f"trained in {time.perf_counter() - start:.1f} s (PyTorch API {torch.__version__})")

    images, labels, predictions = predict(model, test_set)
    print_confusion(confusion_matrix(labels, predictions))
    correct = int((predictions == labels).sum())
    print(f"\ntest accuracy {correct / len(labels):.2%} ({correct} of {len(labels)} images)")

    options.output.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), options.output / "digits.pt")
    draw(options.output / "digits.png", history, images, labels, predictions)
    print(f"wrote {options.output / 'digits.png'} and {options.output / 'digits.pt'}")


if __name__ == "__main__":
    main()
