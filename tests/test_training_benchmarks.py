"""The arithmetic of the training benchmarks; what they measure needs a quiet machine."""

from __future__ import annotations

import pytest

from benchmarks.training import JOBLIB, LOOP, Rounds, _measurement, _step_flops, job_of


def rounds() -> Rounds:
    rates = {LOOP: [0.5, 0.4, 0.6], JOBLIB: [1.0, 1.0, 1.0], "float32": [2.0, 2.0, 1.2]}
    processes = {LOOP: 1, JOBLIB: 2, "float32": 2}
    return Rounds(rates, processes, 100, {"float32": 100.0}, 0.5, "MNIST")


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert rounds().ratio("float32", LOOP) == pytest.approx(4.0)
    assert rounds().ratio("float32", JOBLIB) == pytest.approx(2.0)


def test_figures_say_what_a_step_takes_and_its_share_of_the_peak() -> None:
    found = _measurement("MLP trials", rounds(), LOOP, "float32", 4.0)
    assert found.is_met
    assert "10.0 ms a step in each of 2 workers, 20.0 ms in the loop (1 process)" in found.detail
    assert "reaches 50 of the 100 GFLOP/s of a matrix product (50%)" in found.detail


def test_operations_of_a_step_are_those_of_the_published_models() -> None:
    assert _step_flops("cnn-adadelta") == pytest.approx(9.2, abs=0.1)
    assert _step_flops("mlp-rmsprop") == pytest.approx(0.41, abs=0.01)


def test_the_arm_is_that_of_the_main_study() -> None:
    job = job_of("cnn-adadelta", "mnist", 640, 128, precision="mixed_bfloat16")
    assert job.architecture == ("cnn", {})
    assert job.optimizer[0] == "adadelta"
    assert (job.threads, job.batch_size, job.precision) == (1, 128, "mixed_bfloat16")
