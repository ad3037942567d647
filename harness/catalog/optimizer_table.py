"""What every optimizer of Keras 3 can be told: types, legal ranges, defaults.

The defaults serve help texts and are held against the installed Keras by a test. What needs more
than one optimizer, or wraps another (MultiOptimizer, LossScaleOptimizer), is not an arm's choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.catalog.settings import (
    Flag,
    Number,
    Setting,
    Words,
    not_negative,
    positive,
    share,
)
from harness.language import N_


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of Keras by its class, a line on what it is, and the settings it takes."""

    keras_class: str
    summary: str
    settings: Mapping[str, Setting]


COMMON: Mapping[str, Setting] = {
    "weight_decay": not_negative(),
    "clipnorm": positive(),
    "clipvalue": positive(),
    "global_clipnorm": positive(),
    "use_ema": Flag(False),
    "ema_momentum": share(0.99, below_one=False),
    "ema_overwrite_frequency": positive(whole=True),
    "loss_scale_factor": positive(),
    "gradient_accumulation_steps": Number(low=2, whole=True),
}

RATE: Mapping[str, Setting] = {"learning_rate": positive(0.001)}
EPSILON: Mapping[str, Setting] = {"epsilon": not_negative(1e-7)}
MOMENTS: Mapping[str, Setting] = {"beta_1": share(0.9), "beta_2": share(0.999)}
ADAM: Mapping[str, Setting] = {**RATE, **MOMENTS, **EPSILON}

OPTIMIZERS: Mapping[str, Optimizer] = {
    "adadelta": Optimizer(
        "Adadelta",
        "step sizes from running averages of gradients and updates (Zeiler, 2012)",
        {**RATE, "rho": share(0.95), **EPSILON, **COMMON},
    ),
    "adafactor": Optimizer(
        "Adafactor",
        "Adam's second moment in sublinear memory (Shazeer and Stern, 2018)",
        {
            **RATE,
            "beta_2_decay": Number(-0.8, high=0, open_high=True),
            "epsilon_1": not_negative(1e-30),
            "epsilon_2": not_negative(0.001),
            "clip_threshold": positive(1.0),
            "relative_step": Flag(True),
            **COMMON,
        },
    ),
    "adagrad": Optimizer(
        "Adagrad",
        "step sizes that shrink with the sum of squared gradients (Duchi et al., 2011)",
        {**RATE, "initial_accumulator_value": not_negative(0.1), **EPSILON, **COMMON},
    ),
    "adam": Optimizer(
        "Adam",
        "first and second moments of the gradient (Kingma and Ba, 2015)",
        {**ADAM, "amsgrad": Flag(False), **COMMON},
    ),
    "adamax": Optimizer(
        "Adamax",
        "Adam with the infinity norm (Kingma and Ba, 2015)",
        {**ADAM, **COMMON},
    ),
    "adamw": Optimizer(
        "AdamW",
        "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)",
        {**ADAM, "amsgrad": Flag(False), **COMMON, "weight_decay": not_negative(0.004)},
    ),
    "ftrl": Optimizer(
        "Ftrl",
        "follow the regularized leader (McMahan et al., 2013)",
        {
            **RATE,
            "learning_rate_power": Number(-0.5, high=0),
            "initial_accumulator_value": not_negative(0.1),
            "l1_regularization_strength": not_negative(0.0),
            "l2_regularization_strength": not_negative(0.0),
            "l2_shrinkage_regularization_strength": not_negative(0.0),
            "beta": not_negative(0.0),
            **COMMON,
        },
    ),
    "lamb": Optimizer(
        "Lamb",
        "Adam with layer-wise step sizes for large batches (You et al., 2020)",
        {**ADAM, **COMMON},
    ),
    "lion": Optimizer(
        "Lion",
        "the sign of a momentum (Chen et al., 2023)",
        {
            **RATE,
            "beta_1": Number(0.9, low=0, high=1, open_low=True),
            "beta_2": share(0.99),
            **COMMON,
        },
    ),
    "muon": Optimizer(
        "Muon",
        "orthogonalized momentum for matrices, AdamW for the rest (Jordan, 2024)",
        {
            **RATE,
            "adam_beta_1": share(0.9),
            "adam_beta_2": share(0.999),
            "adam_weight_decay": not_negative(0.004),
            **EPSILON,
            "exclude_layers": Words(),
            "exclude_embeddings": Flag(True),
            "muon_a": Number(3.4445),
            "muon_b": Number(-4.775),
            "muon_c": Number(2.0315),
            "adam_lr_ratio": positive(1),
            "momentum": share(0.95),
            "ns_steps": positive(5, whole=True),
            "nesterov": Flag(True),
            "rms_rate": positive(0.2),
            **COMMON,
            "weight_decay": not_negative(0.004),
        },
    ),
    "nadam": Optimizer(
        "Nadam",
        "Adam with Nesterov momentum (Dozat, 2016)",
        {**ADAM, **COMMON},
    ),
    "rmsprop": Optimizer(
        "RMSprop",
        "gradients over a running root mean square (Tieleman and Hinton, 2012)",
        {
            **RATE,
            "rho": share(0.9),
            "momentum": share(0.0),
            **EPSILON,
            "centered": Flag(False),
            **COMMON,
        },
    ),
    "schedulefreeadamw": Optimizer(
        "ScheduleFreeAdamW",
        "AdamW whose averaging replaces a schedule (Defazio et al., 2024)",
        {
            "learning_rate": positive(0.0025),
            "beta_1": Number(0.9, low=0, high=1, open_low=True),
            "beta_2": share(0.999),
            "epsilon": not_negative(1e-8),
            "warmup_steps": not_negative(0, whole=True),
            **COMMON,
        },
    ),
    "sgd": Optimizer(
        "SGD",
        "gradient descent, with momentum where given (Robbins and Monro, 1951)",
        {
            "learning_rate": positive(0.01),
            "momentum": share(0.0, below_one=False),
            "nesterov": Flag(False),
            **COMMON,
        },
    ),
}

DEFAULTS_THAT_MOVED: Mapping[str, Mapping[str, str]] = {
    "adadelta": {
        "learning_rate": N_(
            "Adadelta has no learning_rate here: it was 1.0 in its paper and in Keras until 2.3; "
            "Keras 3 uses 0.001, so “slow” may be the default."
        ),
        "epsilon": N_(
            "Adadelta has no epsilon here: Keras 3 uses 1e-7, Keras in 2017 used 1e-8 and the "
            "paper 1e-6, which sets the size of the first steps."
        ),
    },
    "adagrad": {
        "learning_rate": N_(
            "Adagrad has no learning_rate here: Keras 3 uses 0.001, Keras until 2.3 used 0.01, so "
            "a slow start may be the default."
        )
    },
    "adamax": {
        "learning_rate": N_(
            "Adamax has no learning_rate here: Keras 3 uses 0.001, Keras until 2.3 used 0.002, so "
            "a slow start may be the default."
        )
    },
    "nadam": {
        "learning_rate": N_(
            "Nadam has no learning_rate here: Keras 3 uses 0.001, Keras until 2.3 used 0.002, so "
            "a slow start may be the default."
        )
    },
    "rmsprop": {
        "epsilon": N_(
            "RMSprop has no epsilon here: Keras 3 adds 1e-7 inside the square root, Keras in 2017 "
            "added 1e-8 after it; 1e-16 here is about the old 1e-8."
        ),
    },
}
"""Notes by optimizer and setting, for settings that a study leaves out (C1)."""

_GONE = "is not a setting of any optimizer of Keras 3"

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "lr": ("learning_rate", "was renamed to learning_rate"),
    "decay": (
        'learning_rate = { schedule = "inverse_time_decay", ... }',
        "is ignored in silence by Keras 3; a learning_rate schedule does what it did",
    ),
    "lr_decay": (
        'learning_rate = { schedule = "inverse_time_decay", ... }',
        f"{_GONE}; give a learning_rate schedule",
    ),
    "schedule_decay": (
        'learning_rate = { schedule = "inverse_time_decay", ... }',
        f"{_GONE} (Nadam's own momentum schedule is built in); give a learning_rate schedule",
    ),
    "eps": ("epsilon", "is PyTorch's name for epsilon"),
    "alpha": ("rho", "is PyTorch's name for rho"),
    "betas": ("beta_1", "is PyTorch's name for beta_1 and beta_2"),
    "momentum": ("beta_1", "is a setting of sgd, rmsprop and muon"),
}
"""Keys of older Keras and of PyTorch: what to write instead, and why (C2)."""
