"""A grid of training images as one picture that the page holds inside itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import image as mpl_image
from numpy.typing import ArrayLike, NDArray

from harness.language import _, ngettext

GRID_SIZE = 9


@dataclass(frozen=True)
class SampleGrid:
    """A picture of some training images.

    Attributes:
        uri: PNG as a data URI.
        alt: What it shows.
        size: Width and height in pixels.
        rows: The labels, a row of the grid at a time.
    """

    uri: str
    alt: str
    size: tuple[int, int]
    rows: tuple[tuple[str, ...], ...]


def sample_grid(images: ArrayLike, labels: Sequence[object]) -> SampleGrid:
    """Lay the first 81 images out in 9 rows of 9.

    Args:
        images: Shape ``(n, height, width)`` or ``(n, height, width, channels)``; bytes, or floats
            from 0 to 1.
        labels: One a picture.

    Raises:
        ValueError: The images have another shape.
    """
    pixels = _as_bytes(np.asarray(images)[: GRID_SIZE**2])
    count, height, width, channels = pixels.shape
    across = min(GRID_SIZE, count)
    down = -(-count // across)
    gap = 1
    grid = np.full(
        (down * (height + gap) - gap, across * (width + gap) - gap, channels), 128, dtype=np.uint8
    )
    for i, picture in enumerate(pixels):
        top, left = (i // across) * (height + gap), (i % across) * (width + gap)
        grid[top : top + height, left : left + width] = picture
    names = [str(label) for label in np.asarray(labels).ravel()[:count].tolist()]
    rows = tuple(tuple(names[i : i + across]) for i in range(0, count, across))
    told = ngettext("{n} training image", "{n} training images", count).format(n=count)
    alt = _("{images}; labels by row: {labels}").format(
        images=told, labels="; ".join(map(" ".join, rows))
    )
    return SampleGrid(_png_uri(grid), alt, (grid.shape[1], grid.shape[0]), rows)


def _as_bytes(images: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Shape ``(n, height, width, 1 or 3)``; other numbers of channels are averaged to grey."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(
            f"images must have shape (n, height, width) or (n, height, width, channels), "
            f"not {images.shape}"
        )
    pixels = images.astype(float) / (255 if images.dtype == np.uint8 else 1)
    if images.shape[-1] not in {1, 3}:
        pixels = pixels.mean(axis=-1, keepdims=True)
    return np.asarray(np.clip(pixels, 0, 1) * 255).round().astype(np.uint8)


def _png_uri(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    colours = pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)
    mpl_image.imsave(buffer, colours, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
