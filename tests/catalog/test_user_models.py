"""A user's own model: what it is given, and what it must return."""

from datetime import date
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
    folder: Path,
    source: str,
    init: int = 1,
    precision: str = "float32",
    dropout: int = 2,
    **options: object,
) -> object:
    (folder / "my_models.py").write_text(source)
    return architectures.build(
        "my_models:build",
        options,
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


SIZED = GOOD.replace("seeds):", "seeds, widths, *, act='relu'):")
SIZED = SIZED.replace(
    "keras.layers.Dropout(0.5, seed=seeds.dropout),",
    "*[keras.layers.Dense(w, act, kernel_initializer=kernel) for w in widths],",
)


def test_settings_are_arguments_of_the_function(tmp_path: Path) -> None:
    """A part of what the arm is, too."""
    assert architectures.effective("my_models:build", {"widths": [5]}) == {"widths": [5]}
    model: Any = build(tmp_path, SIZED, widths=[5, 4], act="tanh")
    assert [layer.units for layer in model.layers[1:]] == [5, 4, 3]
    assert model.layers[1].activation.__name__ == "tanh"


def test_what_a_function_does_to_its_settings_stays_its_own(tmp_path: Path) -> None:
    """The same table is built from again, for the next trial."""
    source = SIZED.replace("    kernel =", "    widths.append(7)\n    kernel =")
    widths = [5]
    for _ in range(2):
        model: Any = build(tmp_path, source, widths=widths)
        assert [layer.units for layer in model.layers[1:]] == [5, 7, 3]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"width": [5]},
            "width = [5] is not a setting of my_models:build; allowed: widths, act "
            "(did you mean widths?)",
        ),
        ({"act": "relu"}, "widths is missing: my_models:build needs it"),
        ({"widths": [5], "seeds": 3}, "seeds = 3 is not a setting of my_models:build"),
    ],
)
def test_settings_that_the_function_does_not_take_are_refused(
    tmp_path: Path, options: dict[str, object], told: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        build(tmp_path, SIZED, **options)
    assert told in str(caught.value)
    assert "TypeError" not in str(caught.value)


@pytest.mark.parametrize(
    "signature",
    ["*first, widths", "input_shape, classes, seeds, /, widths", "input_shape, *rest, **options"],
)
def test_a_function_takes_its_settings_however_it_is_written(
    tmp_path: Path, signature: str
) -> None:
    source = f"""
import my_sized

def build({signature}):
    return my_sized.build(CALL)
"""
    (tmp_path / "my_sized.py").write_text(SIZED)
    call = {
        "*first, widths": "*first, widths",
        "input_shape, classes, seeds, /, widths": "input_shape, classes, seeds, widths",
        "input_shape, *rest, **options": "input_shape, *rest, **options",
    }[signature]
    model: Any = build(tmp_path, source.replace("CALL", call), widths=[6])
    assert [layer.units for layer in model.layers[1:]] == [6, 3]


@pytest.mark.parametrize(
    "value", [float("nan"), [1, float("inf")], date(2026, 1, 1), {"a": [None]}]
)
def test_only_what_json_can_hold_is_a_setting(tmp_path: Path, value: object) -> None:
    (tmp_path / "my_models.py").write_text(SIZED)
    (problem,) = architectures.check("my_models:build", {"widths": value}, folder=tmp_path)
    assert problem.key == "widths"
    assert "must be a finite number, a text, true or false, or a list or table" in str(problem)
