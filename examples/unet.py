"""Train a U-Net to find discs in noisy images.

An ordinary PyTorch program: ``python examples/unet.py`` runs it on PyTorch, and
``python -m flambeau examples/unet.py`` the same file on Flambeau. For one seed both print the same
losses.

O. Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015, with
group normalisation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def double(channels_in: int, channels: int) -> nn.Sequential:
    """Two convolutions that keep the size."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
        nn.GroupNorm(4, channels),
        nn.SiLU(),
        nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        nn.GroupNorm(4, channels),
        nn.SiLU(),
    )


class UNet(nn.Module):
    """Images ``[N, 1, H, W]`` to one score for each pixel; sides are multiples of 8."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        sizes = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.ModuleList([double(a, b) for a, b in zip([1, *sizes], sizes)])
        self.pool = nn.MaxPool2d(2)
        pairs = list(zip(sizes[::-1], sizes[-2::-1]))
        self.up = nn.ModuleList([nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in pairs])
        self.merge = nn.ModuleList([double(2 * b, b) for _, b in pairs])
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for i, block in enumerate(self.down):
            x = block(self.pool(x) if i else x)
            kept.append(x)
        kept.pop()
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([kept.pop(), up(x)], dim=1))
        return self.head(x)


def discs(count: int, size: int) -> tuple[Tensor, Tensor]:
    """Noisy images ``[count, 1, size, size]`` of three discs each, and where the discs are."""
    place = torch.rand(count, 3, 2, 1, 1) * size
    radius = 2 + torch.rand(count, 3, 1, 1) * size / 6
    y, x = torch.meshgrid(torch.arange(size) * 1.0, torch.arange(size) * 1.0, indexing="ij")
    distance = ((x - place[:, :, 0]) ** 2 + (y - place[:, :, 1]) ** 2).sqrt()
    masks = (distance < radius).any(dim=1, keepdim=True).float()
    return masks + 0.5 * torch.randn(count, 1, size, size), masks


def dice(scores: Tensor, masks: Tensor) -> Tensor:
    """One minus twice the overlap over the sum of the areas."""
    found = scores.sigmoid()
    overlap = (found * masks).sum(dim=(1, 2, 3))
    return 1 - ((2 * overlap + 1) / (found.sum((1, 2, 3)) + masks.sum((1, 2, 3)) + 1)).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a U-Net on discs.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--width", type=int, default=8, help="channels at full size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--load", type=Path, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write model and optimizer")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    model = UNet(options.width)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.5)
    if options.load:
        saved = torch.load(options.load)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    print(f"U-Net: {sum(p.numel() for p in model.parameters())} parameters")
    for step in range(options.steps):
        images, masks = discs(options.batch_size, options.size)
        scores = model(images)
        loss = F.binary_cross_entropy_with_logits(scores, masks) + dice(scores, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step:2d}  loss {loss.item():.6f}")
    if options.save:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, options.save)


if __name__ == "__main__":
    main()
