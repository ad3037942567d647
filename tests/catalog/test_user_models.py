"""A user's own model: what it is given, and what it must return."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.catalog import architectures
from harness.catalog.layers import ModelSeeds
from harness.catalog.problems import CatalogError

HEAD = "import keras\ndef build(input_shape, classes, seeds):\n    "
GOOD = """
import keras

def build(input_shape, classes, seeds):
    kernel = keras.initializers.GlorotUniform(seed=seeds.init)
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.5, seed=seeds.dropout),
        keras.layers.Dense(classes, "softmax", kernel_initializer=kernel, dtype="float32"),
    ])
"""


def build(
    folder: Path, source: str, init: int = 1, precision: str = "float32", dropout: int = 2
) -> object:
    (folder / "my_models.py").write_text(source)
    return architectures.build(
        "my_models:build",
        {},
        input_shape=(8, 8, 1),
        classes=3,
        seeds=ModelSeeds(init=init, dropout=dropout),
        precision=precision,  # type: ignore[arg-type]
        folder=folder,
    )


def test_a_users_model_is_built_with_the_seeds(tmp_path: Path) -> None:
    first, again, other = (build(tmp_path, GOOD, init) for init in (1, 1, 5))
    assert np.array_equal(first.get_weights()[0], again.get_weights()[0])  # type: ignore[attr-defined]
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])  # type: ignore[attr-defined]
    assert [layer.seed for layer in first.layers if hasattr(layer, "seed")] == [2]  # type: ignore[attr-defined]


def test_draws_without_a_seed_follow_the_init_stream(tmp_path: Path) -> None:
    source = GOOD.replace(", kernel_initializer=kernel", "")
    first, again, other = (build(tmp_path, source, init) for init in (1, 1, 5))
    assert np.array_equal(first.get_weights()[0], again.get_weights()[0])  # type: ignore[attr-defined]
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])  # type: ignore[attr-defined]


def test_layers_without_a_seed_follow_the_dropout_stream_each_in_its_own_way(
    tmp_path: Path,
) -> None:
    unseeded = "keras.layers.Dropout(0.5), keras.layers.GaussianNoise(1.0),"
    source = GOOD.replace("keras.layers.Dropout(0.5, seed=seeds.dropout),", unseeded)

    def states(**seeds: int) -> list[list[int]]:
        model: Any = build(tmp_path, source, **seeds)  # type: ignore[arg-type]
        return [
            layer.seed_generator.state.numpy().tolist()
            for layer in model.layers
            if hasattr(layer, "seed_generator")
        ]

    (one, two), other = states(), states(dropout=3)
    assert states(init=5) == [one, two]
    assert one != two
    assert one not in other
    assert two not in other


def test_precision_reaches_a_users_layers(tmp_path: Path) -> None:
    model = build(tmp_path, GOOD, precision="mixed_bfloat16")
    assert [layer.compute_dtype for layer in model.layers] == ["bfloat16", "bfloat16", "float32"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return None", "must return a keras.Model, not NoneType"),
        ("raise KeyError('x')", "failed: KeyError: 'x'"),
        ("raise SystemExit", "failed: SystemExit$"),
        ("return keras.Sequential([keras.layers.Dense(classes)])", "must return a built model"),
        (
            "return keras.Sequential([keras.Input((9,)), keras.layers.Dense(classes, 'softmax')])",
            r"must take images of shape \(8, 8, 1\)",
        ),
        (
            "ends = type('Ends', (keras.Model,), {'call': lambda self, images: exit(3)})()\n"
            "    ends.built = True\n    return ends",
            r"must take images of shape \(8, 8, 1\): SystemExit: 3",
        ),
        (
            "return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),"
            "keras.layers.Dense(4, 'softmax')])",
            r"must give 3 outputs an image; 2 images gave the shape \(2, 4\)",
        ),
        (
            "return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),"
            "keras.layers.Dense(classes)])",
            'must give probabilities: end with activation="softmax"',
        ),
        (
            "return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),"
            "keras.layers.Dense(classes, 'softmax', dtype='bfloat16')])",
            "must give float32 outputs",
        ),
    ],
)
def test_what_a_function_must_not_return(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(CatalogError, match=f"my_models:build {said}"):
        build(tmp_path, HEAD + body)


def test_a_function_takes_no_options(tmp_path: Path) -> None:
    (tmp_path / "my_models.py").write_text(GOOD)
    (problem,) = architectures.check("my_models:build", {"hidden": 3}, folder=tmp_path)
    assert problem.key == "hidden"
    assert architectures.effective("my_models:build", {}) == {}
