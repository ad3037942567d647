"""What a model is known by."""

from __future__ import annotations

from harness.catalog import architectures
from harness.catalog.layers import ModelSeeds


def test_a_config_names_neither_seeds_nor_where_code_stands() -> None:
    """A trial's key is a hash of settings: moving a module must not throw results away."""
    from harness.training.model import canonical_config

    configs = {
        canonical_config(
            architectures.build(
                "mlp", {}, input_shape=(8, 8, 1), classes=10, seeds=ModelSeeds(seed, seed + 1)
            )
        )
        for seed in (1, 2)
    }
    (config,) = configs
    assert config is not None
    assert "harness" not in config
    assert "training-bench>Dropout" in config


def test_an_own_model_is_known_whichever_was_built_before() -> None:
    """Keras counts the inputs of all models of a process: each would get a name of its own."""
    import keras

    from harness.training.model import canonical_config

    def config() -> str | None:
        return canonical_config(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))

    first = config()
    assert first == config()
    assert first is not None
    assert '"input_layer"' in first
