"""The split: in proportion, decided by the seed alone, never the same image on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalog.raw_data import DataError, RawData, Split


def data(counts: list[int], official: list[int] | None = None) -> RawData:
    """Images that hold their own number, so that a split shows where each one went."""

    def images(n: int, start: int) -> np.ndarray:
        return np.arange(start, start + n, dtype=np.float32).reshape(n, 1, 1, 1)

    def labels(sizes: list[int]) -> np.ndarray:
        ordered = np.repeat(np.arange(len(sizes)), sizes)
        return np.random.default_rng(1).permutation(ordered).astype(np.int64)

    return RawData(
        name="made",
        images=images(sum(counts), 0),
        labels=labels(counts),
        validation_images=None if official is None else images(sum(official), 1000),
        validation_labels=None if official is None else labels(official),
        classes=len(counts),
        scale=1.0,
        sha256="",
        source="",
    )


def numbers(images: np.ndarray) -> set[int]:
    return {int(number) for number in images.ravel()}


def check_labels(raw: RawData, split: Split) -> None:
    assert np.array_equal(raw.labels[split.x_train.ravel().astype(int)], split.y_train)


def test_a_fifth_of_each_class_is_held_out() -> None:
    raw = data([500, 50, 5])
    split = raw.split(0)
    assert np.bincount(split.y_validation).tolist() == [100, 10, 1]
    assert np.bincount(split.y_train).tolist() == [400, 40, 4]
    assert numbers(split.x_train) | numbers(split.x_validation) == set(range(555))
    assert not numbers(split.x_train) & numbers(split.x_validation)
    check_labels(raw, split)


def test_the_seed_decides_and_nothing_else() -> None:
    raw = data([40, 60])
    one, same, other = raw.split(2**64 - 1), raw.split(2**64 - 1), raw.split(7)
    assert np.array_equal(one.x_train, same.x_train)
    assert np.array_equal(one.y_validation, same.y_validation)
    assert numbers(one.x_validation) != numbers(other.x_validation)


def test_the_split_of_a_seed_stays_what_it_was() -> None:
    """Stored trials rest on it: a change here would make them other trials."""
    split = data([10, 5]).split(20170801)
    assert sorted(numbers(split.x_validation)) == [3, 6, 8]


def test_an_official_split_is_kept_whatever_the_seed() -> None:
    raw = data([5, 5], official=[3, 2])
    for seed in (0, 1):
        split = raw.split(seed)
        assert split.x_train is raw.images
        assert split.x_validation is raw.validation_images
        assert np.array_equal(split.y_train, raw.labels)
    assert raw.has_official_split
    assert raw.input_shape == (1, 1, 1)


@pytest.mark.parametrize("official", [None, [30, 20, 10]])
def test_rows_name_the_images_of_the_split(official: list[int] | None) -> None:
    raw = data([300, 200, 100], official)
    train, validation = raw.split_rows(5, train=30)
    split = raw.split(5, train=30)
    assert np.array_equal(raw.images[train], split.x_train)
    assert np.array_equal(raw.labels[train], split.y_train)
    assert np.array_equal(raw.scored_images[validation], split.x_validation)
    assert np.array_equal(raw.scored_labels[validation], split.y_validation)


@pytest.mark.parametrize("official", [None, [30, 20, 10]])
def test_limits_take_that_many_in_proportion(official: list[int] | None) -> None:
    raw = data([300, 200, 100], official)
    split = raw.split(3, train=60, validation=12)
    assert np.bincount(split.y_train).tolist() == [30, 20, 10]
    assert np.bincount(split.y_validation).tolist() == [6, 4, 2]
    check_labels(raw, split)
    assert numbers(split.x_train) != numbers(raw.split(4, train=60).x_train)


def test_a_limit_on_one_part_leaves_the_other_alone() -> None:
    raw = data([30, 20])
    whole, limited = raw.split(3), raw.split(3, train=10)
    assert np.array_equal(whole.x_validation, limited.x_validation)
    official = data([30, 20], official=[5, 5])
    assert official.split(3, train=10).x_validation is official.validation_images


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=6),
    st.integers(0, 2**64 - 1),
    st.data(),
)
def test_a_smaller_limit_draws_a_part_of_a_larger_one(
    counts: list[int], seed: int, draw: st.DataObject
) -> None:
    raw = data(counts)
    everything = raw.split(seed)
    if not len(everything.y_validation):
        return
    small = draw.draw(st.integers(1, len(everything.y_train)))
    large = draw.draw(st.integers(small, len(everything.y_train)))
    parts = [raw.split(seed, train=limit) for limit in (small, large)]
    assert [len(part.y_train) for part in parts] == [small, large]
    assert numbers(parts[0].x_train) <= numbers(parts[1].x_train) <= numbers(everything.x_train)


@pytest.mark.parametrize("official", [None, [30, 20, 10]])
@pytest.mark.parametrize("limit", [0, -1, 1000])
def test_impossible_limits_are_refused(official: list[int] | None, limit: int) -> None:
    raw = data([300, 200, 100], official)
    with pytest.raises(DataError, match=rf"data\.train = {limit} is not possible: made has"):
        raw.split(0, train=limit)
    with pytest.raises(DataError, match=rf"data\.validation = {limit} is not possible"):
        raw.split(0, validation=limit)
