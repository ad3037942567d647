"""The study file's models: what a study may say, and the rules that need no data to check.

`harness.study_file` reads TOML into these models and words their errors for people.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from harness.claims import Claim
from harness.quantities import listed
from harness.study_foreign import ELSEWHERE, Logs, PublishedRuns
from harness.study_translations import Translations
from harness.study_values import MOST_EPOCHS, Count, NonEmpty, Section, Seed, Wait

Stream = Literal["init", "shuffle", "dropout", "split"]
STREAMS: tuple[Stream, ...] = get_args(Stream)
Precision = Literal["float32", "mixed_bfloat16"]
Device = Literal["auto", "cpu", "gpu"]
Spending = Literal["obrien-fleming", "pocock"]
Timing = Literal["shared", "exclusive"]


class Spec(Section):
    """Something named with settings: ``"mlp"`` or ``{ name = "mlp", dropout = 0.2 }``.

    Attributes:
        name: A name of the catalog, or the user's own function as ``package.module:function``.
        settings: Its settings; in the file they stand beside the name.
    """

    name: NonEmpty
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_toml(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "settings" not in value:
            settings = {key: item for key, item in value.items() if key != "name"}
            named = {"name": value["name"]} if "name" in value else {}
            return {**named, "settings": settings}
        return value

    @property
    def is_custom(self) -> bool:
        """Whether this names a user's own code, as ``package.module:function``."""
        return ":" in self.name


class StudySection(Section):
    """``[study]``: the question and the settings that all arms share unless they say otherwise.

    Attributes:
        name: Names the results folder and stands in the report.
        question: What the study is to answer, as a sentence; the report begins with it.
        replicates: Seeds with which every arm is trained.
        seed: The root from which all streams of randomness are drawn.
        seeds: Explicit seeds, one a replicate; they replace ``replicates`` and ``seed``.
        epochs: Epochs of every arm that does not say otherwise.
        batch_size: Images a step.
        precision: Number format of the models.
        alpha: Probability of any false finding, for all claims together.
        threads: Compute threads of a worker; part of a trial's identity.
        deterministic: Whether TensorFlow is made to give the same bits each time.
        device: Where trials are trained: ``"auto"`` takes a GPU where TensorFlow finds one.
        jobs_per_gpu: Workers that share a GPU; its memory is taken as it is needed.
        trial_timeout: A trial that takes longer, such as ``"10m"`` or so many seconds, is ended
            with its worker, tried again once, and then counts as failed. A new worker's start is
            part of it. It changes no trial's identity.
        paired: Whether runs of the same replicate share their seeds; only for a study of logs.
        timing: ``"exclusive"`` trains every trial once more after the study, alone on the machine,
            and takes the seconds from there; ``"shared"`` takes those of the study's own run.
    """

    name: NonEmpty
    question: NonEmpty
    replicates: Count = 10
    seed: Seed = 0
    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    epochs: Count = 20
    batch_size: Count = 128
    precision: Precision = "float32"
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    threads: Count = 1
    deterministic: bool = True
    device: Device = "auto"
    jobs_per_gpu: Count = 1
    timing: Timing = "shared"
    trial_timeout: Wait | None = None
    paired: bool = False

    @model_validator(mode="after")
    def _seeds_or_replicates(self) -> Self:
        if self.seeds is not None:
            twice = sorted({seed for seed in self.seeds if self.seeds.count(seed) > 1})
            if twice:
                raise ValueError(
                    f"seeds lists {', '.join(map(str, twice))} more than once; a seed trained "
                    "twice is not a further replicate"
                )
            if {"replicates", "seed"} & self.model_fields_set:
                raise ValueError("seeds replaces replicates and seed: give one or the other")
        return self

    @property
    def replicate_ids(self) -> list[int]:
        """Names of the replicates: 0 … N-1, or the explicit seeds."""
        return list(range(self.replicates)) if self.seeds is None else list(self.seeds)


class Data(Section):
    """``[data]``: a catalog name, an ``.npz`` file, or a function ``package.module:function``.

    Attributes:
        name: A dataset of the catalog, or a function as ``package.module:function``.
        npz: Path of an ``.npz`` file, relative to the study file.
        train: Training images to use; all if not given.
        validation: Validation images to use; all if not given.
    """

    name: NonEmpty | None = None
    npz: NonEmpty | None = None
    train: Count | None = None
    validation: Count | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.name is None) == (self.npz is None):
            raise ValueError('give either name = "…" (see `bench catalog`) or npz = "path"')
        return self

    @property
    def label(self) -> str:
        """The data's name for people."""
        return self.name or str(self.npz)


_UNKNOWN = (ELSEWHERE, {"name": ELSEWHERE, "settings": {}}, {"name": ELSEWHERE})
"""What stands for the architecture, optimizer and data of runs that others trained."""


class Arm(Section):
    """``[[arms]]``: one architecture and optimizer with all settings.

    ``vary`` names the streams that differ between this arm's replicates, where it is not the
    study's own choice; with none, each replicate repeats the same trial. ``crossed`` lets two
    streams differ in a square instead: each seed of the first with each seed of the second.

    Attributes:
        name: What claims call it.
        architecture: The model, by name or as a table with its settings.
        optimizer: The optimizer, by name or as a table with its settings.
        epochs: Its epochs, where they are not the study's.
        batch_size: Its batch size, where it is not the study's.
        data: What it is trained on, where that is not the study's ``[data]``.
        precision: Its number format, where it is not the study's.
        vary: Streams of randomness that differ between its replicates.
        crossed: Two streams, each seed of the first trained with each of the second.
        logs: Runs that others trained, in place of an architecture and an optimizer.
    """

    name: NonEmpty
    architecture: Spec
    optimizer: Spec
    epochs: Count | None = None
    batch_size: Count | None = None
    data: Data | None = None
    precision: Precision | None = None
    vary: list[Stream] | None = None
    crossed: Annotated[list[Stream], Field(min_length=2, max_length=2)] | None = None
    logs: Logs | None = None

    @model_validator(mode="before")
    @classmethod
    def _trained_here_or_elsewhere(cls, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("logs") is None:
            return value
        if any(value.get(k, ELSEWHERE) not in _UNKNOWN for k in ("architecture", "optimizer")):
            raise ValueError("give logs, or an architecture and an optimizer to train: not both")
        if value.get("data") is not None:
            raise ValueError("the runs of logs are trained already: drop data")
        return {**value, "architecture": ELSEWHERE, "optimizer": ELSEWHERE}

    @model_validator(mode="after")
    def _one_way_to_vary(self) -> Self:
        if self.crossed is not None and self.vary is not None:
            raise ValueError("crossed says what varies: give it or vary, not both")
        if self.crossed is not None and self.crossed[0] == self.crossed[1]:
            raise ValueError(f'crossed names "{self.crossed[0]}" twice: give two streams')
        return self


class Grid(Section):
    """``[grid]``: shorthand for every architecture x every optimizer.

    An entry is a name, or a table whose optional ``label`` names it in the arms, which are called
    ``<architecture>-<optimizer>``.

    Attributes:
        architectures: Models, each by name or as a table with its settings.
        optimizers: Optimizers, each by name or as a table with its settings.
    """

    architectures: Annotated[list[Spec], Field(min_length=1)]
    optimizers: Annotated[list[Spec], Field(min_length=1)]

    def arms(self) -> list[Arm]:
        """The arms that the grid stands for, architecture by architecture."""

        def split(spec: Spec) -> tuple[str, Spec]:
            settings = dict(spec.settings)
            label = str(settings.pop("label", spec.name))
            return label, Spec(name=spec.name, settings=settings)

        return [
            Arm(name=f"{a_label}-{o_label}", architecture=architecture, optimizer=optimizer)
            for a_label, architecture in map(split, self.architectures)
            for o_label, optimizer in map(split, self.optimizers)
        ]


class Randomness(Section):
    """``[randomness]``: which streams differ between replicates; the others are held fixed.

    Attributes:
        vary: Streams that differ between replicates; the others are held fixed.
    """

    vary: Annotated[list[Stream], Field(min_length=1)] = list(STREAMS)  # noqa: RUF012 - copied


class Stopping(Section):
    """``[stopping]``: when the data are looked at; declared before the first trial.

    ``looks`` are replicate counts. They refer to the order of ``study.seeds`` where that is given.

    Attributes:
        rule: Look once, at the end, or at several declared replicate counts.
        looks: Replicate counts at which to look, in ascending order.
        spending: How the error rate is shared out over the looks.
    """

    rule: Literal["fixed", "group-sequential"] = "fixed"
    looks: list[Count] | None = None
    spending: Spending = "obrien-fleming"

    @field_validator("looks")
    @classmethod
    def _several_in_order(cls, looks: list[int] | None) -> list[int] | None:
        if looks is not None and len(looks) < 2:
            raise ValueError(
                f"{looks} is no sequence of looks: give at least 2, such as [8, 12, 20], or drop "
                "[stopping]"
            )
        if looks is not None and any(b <= a for a, b in pairwise(looks)):
            raise ValueError(f"{looks} must ascend; write {sorted(set(looks))}")
        return looks

    @model_validator(mode="after")
    def _looks_go_with_the_rule(self) -> Self:
        if self.rule == "group-sequential" and self.looks is None:
            raise ValueError(
                'rule "group-sequential" needs looks, the replicate counts at which to look, such '
                "as looks = [8, 12, 20]"
            )
        if self.rule == "fixed" and {"looks", "spending"} & self.model_fields_set:
            raise ValueError(
                'rule "fixed" looks once, at the end: drop looks and spending, or write '
                'rule = "group-sequential"'
            )
        return self


class Study(Section):
    """A whole study, after its profile was laid over it and its grid expanded.

    Attributes:
        study: The question, and what all arms share.
        data: What is trained on.
        arms: What is compared.
        grid: Every architecture with every optimizer, as further arms.
        claims: What is to be decided.
        randomness: What differs between replicates.
        stopping: When the data are looked at.
        published: Single runs from elsewhere.
        translations: The study's own words in other languages.
        profiles: The same question at other scales: any of these keys, laid over them.
    """

    study: StudySection
    data: Data
    arms: list[Arm] = Field(default_factory=list)
    grid: Grid | None = None
    claims: list[Claim] = Field(default_factory=list)
    randomness: Randomness = Field(default_factory=Randomness)
    stopping: Stopping = Field(default_factory=Stopping)
    published: PublishedRuns | None = None
    translations: Translations | None = None
    profiles: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _logs_need_no_data(cls, value: Any) -> Any:
        if isinstance(value, dict) and "data" not in value and _all_logs(value.get("arms")):
            return {**value, "data": {"name": ELSEWHERE}}
        return value

    @model_validator(mode="after")
    def _all_logs_or_none(self) -> Self:
        foreign = [arm.name for arm in self.arms if arm.logs is not None]
        own = [arm.name for arm in self.all_arms if arm.logs is None]
        if foreign and own:
            raise ValueError(
                f'arms of logs ("{foreign[0]}") cannot stand beside arms to train ("{own[0]}"): '
                "train first, then point logs at the study's own curves.csv"
            )
        if foreign and not self.study.paired and any(claim.beyond for claim in self.claims):
            raise ValueError(
                "a claim with beyond takes one difference from another within each replicate: "
                "where the runs share their seeds, say study.paired = true; else claim each "
                "difference by itself"
            )
        if foreign and self.stopping.rule != "fixed":
            raise ValueError("stopping is for studies that train; the runs of logs are all there")
        if self.study.paired and not foreign:
            raise ValueError("study.paired is for logs; trials trained here are always paired")
        return self

    @property
    def is_paired(self) -> bool:
        """Whether equal replicate numbers share their data order and split in all arms."""
        return not self.is_of_logs or (self.study.paired and len(self.arms) > 1)

    @property
    def is_of_logs(self) -> bool:
        """Whether others trained the runs."""
        return any(arm.logs is not None for arm in self.arms)

    @property
    def all_arms(self) -> list[Arm]:
        """The arms, those of the grid included."""
        return [*self.arms, *(self.grid.arms() if self.grid else [])]

    def data_of(self, arm: Arm) -> Data:
        """What an arm is trained on."""
        return arm.data or self.data

    @property
    def all_data(self) -> list[Data]:
        """What the arms are trained on, each once."""
        found: list[Data] = []
        for arm in self.all_arms:
            if self.data_of(arm) not in found:
                found.append(self.data_of(arm))
        return found or [self.data]

    @property
    def data_label(self) -> str:
        """The data's names for people: "mnist", "mnist and cifar10"."""
        return listed(list(dict.fromkeys(data.label for data in self.all_data)))

    def epochs_of(self, arm: Arm) -> int:
        """An arm's epoch budget; of logs that do not declare one, more than any has."""
        if arm.epochs is None and arm.logs and "epochs" not in self.study.model_fields_set:
            return MOST_EPOCHS
        return arm.epochs or self.study.epochs

    def batch_size_of(self, arm: Arm) -> int:
        """An arm's batch size."""
        return arm.batch_size or self.study.batch_size

    def precision_of(self, arm: Arm) -> Precision:
        """An arm's number format."""
        return arm.precision or self.study.precision

    def streams_of(self, arm: Arm) -> list[Stream]:
        """The streams that differ between an arm's replicates."""
        if arm.crossed is not None:
            return arm.crossed
        return self.randomness.vary if arm.vary is None else arm.vary


def _all_logs(arms: Any) -> bool:
    return (
        isinstance(arms, list)
        and bool(arms)
        and all(isinstance(arm, dict) and arm.get("logs") is not None for arm in arms)
    )
