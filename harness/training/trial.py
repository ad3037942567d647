"""One trial in a worker process: fresh model, every epoch recorded, the same bits every time."""

from __future__ import annotations

import gc
import math
import resource
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from harness.catalog import architectures, datasets, optimizers, references
from harness.catalog.layers import ModelSeeds
from harness.catalog.problems import CatalogError
from harness.plan import ArmJob, Seeds, Status, digest
from harness.training.runtime import DeviceError, configure

Row = dict[str, float | int | None]
MOST_COMPILED = 12
MOST_DATA = 3  # datasets that a worker keeps open, where arms have their own


@dataclass(frozen=True)
class TrialOutcome:
    """What a worker sends back.

    Attributes:
        status: ``completed``, ``diverged`` (a loss that is not finite), or ``failed``.
        rows: One mapping an epoch; None where a value is not finite.
        seconds: Wall time of the whole trial.
        cpu_seconds: Processor time of the whole trial.
        setup_seconds: Wall time before the first epoch: data, model, tracing its graphs.
        peak_memory_mb: Largest resident size of the worker so far, in MiB.
        error: Traceback, where failed.
        machine: What trained it (see `harness.environment.describe_machine`), if not the
            coordinator's own.
        load: Load of that machine at the end.
    """

    status: Status
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    setup_seconds: float = 0.0
    peak_memory_mb: float | None = None
    error: str | None = None
    machine: Mapping[str, object] | None = None
    load: float | None = None


@dataclass(frozen=True)
class Described:
    """What an arm turned out to be once it was built.

    Attributes:
        identity: All that can change a trial's curve but for the seeds.
        description: Parameters, layers, effective optimizer settings and notes, for people.
    """

    identity: dict[str, Any]
    description: dict[str, Any]

    @property
    def digests(self) -> dict[str, str]:
        """What must still hold when a trial is trained: data and source by digest, the device."""
        others = {key: v for key, v in self.identity.items() if key in {"source", "device"}}
        return {"data": self.identity["data"]["sha256"], **others}


def start(job: ArmJob) -> Literal["cpu", "gpu"]:
    """Load TensorFlow, where the process has not done so yet; says where it will compute.

    Raises:
        DeviceError: If the study asks for a GPU and there is none.
    """
    return configure(job.threads, job.deterministic, job.device)


def describe_arm(job: ArmJob) -> Described:
    """Build an arm once, untrained, to learn its identity and to find mistakes early.

    Raises:
        CatalogError: If the model, the optimizer or the data cannot be built.
        DeviceError: If the study asks for a GPU and there is none.
    """
    device = start(job)
    from harness.training.draws import draws_of
    from harness.training.model import canonical_config, layer_lines

    data = _load(job)
    model = _build(job, data, Seeds(0, 0, 0, 0))
    optimizer = _optimizer(job)
    name, settings = job.architecture
    effective = optimizers.effective(optimizer)
    identity = {
        "model": digest(canonical_config(model)),
        "architecture": architectures.effective(name, settings) | {"name": name},
        "optimizer": effective,
        "data": {"sha256": data.sha256, **{k: v for k, v in job.data.items() if k != "npz"}},
        "epochs": job.epochs,
        "batch_size": job.batch_size,
        "precision": job.precision,
        "threads": job.threads,
        "deterministic": job.deterministic,
        "device": device,
    }
    if ":" in name:
        identity["source"] = references.source_digest(name, job.folder)
        if draws_of(model, data.input_shape).unseeded:
            identity["unseeded"] = "dropout"  # the stream; before, trials drew these from others
    description = {
        "parameters": int(sum(np.prod(v.shape) for v in model.trainable_variables)),
        "layers": list(layer_lines(model)),
        "optimizer": effective,
        "notes": optimizers.default_notes(*job.optimizer),
    }
    return Described(identity, description)


def train_trial(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """Train one trial. Never raises: a failure is an outcome with its traceback."""
    wall, cpu = time.perf_counter(), time.process_time()
    status: Status
    error: str | None = None
    try:
        _refuse_device(job, start(job))
        status, rows, setup = _train(job, seeds)
    except references.FAULTS:  # whatever a user's model raises belongs in the report
        status, rows, setup, error = "failed", [], 0.0, traceback.format_exc()
    return TrialOutcome(
        status=status,
        rows=rows,
        seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        setup_seconds=setup,
        peak_memory_mb=_peak_memory_mb(),
        error=error,
    )


def _train(job: ArmJob, seeds: Seeds) -> tuple[Status, list[Row], float]:
    start = time.perf_counter()
    data = _load(job)
    compiled = _fresh_start(job, data, seeds)
    _refuse_changes(job, data)
    train_rows, validation_rows = data.split_rows(
        seeds.split, train=job.data.get("train"), validation=job.data.get("validation")
    )
    shuffle = np.random.default_rng(seeds.shuffle)
    compiled.trace(len(train_rows), len(validation_rows))
    setup = time.perf_counter() - start
    rows: list[Row] = []
    for epoch in range(1, job.epochs + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        loss, accuracy = compiled.train(shuffle.permutation(train_rows))
        val_loss, val_accuracy = compiled.evaluate(validation_rows)
        values = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "loss": loss,
            "accuracy": accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }
        rows.append({"epoch": epoch, **{k: _finite(v) for k, v in values.items()}})
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            return "diverged", rows, setup
    return "completed", rows, setup


def _refuse_device(job: ArmJob, device: str) -> None:
    """End a trial that would be computed elsewhere than where its arm was built."""
    there = job.found.get("device", device)
    if device != there:
        raise DeviceError(
            f"this worker computes on its {device}, but the arm was built on a {there}: train on "
            'machines that are alike, or set study.device = "cpu"'
        )


def _refuse_changes(job: ArmJob, data: datasets.RawData) -> None:
    """End a trial whose data or source are no longer those under which it would be stored."""
    now = {"data": data.sha256}
    if "source" in job.found:
        now["source"] = references.source_digest(job.architecture[0], job.folder)
    changed = [what for what in now if job.found.get(what, now[what]) != now[what]]
    if changed:
        raise CatalogError(
            f"{' and '.join(changed)} of the arm changed while the study ran; run the command "
            "again, and the arm is trained anew with what there is now"
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


# A cluster's worker sees many runs, between which data may be replaced.
_data: dict[str, datasets.RawData] = {}  # by their digest
_tensors: dict[str, Any] = {}  # by the data's digest
_digests: dict[tuple[object, ...], str] = {}  # by what tells whether the data were replaced


def _load(job: ArmJob) -> datasets.RawData:
    """The data that the arm was found to have, if they are at hand; else those there are now."""
    if job.found.get("data") in _data:
        return _data[job.found["data"]]
    where: dict[str, Any] = {"npz": job.data.get("npz"), "folder": job.folder}
    stamp = datasets.stamp(job.data.get("name"), **where)
    if _digests.get(stamp) not in _data:
        data = datasets.load(job.data.get("name"), **where)
        _digests[stamp] = data.sha256
        _keep(_data, data.sha256, data)
    return _data[_digests[stamp]]


def _tensors_of(data: datasets.RawData) -> Any:
    from harness.training.tensors import DataTensors

    if data.sha256 not in _tensors:
        _keep(_tensors, data.sha256, DataTensors.of(data))
    return _tensors[data.sha256]


def _keep(cache: dict[str, Any], key: str, value: object) -> None:
    while len(cache) >= MOST_DATA:
        del cache[next(iter(cache))]
    cache[key] = value


def _build(job: ArmJob, data: datasets.RawData, seeds: Seeds) -> Any:
    name, settings = job.architecture
    return architectures.build(
        name,
        settings,
        input_shape=data.input_shape,
        classes=data.classes,
        seeds=ModelSeeds(init=seeds.init, dropout=seeds.dropout),
        precision=job.precision,
        folder=job.folder,
    )


def _optimizer(job: ArmJob) -> Any:
    return optimizers.build(*job.optimizer)


_compiled: dict[str, Any] = {}


def _fresh_start(job: ArmJob, data: datasets.RawData, seeds: Seeds) -> Any:
    """A compiled epoch whose variables are those of a model fresh from its seeds.

    The last few arms' graphs are kept, since replicates of an arm come back block after block;
    not those of a model that has a state beside its variables.
    """
    from harness.training.draws import draws_of
    from harness.training.epoch import CompiledEpoch
    from harness.training.model import canonical_config

    model = _build(job, data, seeds)
    config = canonical_config(model)
    if config is not None and references.is_reference(job.architecture[0]):
        constants = draws_of(model, data.input_shape).constants
        config = constants and config + constants
    key = digest([config, job.settings, data.sha256, job.found.get("source")])
    if config is not None and key in _compiled:
        compiled = _compiled[key]
        compiled.restart(model)
        del model
        gc.collect()  # a model refers to itself, so its memory is not free before
        gc.freeze()  # the graphs live on: each later collection is spared to look at them
        return compiled
    compiled = CompiledEpoch(
        model,
        _optimizer(job),
        _tensors_of(data),
        batch_size=job.batch_size,
    )
    if config is not None:
        while len(_compiled) >= MOST_COMPILED:
            del _compiled[next(iter(_compiled))]
            gc.unfreeze()  # a graph refers to itself, too
        _compiled[key] = compiled
    return compiled


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
