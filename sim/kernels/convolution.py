"""Convolution of two real sequences by a fast Fourier transform of our own: the library's takes sines from the C library.

Both sequences are packed into one complex, z = a + i b; the imaginary part of z * z is 2 a * b. Decimation in frequency forward
and in time backward, so that no reordering of bits is needed in between (Gentleman & Sande 1966; Cooley & Tukey 1965).
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from sim.kernels import OPTIONS

F = "float64[::1]"


@numba.njit(f"void({F}, {F})", **OPTIONS)
def _fill_roots(cosine: np.ndarray, sine: np.ndarray) -> None:
    """Fill [h + j] with cos and sin of pi j / h for h = 1, 2, 4, … and j < h: square roots and products alone, log2 h roundings each."""
    half = cosine.shape[0] // 2
    cosine[1] = 1.0
    sine[1] = 0.0
    c, s = 0.0, 1.0  # of pi / 2
    h = 2
    while h <= half:
        for j in range(0, h, 2):
            k = h // 2 + j // 2
            cosine[h + j], sine[h + j] = cosine[k], sine[k]
            cosine[h + j + 1] = cosine[k] * c - sine[k] * s
            sine[h + j + 1] = sine[k] * c + cosine[k] * s
        c = np.sqrt(0.5 * (1.0 + c))
        s = 0.5 * s / c
        h *= 2


@numba.njit(f"void({F}, {F}, {F}, {F})", **OPTIONS)
def _square(re: np.ndarray, im: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> None:
    """Replace z = re + i im, of a length that is a power of 2, by its circular convolution with itself."""
    n = re.shape[0]
    h = n // 2
    while h >= 1:
        for start in range(0, n, 2 * h):
            for j in range(h):
                a, b = start + j, start + j + h
                c, s = cosine[h + j], -sine[h + j]
                x, y = re[a] - re[b], im[a] - im[b]
                re[a] += re[b]
                im[a] += im[b]
                re[b] = x * c - y * s
                im[b] = x * s + y * c
        h //= 2
    for i in range(n):
        x, y = re[i], im[i]
        re[i] = x * x - y * y
        im[i] = 2.0 * x * y
    h = 1
    while h < n:
        for start in range(0, n, 2 * h):
            for j in range(h):
                a, b = start + j, start + j + h
                c, s = cosine[h + j], sine[h + j]
                x, y = re[b] * c - im[b] * s, re[b] * s + im[b] * c
                re[b] = re[a] - x
                im[b] = im[a] - y
                re[a] += x
                im[a] += y
        h *= 2


@lru_cache(maxsize=8)
def _roots(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cosine, sine = np.zeros(n), np.zeros(n)
    _fill_roots(cosine, sine)
    return cosine, sine


def convolve(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sum over i of a[i] b[k - i] for k = 0 … len(a) + len(b) - 2, with an error near 1e-16 times the norms of both.

    Examples
    --------
    >>> np.round(convolve(np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])), 12) + 0.0
    array([ 3., 10., 13., 10.])
    """
    length = len(a) + len(b) - 1
    n = max(4, 1 << (length - 1).bit_length())
    re, im = np.zeros(n), np.zeros(n)
    largest = np.max(np.abs(a)), np.max(np.abs(b))
    if not min(largest) > 0:
        return np.zeros(length)
    # of like size, by a power of 2, or the square of the larger would drown what is asked
    scale = 2.0 ** round(np.frexp(largest[1])[1] - np.frexp(largest[0])[1] + (np.frexp(len(b))[1] - np.frexp(len(a))[1]) / 2)
    re[: len(a)] = a * scale
    im[: len(b)] = b
    _square(re, im, *_roots(n))
    out: NDArray[np.float64] = im[:length] * (0.5 / n / scale)
    return out
