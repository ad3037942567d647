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
