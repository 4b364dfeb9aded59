"""The short-time Fourier transform and its inverse."""

from __future__ import annotations

from flambeau.core.publish import exported, method
from flambeau.core.tensor import Tensor
from flambeau.ops.creation import ones, zeros
from flambeau.ops.examples import is_readable
from flambeau.ops.fft import fft, ifft, irfft, rfft
from flambeau.ops.joining import cat
from flambeau.ops.padding import pad
from flambeau.ops.pointwise.complex import view_as_real
from flambeau.ops.sequences import arange


def _frame_window(window: Tensor | None, win_length: int, n_fft: int, like: Tensor) -> Tensor:
    """The window, centred in a frame of ``n_fft``."""
    if window is None:
        window = ones(win_length, dtype=like.dtype.to_real(), device=like.device)
    left = (n_fft - win_length) // 2
    return window.constant_pad_nd([left, n_fft - win_length - left])  # type: ignore[attr-defined]


@method("stft")
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """The spectrum of each frame of a signal ``[*, T]``: ``[*, frequencies, frames]``.

    ``center`` pads the signal so that frame ``t`` is centred at ``t * hop_length``. RuntimeError
    for a window of another length, or a signal shorter than a frame.

    >>> torch.stft(torch.ones(8), 4, window=torch.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    half = (
        not (input.dtype.is_complex or (window is not None and window.dtype.is_complex))
        if onesided is None
        else onesided
    )
    if return_complex is None:
        if not (input.dtype.is_complex or (window is not None and window.dtype.is_complex)):
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real "
                "inputs, and will further require that return_complex=True in a "
                "future PyTorch release."
            )
        return_complex = True
    if input.ndim not in (1, 2):
        raise RuntimeError("stft(...): expected a 1D or 2D tensor")
    if hop <= 0:
        raise RuntimeError(f"stft(...): expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(
            f"stft(...): expected 0 < win_length <= n_fft, but got win_length={length}"
        )
    x = input.unsqueeze(0) if input.ndim == 1 else input  # type: ignore[attr-defined]
    if center:
        x = _padded(x, n_fft // 2, pad_mode)
    if n_fft <= 0 or n_fft > x.shape[-1]:
        raise RuntimeError(f"stft(...): expected 0 < n_fft <= {x.shape[-1]}, but got n_fft={n_fft}")
    frames = x.unfold(-1, n_fft, hop) * _frame_window(window, length, n_fft, x)  # type: ignore
    norm = "ortho" if normalized else None
    spectrum = (rfft(frames, norm=norm) if half else fft(frames, norm=norm)).transpose(-1, -2)  # type: ignore
    result = spectrum[0] if input.ndim == 1 else spectrum
    return result if return_complex else _as_real(result)


def _padded(x: Tensor, n: int, mode: str) -> Tensor:
    return pad(x.unsqueeze(1), [n, n], mode).squeeze(1)  # type: ignore[attr-defined]


def _as_real(x: Tensor) -> Tensor:
    return view_as_real(x.contiguous())  # type: ignore[attr-defined]


@method("istft")
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose frames have these spectra: overlapping frames are added and normalised.

    ``[*, frequencies, frames]``, complex, gives ``[*, T]``. RuntimeError for a window whose
    overlapped squares are nearly 0 somewhere.

    >>> signal, window = torch.arange(8.), torch.ones(4)
    >>> spectra = torch.stft(signal, 4, window=window, return_complex=True)
    >>> torch.istft(spectra, 4, window=window).round()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    if not input.dtype.is_complex:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output "
            "from stft with return_complex=True."
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    x = input.unsqueeze(0) if input.ndim == 2 else input  # type: ignore[attr-defined]
    half = x.shape[-2] != n_fft if onesided is None else onesided
    frame = _frame_window(window, win, n_fft, x)
    norm = "ortho" if normalized else None
    spectra = x.transpose(-1, -2)  # type: ignore[attr-defined]
    pieces = (
        irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
        if not return_complex
        else ifft(_mirrored(spectra, n_fft) if half else spectra, norm=norm)
    )
    pieces = pieces * frame
    count, total = x.shape[-1], n_fft + hop * (x.shape[-1] - 1)
    signal = _overlapped(pieces, hop, total)
    weight = _overlapped((frame * frame).expand(1, count, n_fft), hop, total)  # type: ignore
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - (n_fft // 2 if center else 0)
    signal, weight = signal[..., start : min(end, total)], weight[..., start : min(end, total)]
    if is_readable(weight) and bool((weight.abs() < 1e-11).any()):  # type: ignore[attr-defined]
        raise RuntimeError("istft(" + ") window overlap add min: 1")
    signal = signal / weight
    if end > total:
        signal = signal.constant_pad_nd([0, end - total])  # type: ignore[attr-defined]
    return signal[0] if input.ndim == 2 else signal


def _mirrored(half: Tensor, n: int) -> Tensor:
    return cat((half, half[..., 1 : (n + 1) // 2].flip(-1).conj()), -1)  # type: ignore[index]


def _overlapped(pieces: Tensor, hop: int, total: int) -> Tensor:
    """The sum of frames ``[B, count, n]`` laid out ``hop`` apart."""
    batch, count, n = pieces.shape
    places = arange(count, device=pieces.device).unsqueeze(1) * hop + arange(
        n, device=pieces.device
    )  # type: ignore
    signal = zeros(batch, total, dtype=pieces.dtype, device=pieces.device)
    return signal.index_add(1, places.reshape(-1), pieces.reshape(batch, count * n))  # type: ignore


__all__ = exported(globals())
