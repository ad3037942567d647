"""Study -> ordered trials: seeds of every stream, fingerprints, blocks in random order."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from harness.study import STREAMS, Arm, Device, Precision, Stream, Study

Status = Literal["completed", "diverged", "failed"]
"""How a trial ends: ``diverged`` if a loss stopped being finite."""

TRAINING_VERSION = 2
"""Raised when the training room changes what a trial's curve is; enters every fingerprint."""

_FIXED = 2**32  # spawn key of streams that are held fixed: no replicate number can equal it


@dataclass(frozen=True)
class Seeds:
    """The seed of each named stream of one replicate, each a 32-bit number."""

    init: int
    shuffle: int
    dropout: int
    split: int


@dataclass(frozen=True)
class ArmJob:
    """All that a worker must know to build and train an arm, but for the seeds.

    Attributes:
        architecture: Name and settings, as in the study file.
        optimizer: Name and settings, as in the study file.
        data: The ``[data]`` table.
        folder: The study file's folder: relative paths and users' modules are found from here.
        epochs: Epoch budget.
        batch_size: Images a step.
        precision: Number format of the model.
        threads: Compute threads of the worker.
        deterministic: Whether TensorFlow's op determinism is on.
        device: Where to train, as in the study file.
        found: Digests of the data and of a user's source when the arm was described, and the
            device: no trial is trained on others.
    """

    architecture: tuple[str, Mapping[str, Any]]
    optimizer: tuple[str, Mapping[str, Any]]
    data: Mapping[str, Any]
    folder: Path
    epochs: int
    batch_size: int
    precision: Precision
    threads: int
    deterministic: bool
    device: Device = "auto"
    found: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """What the study file says of the arm, without what depends on where it lies."""
        settings = asdict(self)
        del settings["folder"], settings["found"]
        return settings


@dataclass(frozen=True)
class Trial:
    """One arm x one replicate.

    Attributes:
        arm: Name of the arm.
        replicate: The seed index, shared by all arms.
        seeds: Seeds of the streams.
        fingerprint: Hash of all that can change the trial's curve.
        position: Place in the run's order, from 0.
    """

    arm: str
    replicate: int
    seeds: Seeds
    fingerprint: str
    position: int


def digest(document: Any) -> str:
    """SHA-256 of a JSON document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def arm_job(study: Study, arm: Arm, folder: Path) -> ArmJob:
    """What a worker needs for an arm, the study's defaults filled in."""
    return ArmJob(
        architecture=(arm.architecture.name, arm.architecture.settings),
        optimizer=(arm.optimizer.name, arm.optimizer.settings),
        data=study.data_of(arm).model_dump(exclude_none=True),
        folder=folder,
        epochs=study.epochs_of(arm),
        batch_size=study.batch_size_of(arm),
        precision=study.precision_of(arm),
        threads=study.study.threads,
        deterministic=study.study.deterministic,
        device=study.study.device,
    )


def seeds_of(study: Study, replicate: int, arm: Arm | None = None) -> Seeds:
    """Seeds of a replicate's streams, spawned from one root seed (NumPy's SeedSequence).

    With an explicit list of seeds the replicate's own seed is the root. A stream that is not
    varied takes the same seed in all replicates; one that is crossed takes that of its place in
    the square. Without an arm, the study's streams vary.
    """
    streams = study.randomness.vary if arm is None else study.streams_of(arm)
    square = {} if arm is None or arm.crossed is None else _in_square(study, replicate, arm.crossed)

    def seed(stream: Stream) -> int:
        varies = stream in streams
        drawn = square.get(stream, replicate)
        explicit = study.study.seeds is not None
        root = drawn if explicit and varies else study.study.seed
        block = 0 if explicit else drawn
        key = (block if varies else _FIXED, STREAMS.index(stream))
        return int(np.random.SeedSequence(root, spawn_key=key).generate_state(1)[0])

    return Seeds(**{stream: seed(stream) for stream in STREAMS})


def _in_square(study: Study, replicate: int, crossed: Sequence[Stream]) -> dict[Stream, int]:
    """The replicates whose seeds two crossed streams take: a row and a column of the square."""
    replicates = study.study.replicate_ids
    row, column = divmod(replicates.index(replicate), square_side(len(replicates)))
    return {crossed[0]: replicates[row], crossed[1]: replicates[column]}


def square_side(replicates: int) -> int:
    """Seeds of each stream where two are crossed: the replicates beyond the square are to spare."""
    return math.isqrt(replicates)


def fingerprint(identity: Mapping[str, Any], seeds: Seeds, repeat: int | None = None) -> str:
    """A trial's key: its arm's identity (see `harness.training.trial.describe_arm`) and its seeds.

    Where nothing varies, the number of the repeat tells trials apart that are alike in all else:
    each is trained, so that they show what the machine adds by itself.
    """
    key = {"version": TRAINING_VERSION, "arm": identity, "seeds": asdict(seeds)}
    return digest(key if repeat is None else key | {"repeat": repeat})


def plan_trials(study: Study, identities: Mapping[str, Mapping[str, Any]]) -> list[Trial]:
    """All trials in the order to run them: blocks of one replicate, arms shuffled inside.

    Args:
        study: The study.
        identities: By arm, all that can change a trial's result but for the seeds.
    """
    arms = {arm.name: arm for arm in study.all_arms}
    trials: list[Trial] = []
    for replicate in study.study.replicate_ids:
        order = np.random.default_rng([study.study.seed, replicate, 1]).permutation(len(identities))
        for name in (list(identities)[i] for i in order):
            seeds = seeds_of(study, replicate, arms[name])
            repeat = None if study.streams_of(arms[name]) else replicate
            key = fingerprint(identities[name], seeds, repeat)
            trials.append(Trial(name, replicate, seeds, key, len(trials)))
    return trials


def unique_trials(trials: Iterable[Trial]) -> list[Trial]:
    """One trial of each fingerprint, the first: arms alike in all but name share theirs."""
    unique: dict[str, Trial] = {}
    for trial in trials:
        unique.setdefault(trial.fingerprint, trial)
    return list(unique.values())
