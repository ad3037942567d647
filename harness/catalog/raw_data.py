"""Images and labels as they were loaded, and their split into training and validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.catalog.problems import CatalogError

Images = npt.NDArray[Any]
Labels = npt.NDArray[np.int64]
Indices = npt.NDArray[np.intp]

VALIDATION_SHARE = 0.2


class DataError(CatalogError):
    """Data that cannot be had or cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Split:
    """What one replicate trains on and what it is scored on.

    Attributes:
        x_train: Images (n, height, width, channels).
        y_train: Labels (n,), from 0.
        x_validation: Images (m, height, width, channels).
        y_validation: Labels (m,), from 0.
    """

    x_train: Images
    y_train: Labels
    x_validation: Images
    y_validation: Labels


@dataclass(frozen=True)
class RawData:
    """A dataset before it is split.

    Attributes:
        name: What the study calls it.
        images: (n, height, width, channels), uint8 or float32; read-only and mapped where cached.
        labels: (n,), from 0 to `classes` - 1.
        validation_images: The official validation set, or None: then each replicate draws one.
        validation_labels: Its labels, or None.
        classes: How many classes the labels tell apart.
        scale: By what to divide the images for values from 0 to 1.
        sha256: Identity of all bytes above, for the fingerprint of a trial.
        source: Where the bytes came from, in words.
        notes: What was noticed or assumed on the way, a sentence each.
    """

    name: str
    images: Images
    labels: Labels
    validation_images: Images | None
    validation_labels: Labels | None
    classes: int
    scale: float
    sha256: str
    source: str
    notes: tuple[str, ...] = ()

    @property
    def has_official_split(self) -> bool:
        """Whether the validation set is given and not drawn."""
        return self.validation_images is not None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one image: (height, width, channels)."""
        return self.images.shape[1:]

    @property
    def scored_images(self) -> Images:
        """Where validation images come from: the official set, or those that are split."""
        return self.images if self.validation_images is None else self.validation_images

    @property
    def scored_labels(self) -> Labels:
        """Labels of `scored_images`."""
        return self.labels if self.validation_labels is None else self.validation_labels

    def split_rows(
        self, seed: int, *, train: int | None = None, validation: int | None = None
    ) -> tuple[Indices, Indices]:
        """Split into training and validation data, each with the classes in proportion.

        Data with an official split keep it, whatever the seed; of other data a fifth of each
        class becomes validation data. A limit takes that many images, drawn by the seed so that
        the classes stay in proportion; a smaller limit draws a part of what a larger one draws.

        Args:
            seed: Where the draws start, from 0 to 2**64 - 1.
            train: How many training images to take; all if None.
            validation: How many validation images to take; all if None.

        Returns:
            Rows of `images` to train on, and rows of `scored_images` to score on, both ascending.

        Raises:
            DataError: A limit is below 1 or above what there is.
        """
        random = np.random.Generator(np.random.PCG64(seed))
        labels = self.labels
        ranks = _ranks(labels, random)
        everything = np.arange(len(labels))
        if self.validation_labels is None:
            held_out = _take(labels, ranks, everything, round(len(labels) * VALIDATION_SHARE))
            rest = np.setdiff1d(everything, held_out)
            kept = self._limited("validation", labels, ranks, held_out, validation)
        else:
            rest, official = everything, self.validation_labels
            pool, order = np.arange(len(official)), _ranks(official, random)
            kept = self._limited("validation", official, order, pool, validation)
        return self._limited("train", labels, ranks, rest, train), kept

    def split(self, seed: int, *, train: int | None = None, validation: int | None = None) -> Split:
        """Return the images and labels of `split_rows`; memory maps stay such where all are taken.

        Args:
            seed: As `split_rows`.
            train: As `split_rows`.
            validation: As `split_rows`.

        Raises:
            DataError: As `split_rows`.
        """
        chosen, kept = self.split_rows(seed, train=train, validation=validation)
        return Split(
            x_train=_select(self.images, chosen),
            y_train=self.labels[chosen],
            x_validation=_select(self.scored_images, kept),
            y_validation=self.scored_labels[kept],
        )

    def _limited(
        self, key: str, labels: Labels, ranks: Indices, pool: Indices, limit: int | None
    ) -> Indices:
        if limit is None:
            return pool
        if not 1 <= limit <= len(pool):
            raise DataError(
                f"data.{key} = {limit} is not possible: {self.name} has {len(pool):,} images there"
            )
        return _take(labels, ranks, pool, limit)


def _ranks(labels: Labels, random: np.random.Generator) -> Indices:
    """Shuffle, and return for each image how many of its class come before it."""
    order = random.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(labels), np.intp)
    ranks[by_class] = np.arange(len(labels)) - starts[labels[by_class]]
    return ranks


def _take(labels: Labels, ranks: Indices, pool: Indices, count: int) -> Indices:
    """Take `count` of the pool in proportion to its classes, in each the first by rank.

    Seats are given as by Webster and Sainte-Lague (1910): the next image comes from the class
    whose (taken + 1/2) / size is least. So a smaller count always takes a part of a larger one.
    """
    sizes = np.bincount(labels[pool])
    by_rank = pool[np.lexsort((ranks[pool], labels[pool]))]
    place = np.arange(len(pool)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    turn = (place + 0.5) / sizes[labels[by_rank]]
    return np.sort(by_rank[np.argsort(turn, kind="stable")[:count]])


def _select(images: Images, chosen: Indices) -> Images:
    return images if len(chosen) == len(images) else images[chosen]
