"""Which bytes a dataset is made of, whatever source they came from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.uint8]]
"""The arrays of a dataset with an official split, by the names in `PARTS`."""

PARTS = ("train-images", "train-labels", "test-images", "test-labels")


@dataclass(frozen=True)
class Identity:
    """What an array must be: its type, its shape and the SHA-256 of its bytes in C order."""

    shape: tuple[int, ...]
    sha256: str
    dtype: str = "uint8"


Known = Mapping[str, Identity]
"""The identity of each of a dataset's arrays, by the names in `PARTS`."""


def identify(array: npt.NDArray[np.generic]) -> Identity:
    """Return the identity of an array."""
    content = np.ascontiguousarray(array)
    sha256 = hashlib.sha256(content.reshape(-1).view(np.uint8).data).hexdigest()
    return Identity(array.shape, sha256, array.dtype.str.lstrip("<>|="))


def digest(identities: Mapping[str, Identity]) -> str:
    """Return one SHA-256 for a whole dataset, by which trials know it.

    Args:
        identities: The identity of each array, by its name.
    """
    lines = [
        f"{name} {one.dtype} {one.shape} {one.sha256}" for name, one in sorted(identities.items())
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fault(arrays: Arrays, known: Known) -> str | None:
    """Say which array is not the one that is known, or return None.

    Args:
        arrays: Arrays by name.
        known: What they must be.
    """
    for name, identity in known.items():
        if name not in arrays:
            return f"it has no {name}"
        array = arrays[name]
        if array.shape != identity.shape or array.dtype != np.uint8:
            return f"its {name} are {array.dtype} {array.shape}, not uint8 {identity.shape}"
        if identify(array).sha256 != identity.sha256:
            return f"the SHA-256 of its {name} is not the known one"
    return None


def _known(images: tuple[int, ...], train: int, test: int, *sha256: str) -> Known:
    shapes = ((train, *images), (train,), (test, *images), (test,))
    return dict(zip(PARTS, map(Identity, shapes, sha256), strict=True))


KNOWN: Mapping[str, Known] = {
    "mnist": _known(
        (28, 28),
        60_000,
        10_000,
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
    "fashion-mnist": _known(
        (28, 28),
        60_000,
        10_000,
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
    "cifar10": _known(
        (32, 32, 3),
        50_000,
        10_000,
        "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    ),
}
