"""A convolutional autoencoder on synthetic bars, with a bottleneck and a noise robustness test."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(8)
images = torch.zeros(32, 1, 8, 8)
for place in range(32):
    row, column = place % 8, (place * 3) % 8
    images[place, 0, row, :] = 1.0
    images[place, 0, :, column] += 0.5


class Autoencoder(nn.Module):
    def __init__(self, code=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.ELU(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(64, code),
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, 64), nn.Tanh(), nn.Linear(64, 64), nn.Unflatten(1, (1, 8, 8))
        )

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(code), code


model = Autoencoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
for epoch in range(1, 31):
    reconstruction, code = model(images)
    loss = F.mse_loss(reconstruction, images) + 1e-3 * code.abs().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {loss.item():.5f}")

model.eval()
with torch.inference_mode():
    clean, code = model(images)
    noisy, _ = model(images + 0.1 * torch.randn_like(images))
    print("code", tuple(code.shape), f"{code.std():.4f}", code.is_inference())
    print("error", f"{F.l1_loss(clean, images):.5f}", f"{F.l1_loss(noisy, images):.5f}")
    distances = torch.linalg.vector_norm(code[:, None] - code[None], dim=-1)
    nearest = distances.fill_diagonal_(float("inf")).argmin(1)
    print("nearest", nearest[:8].tolist())
print("parameters", sum(p.numel() for p in model.parameters()))
