"""Identities of arrays and of whole datasets."""

import hashlib

import numpy as np
import pytest

from harness.catalog.checksums import KNOWN, PARTS, digest, fault, identify
from tests.catalog import tiny


def test_identity_is_of_the_bytes_in_c_order() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    expected = hashlib.sha256(bytes(range(12))).hexdigest()
    assert identify(array).sha256 == expected
    assert identify(np.asfortranarray(array)) == identify(array)
    assert identify(array.T).sha256 != expected


def test_identity_tells_types_and_shapes_apart() -> None:
    zeros = np.zeros((2, 2), np.uint8)
    seen = {identify(zeros), identify(zeros.reshape(4)), identify(zeros.view(np.int8))}
    assert len(seen) == 3
    assert len({digest({"x": one}) for one in seen}) == 3


def test_digest_does_not_depend_on_order() -> None:
    backwards = dict(reversed(tiny.KNOWN.items()))
    assert digest(tiny.KNOWN) == digest(backwards)


@pytest.mark.parametrize("name", KNOWN)
def test_known_datasets_are_whole(name: str) -> None:
    known = KNOWN[name]
    assert tuple(known) == PARTS
    for kind in ("train", "test"):
        assert known[f"{kind}-images"].shape[0] == known[f"{kind}-labels"].shape[0]
    assert len({identity.sha256 for identity in known.values()}) == 4


def test_every_fault_is_found() -> None:
    assert fault(tiny.ARRAYS, tiny.KNOWN) is None
    flipped = tiny.ARRAYS["test-labels"].copy()
    flipped[0] ^= 1
    for broken, said in [
        ({}, "has no test-labels"),
        ({"test-labels": flipped}, "SHA-256 of its test-labels"),
        ({"test-labels": flipped[:2]}, r"test-labels are uint8 \(2,\)".replace("\\", "")),
        ({"test-labels": flipped.astype(np.int64)}, "test-labels are int64"),
    ]:
        arrays = {part: a for part, a in tiny.ARRAYS.items() if part != "test-labels"} | broken
        assert said in str(fault(arrays, tiny.KNOWN))
