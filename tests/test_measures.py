"""Measures: the number of one curve, its unit, and when it is censored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from harness.measure_kinds import MEASURES, Measure
from harness.measures import Curve, Measured, startup_seconds, steady_seconds

ADAPTER: TypeAdapter[Measure] = TypeAdapter(Measure)


def curve(
    values: list[float], *, metric: str = "val_accuracy", budget: int | None = None, **rest: object
) -> Curve:
    epochs = len(values)
    columns = {metric: np.array(values), "seconds": np.ones(epochs), "cpu_seconds": np.ones(epochs)}
    columns |= {key: np.array(value) for key, value in rest.items() if key != "diverged"}
    return Curve(
        epoch=np.arange(1, epochs + 1),
        columns=columns,
        budget=budget or epochs,
        diverged=bool(rest.get("diverged", False)),
    )


def measure(values: Curve, kind: str, **settings: object) -> Measured:
    return ADAPTER.validate_python({"kind": kind, **settings}).of(values)


BOUNCING = [0.9, 0.951, 0.948, 0.952, 0.949, 0.953, 0.954, 0.952, 0.955, 0.956]


@pytest.mark.parametrize(
    ("target", "sustain", "expected"),
    [
        (0.95, 1, Measured(2)),
        (0.95, 3, Measured(6)),
        (0.956, 1, Measured(10)),
        (0.956, 2, Measured(10, censored=True)),
        (0.96, 1, Measured(10, censored=True)),
    ],
)
def test_epochs_to_a_target(target: float, sustain: int, expected: Measured) -> None:
    assert measure(curve(BOUNCING), "epochs_to", target=target, sustain=sustain) == expected


def test_a_loss_reaches_its_target_from_above() -> None:
    losses = curve([0.9, 0.5, 0.3, 0.4], metric="val_loss")
    assert measure(losses, "epochs_to", metric="val_loss", target=0.4) == Measured(3)


def test_a_diverged_curve_stays_at_risk_to_its_full_budget() -> None:
    """D13: target .5 is reached at 2, target .6 never, and that is known for all 20 epochs."""
    ended = curve([0.35, 0.55, 0.098], budget=20, diverged=True, val_loss=[2.1, 1.4, math.nan])
    assert measure(ended, "epochs_to", target=0.5) == Measured(2)
    assert measure(ended, "epochs_to", target=0.6) == Measured(20, censored=True)
    assert measure(ended, "seconds_to", target=0.6) == Measured(20, censored=True)
    assert measure(ended, "final") == Measured(0.098)
    assert measure(ended, "at_epoch", epoch=10) == Measured(0.098)
    assert math.isnan(measure(ended, "final", metric="val_loss").value)
    assert measure(ended, "epochs_to_plateau", within=0.01, window=1).censored
    carried = (0.45 + 0.324 + 17 * 0.098) / 19
    assert measure(ended, "mean_over_epochs").value == pytest.approx(carried)


def test_seconds_count_the_epoch_of_reaching() -> None:
    timed = curve([0.5, 0.8, 0.9], seconds=[5.0, 1.0, 1.0], cpu_seconds=[4.0, 2.0, 2.0])
    assert measure(timed, "seconds_to", target=0.8) == Measured(6)
    assert measure(timed, "seconds_to", target=0.8, clock="wall") == Measured(6)
    assert measure(timed, "seconds_to", target=0.95) == Measured(8, censored=True)


def test_a_plateau_begins_where_the_curve_stays_near_its_final_level() -> None:
    settled = [0.5, 0.7, 0.85, 0.9, 0.91, 0.9, 0.9, 0.9, 0.9, 0.9]
    assert measure(curve(settled), "epochs_to_plateau", within=0.02, window=3) == Measured(4)
    assert measure(curve(settled), "epochs_to_plateau", within=0.01, window=3) == Measured(4)
    assert measure(curve(settled), "epochs_to_plateau", within=0.005, window=3) == Measured(6)


def test_a_curve_that_still_rises_has_no_plateau() -> None:
    rising = [0.1 * i for i in range(1, 11)]
    assert measure(curve(rising), "epochs_to_plateau", within=0.05, window=3) == Measured(
        10, censored=True
    )
    assert measure(curve([0.9] * 5), "epochs_to_plateau", within=0.05, window=3).censored
    assert measure(curve([0.9] * 6), "epochs_to_plateau", within=0.05, window=3) == Measured(1)


def test_a_fraction_of_the_own_gain() -> None:
    assert measure(curve(BOUNCING), "epochs_to_fraction", fraction=0.99) == Measured(10)
    assert measure(curve([0.9, 0.9]), "epochs_to_fraction", fraction=0.99) == Measured(1)
    falling = curve([1.0, 0.3, 0.2], metric="val_loss")
    assert measure(falling, "epochs_to_fraction", metric="val_loss", fraction=0.5) == Measured(2)


def test_what_ends_worse_than_it_began_made_no_gain() -> None:
    """A loss that falls and then rises beyond its start, and an accuracy that does the reverse."""
    loss = [0.30, 0.20, 0.15, 0.12, 0.14, 0.18, 0.22, 0.27, 0.30, 0.34]
    for values, metric in ((loss, "val_loss"), ([1 - v for v in loss], "val_accuracy")):
        found = measure(
            curve(values, metric=metric), "epochs_to_fraction", metric=metric, fraction=0.9
        )
        assert found == Measured(10, censored=True)


def test_values_of_the_metric() -> None:
    values = curve(BOUNCING)
    assert measure(values, "best").value == 0.956
    assert measure(values, "at_epoch", epoch="last").value == 0.956
    assert measure(values, "at_epoch", epoch=3).value == 0.948
    assert math.isnan(measure(values, "at_epoch", epoch=99).value)
    loss = curve([0.9, 0.4, 0.6], metric="val_loss")
    assert measure(loss, "best", metric="val_loss").value == 0.4
    assert measure(loss, "rise").value == pytest.approx(0.2)


def test_start_up_and_steady_epochs_are_told_apart() -> None:
    """G1: A starts slowly and then is the faster one."""
    a, b = np.array([9.0, 2.0, 2.1, 1.9, 2.0]), np.array([3.1, 2.4, 2.5, 2.6, 2.4])
    assert (a.sum(), b.sum()) == (pytest.approx(17.0), pytest.approx(13.0))
    assert (steady_seconds(a), steady_seconds(b)) == (pytest.approx(2.0), pytest.approx(2.45))
    assert startup_seconds(a) == pytest.approx(7.0)
    assert startup_seconds(b) == pytest.approx(0.65)
    timed = curve([0.1] * 5, cpu_seconds=a)
    assert measure(timed, "seconds_per_epoch").value == pytest.approx(2.0)


@pytest.mark.parametrize("kind", MEASURES)
def test_every_measure_says_its_unit_and_what_it_is(kind: str) -> None:
    needed = {
        "epochs_to": {"target": 0.9},
        "steps_to": {"target": 0.9},
        "seconds_to": {"target": 0.9},
        "epochs_to_plateau": {"within": 0.01},
        "epochs_to_fraction": {"fraction": 0.9},
        "at_epoch": {"epoch": 1},
    }
    one = ADAPTER.validate_python({"kind": kind, **needed.get(kind, {})})
    assert one.unit in {"epochs", "steps", "seconds", "accuracy", "nats"}
    assert one.label
    assert (MEASURES[kind].__doc__ or "").strip()
