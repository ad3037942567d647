"""Optimizers by their Keras name: checked without Keras, built fresh for each trial.

A study writes its hyperparameters out, since the defaults are not what they were:
`default_notes` says where a setting left out means something else than it did.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from harness.catalog import schedules
from harness.catalog.lazy import load_keras
from harness.catalog.optimizer_table import DEFAULTS_THAT_MOVED, ELSEWHERE, OPTIMIZERS
from harness.catalog.problems import CatalogError, Problem, refuse, unknown
from harness.catalog.settings import check_settings

if TYPE_CHECKING:
    import keras

CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")


def available() -> dict[str, str]:
    """Return each optimizer's name with a line on what it is."""
    return {name: optimizer.summary for name, optimizer in OPTIMIZERS.items()}


def check(name: str, settings: Mapping[str, object]) -> list[Problem]:
    """Check an optimizer of a study file without importing Keras.

    Args:
        name: The optimizer's Keras name, in lower case: `rmsprop`.
        settings: Its table without the name; `learning_rate` is a number or a schedule's table.

    Returns:
        What is wrong with it; empty when it can be built.
    """
    if name not in OPTIMIZERS:
        return [unknown("name", name, "an optimizer", OPTIMIZERS)]
    table = OPTIMIZERS[name].settings
    foreign = [key for key in settings if key in ELSEWHERE and key not in table]
    rate = settings.get("learning_rate")
    scheduled = isinstance(rate, Mapping)
    plain = {
        key: value
        for key, value in settings.items()
        if key not in foreign and not (scheduled and key == "learning_rate")
    }
    problems = [_foreign(key, name, settings) for key in foreign]
    problems += check_settings(plain, table, name)
    problems += schedules.check(cast(Mapping[str, object], rate)) if scheduled else []
    return problems or _check_together(settings)


def default_notes(name: str, settings: Mapping[str, object]) -> list[str]:
    """Say where a setting that was left out has a default that changed between Keras versions.

    Args:
        name: The optimizer's Keras name.
        settings: Its table, without the name.

    Returns:
        One sentence for each such setting.
    """
    moved = DEFAULTS_THAT_MOVED.get(name, {})
    return [note for key, note in moved.items() if key not in settings]


def build(name: str, settings: Mapping[str, object]) -> "keras.optimizers.Optimizer":
    """Build a new Keras optimizer; one belongs to one model, so every trial needs its own.

    Args:
        name: The optimizer's Keras name.
        settings: Its table, without the name.

    Raises:
        CatalogError: The settings do not pass `check`, or the installed Keras lacks them.
    """
    refuse(f"the optimizer {name}", check(name, settings))
    keras = load_keras()
    optimizer = OPTIMIZERS[name]
    try:
        return getattr(keras.optimizers, optimizer.keras_class)(
            **{
                key: schedules.build(value)
                if isinstance(value, Mapping)
                else optimizer.settings[key].convert(value)
                for key, value in settings.items()
            }
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise CatalogError(
            f"the optimizer {name} cannot be built by Keras {keras.__version__}: {error}"
        ) from error


def effective(optimizer: "keras.optimizers.Optimizer") -> dict[str, object]:
    """Return the settings that an optimizer really has, defaults included.

    Args:
        optimizer: A Keras optimizer.

    Returns:
        Plain JSON values by setting. A schedule is a table as in a study file; what is switched
        off is left out.
    """
    config = optimizer.get_config()
    config["learning_rate"] = _effective_rate(config["learning_rate"])
    idle = {"name"} if config["use_ema"] else {"name", "use_ema", "ema_momentum"}
    return {key: value for key, value in config.items() if key not in idle and value is not None}


def _effective_rate(rate: object) -> object:
    """Undo what Keras does to a rate: it keeps a number as float32, a schedule as its config."""
    if not isinstance(rate, Mapping):
        return float(str(np.float32(cast(float, rate))))
    settings = {
        key: value for key, value in rate["config"].items() if key != "name" and value is not None
    }
    return {"schedule": schedules.name_of(rate["class_name"]), **settings}


def _foreign(key: str, name: str, settings: Mapping[str, object]) -> Problem:
    """Explain a key of an older Keras or of another framework (C2)."""
    suggestion, message = ELSEWHERE[key]
    value = settings[key]
    if key == "decay" and isinstance(value, int | float):
        rate = settings.get("learning_rate", settings.get("lr"))
        rate = rate if isinstance(rate, int | float) else _default_rate(name)
        suggestion = (
            f'learning_rate = {{ schedule = "inverse_time_decay", initial_learning_rate = {rate}, '
            f"decay_steps = 1, decay_rate = {value} }}"
        )
    if suggestion in {"learning_rate", *OPTIMIZERS[name].settings} or "=" in suggestion:
        return Problem(key, value, message, suggestion)
    return Problem(key, value, f"{message}; {name} has nothing like it")


def _default_rate(name: str) -> object:
    return OPTIMIZERS[name].settings["learning_rate"].default


def _check_together(settings: Mapping[str, object]) -> list[Problem]:
    """Check what Keras refuses, or ignores in silence, about settings that are fine alone."""
    problems = []
    clippings = [key for key in CLIPPINGS if key in settings]
    if len(clippings) > 1:
        message = f"cannot be combined with {clippings[0]}: give one way of clipping"
        problems.append(Problem(clippings[1], settings[clippings[1]], message))
    if "use_ema" not in settings or settings["use_ema"] is False:
        problems += [
            Problem(key, settings[key], "has no effect without use_ema = true", "use_ema = true")
            for key in ("ema_momentum", "ema_overwrite_frequency")
            if key in settings
        ]
    elif "ema_overwrite_frequency" not in settings:
        # Keras keeps the average beside the weights until the end of its own `fit`.
        message = "has no effect on a curve without ema_overwrite_frequency"
        problems.append(Problem("use_ema", True, message, "ema_overwrite_frequency = 100"))
    return problems
