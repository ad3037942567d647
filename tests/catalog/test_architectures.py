"""Architectures: layers as published, every seed written out, errors before Keras is needed."""

import json
from typing import Any

import numpy as np
import pytest

from harness.catalog import architectures
from harness.catalog.architectures import ARCHITECTURES, Precision
from harness.catalog.layers import ModelSeeds
from harness.catalog.problems import CatalogError

SEEDS = ModelSeeds(init=7, dropout=11)


def build(name: str, shape: tuple[int, ...] = (28, 28, 1), **more: Any) -> Any:
    options = more.pop("options", {})
    seeds = more.pop("seeds", SEEDS)
    return architectures.build(name, options, input_shape=shape, classes=10, seeds=seeds, **more)


def layers(model: Any) -> list[tuple[str, Any]]:
    """Each layer's kind with the settings that tell one publication from another."""
    told = {"Dense": "units", "Conv2D": "filters", "Dropout": "rate", "MaxPooling2D": "pool_size"}
    return [
        (type(layer).__name__, getattr(layer, told.get(type(layer).__name__, ""), None))
        for layer in model.layers
    ]


def seeds_in(config: object) -> list[int]:
    if isinstance(config, dict):
        here = [config["seed"]] if isinstance(config.get("seed"), int) else []
        return here + [seed for value in config.values() for seed in seeds_in(value)]
    if isinstance(config, list):
        return [seed for value in config for seed in seeds_in(value)]
    return []


def without_seeds(config: object) -> object:
    if isinstance(config, dict):
        return {key: without_seeds(value) for key, value in config.items() if key != "seed"}
    return [without_seeds(value) for value in config] if isinstance(config, list) else config


def test_mlp_is_the_published_one() -> None:
    model = build("mlp")
    assert layers(model) == [
        ("Flatten", None),
        ("Dense", 512),
        ("Dropout", 0.2),
        ("Dense", 512),
        ("Dropout", 0.2),
        ("Dense", 10),
    ]
    assert model.count_params() == 669_706


def test_cnn_is_the_published_one() -> None:
    model = build("cnn")
    assert layers(model) == [
        ("Conv2D", 32),
        ("Conv2D", 64),
        ("MaxPooling2D", (2, 2)),
        ("Dropout", 0.25),
        ("Flatten", None),
        ("Dense", 128),
        ("Dropout", 0.5),
        ("Dense", 10),
    ]
    assert model.count_params() == 1_199_882
    assert [layer.padding for layer in model.layers[:2]] == ["valid", "valid"]
    assert [layer.kernel_size for layer in model.layers[:2]] == [(3, 3), (3, 3)]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_weights_are_glorot_uniform_and_biases_zero(name: str) -> None:
    for layer in build(name).layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        receptive = int(np.prod(kernel.shape[:-2]))
        limit = np.sqrt(6 / (receptive * (kernel.shape[-2] + kernel.shape[-1])))
        assert not bias.any()
        assert 0.9 * limit < np.abs(kernel).max() <= limit


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (32, 32, 3)])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_probabilities_come_out_in_float32(
    name: str, shape: tuple[int, ...], precision: Precision
) -> None:
    import keras

    model = build(name, shape, precision=precision)
    output = model(np.random.default_rng(0).random((3, *shape), "float32"))
    assert output.shape == (3, 10)
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert np.allclose(np.sum(output, axis=1), 1, atol=1e-5)
    assert all(weight.dtype == "float32" for weight in model.weights)
    hidden = {layer.compute_dtype for layer in model.layers[:-1]}
    assert hidden == {precision.removeprefix("mixed_")}
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize(("name", "draws"), [("linear", 1), ("mlp", 5), ("cnn", 6)])
def test_every_draw_has_a_seed_of_its_own(name: str, draws: int) -> None:
    config = build(name).get_config()
    seeds = seeds_in(config)
    assert len(set(seeds)) == len(seeds) == draws
    assert all(0 <= seed < 2**32 for seed in seeds)
    json.dumps(config)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_configs_of_two_seeds_differ_in_the_seeds_alone(name: str) -> None:
    first = build(name).get_config()
    second = build(name, seeds=ModelSeeds(init=8, dropout=12)).get_config()
    assert without_seeds(first) == without_seeds(second)
    assert not set(seeds_in(first)) & set(seeds_in(second))
    assert build(name).get_config() == first


def test_each_stream_moves_its_own_draws_only() -> None:
    def split(model: Any) -> tuple[list[Any], list[int]]:
        drop = [layer.seed for layer in model.layers if type(layer).__name__ == "Dropout"]
        return model.get_weights(), drop

    weights, dropout = split(build("mlp"))
    other_dropout = split(build("mlp", seeds=ModelSeeds(init=7, dropout=12)))
    other_init = split(build("mlp", seeds=ModelSeeds(init=8, dropout=11)))
    assert all(map(np.array_equal, weights, other_dropout[0]))
    assert dropout != other_dropout[1]
    assert not np.array_equal(weights[0], other_init[0][0])
    assert dropout == other_init[1]


def test_a_layer_keeps_its_seed_when_others_are_added_behind_it() -> None:
    short = build("mlp", options={"hidden": [16], "dropout": 0})
    long = build("mlp", options={"hidden": [16, 16], "dropout": [0.5, 0.1]})
    assert np.array_equal(short.layers[1].get_weights()[0], long.layers[1].get_weights()[0])
    assert np.array_equal(
        build("mlp", options={"dropout": [0, 0.2]}).layers[3].seed, build("mlp").layers[4].seed
    )


def test_options_reach_the_layers() -> None:
    mlp = build("mlp", options={"hidden": [8, 4, 2], "dropout": [0.1, 0, 0.3]})
    assert layers(mlp)[1:] == [
        ("Dense", 8),
        ("Dropout", 0.1),
        ("Dense", 4),
        ("Dense", 2),
        ("Dropout", 0.3),
        ("Dense", 10),
    ]
    options = {"filters": [4], "kernel": 5, "pool": 3, "dropout": 0, "dense": 6}
    cnn = build("cnn", options={**options, "activation": "tanh"})
    assert layers(cnn) == [
        ("Conv2D", 4),
        ("MaxPooling2D", (3, 3)),
        ("Flatten", None),
        ("Dense", 6),
        ("Dense", 10),
    ]
    assert cnn.layers[0].activation.__name__ == "tanh"


def test_activations_are_those_of_keras() -> None:
    import keras

    for name in architectures.ACTIVATIONS:
        assert callable(keras.activations.get(name))


def test_effective_writes_the_defaults_out() -> None:
    assert architectures.effective("cnn", {"dense": 64}) == {
        "filters": [32, 64],
        "kernel": 3,
        "pool": 2,
        "dropout": [0.25, 0.5],
        "dense": 64,
        "activation": "relu",
    }


@pytest.mark.parametrize(
    ("name", "options", "key", "suggestion"),
    [
        ("cnnn", {}, "name", "cnn"),
        ("linear", {"hidden": [1]}, "hidden", None),
        ("mlp", {"hiden": [512]}, "hiden", "hidden"),
        ("mlp", {"hidden": []}, "hidden", None),
        ("mlp", {"hidden": [512, 0]}, "hidden", None),
        ("mlp", {"hidden": [512, 512.0]}, "hidden", None),
        ("mlp", {"dropout": 1}, "dropout", None),
        ("mlp", {"dropout": [0.2]}, "dropout", None),
        ("mlp", {"activation": "Relu"}, "activation", "relu"),
        ("cnn", {"dropout": [0.2]}, "dropout", None),
        ("cnn", {"kernel": 0}, "kernel", None),
    ],
)
def test_what_is_wrong_is_found_by_its_key(
    name: str, options: dict[str, Any], key: str, suggestion: str | None
) -> None:
    (problem,) = architectures.check(name, options)
    assert (problem.key, problem.suggestion) == (key, suggestion)
    with pytest.raises(CatalogError, match=f"{key} = "):
        build(name, options=options)


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((5, 9, 1), {}, "images of 5 x 9: 2 convolutions of 3 x 3 leave 1 pixels a side"),
        ((4, 4, 1), {"kernel": 9}, "leave 0 pixels"),
        ((8, 8, 1), {"pool": 5}, "pooling needs 5"),
        ((64,), {}, "needs images of"),
    ],
)
def test_images_too_small_for_the_cnn_are_refused(
    shape: tuple[int, ...], options: dict[str, Any], said: str
) -> None:
    (problem,) = architectures.check("cnn", options, input_shape=shape)
    assert said in problem.message
    with pytest.raises(CatalogError, match=said):
        build("cnn", shape, options=options)


def test_the_smallest_image_that_passes_the_check_builds() -> None:
    assert architectures.check("cnn", {}, input_shape=(6, 6, 1)) == []
    assert build("cnn", (6, 6, 1)).count_params() > 0
