"""Train a ResNet-18 on small synthetic images of coloured stripes.

An ordinary PyTorch program: ``python examples/resnet18.py`` runs it on PyTorch, and
``python -m flambeau examples/resnet18.py`` the same file on Flambeau. For one seed both print the
same losses.

The network is that of K. He et al., "Deep residual learning for image recognition", 2015, with the
stem that is usual for small images: a 3x3 convolution, no pooling.

A ReLU switches, so rounding grows: with ``--lr 0.01`` two runs of one library with different thread
counts part after a few steps, with ``--lr 1e-4`` two libraries stay together.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

CLASSES = 10


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is carried: ``[N, C, H, W]``."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + self.downsample(x))


class ResNet18(nn.Module):
    """Images ``[N, 3, H, W]`` to the scores of the classes."""

    def __init__(self, width: int = 64, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._layer(width, width, 1)
        self.layer2 = self._layer(width, 2 * width, 2)
        self.layer3 = self._layer(2 * width, 4 * width, 2)
        self.layer4 = self._layer(4 * width, 8 * width, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _layer(channels_in: int, channels: int, stride: int) -> nn.Sequential:
        return nn.Sequential(Block(channels_in, channels, stride), Block(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def stripes(count: int, size: int) -> tuple[Tensor, Tensor]:
    """Noisy images ``[count, 3, size, size]`` of stripes, and the class of each: its direction."""
    labels = torch.randint(CLASSES, (count,))
    angle = labels * (torch.pi / CLASSES)
    y, x = torch.meshgrid(torch.arange(size) * 1.0, torch.arange(size) * 1.0, indexing="ij")
    along = angle.cos()[:, None, None] * x + angle.sin()[:, None, None] * y
    phase = torch.rand(count, 3, 1, 1) * 2 * torch.pi
    images = torch.sin(along[:, None] * 1.2 + phase)
    return images + 0.3 * torch.randn(count, 3, size, size), labels


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a ResNet-18 on stripes.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--size", type=int, default=16, help="pixels a side")
    parser.add_argument("--width", type=int, default=16, help="channels of the first layers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--load", type=Path, metavar="FILE", help="go on from a saved state")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write model and optimizer")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    model = ResNet18(options.width)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    if options.load:
        saved = torch.load(options.load)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    print(f"ResNet-18: {sum(p.numel() for p in model.parameters())} parameters")
    for step in range(options.steps):
        images, labels = stripes(options.batch_size, options.size)
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step:2d}  loss {loss.item():.6f}")
    if options.save:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, options.save)


if __name__ == "__main__":
    main()
