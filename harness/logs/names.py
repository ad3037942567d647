"""What a log's columns mean: the many names of one thing, and the order among them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Literal

from harness.errors import UserError
from harness.language import said
from harness.logs.run import METRICS
from harness.quantities import listed

Clock = Literal["each", "elapsed", "stamp", "unclear"]

_EPOCHS = ("epoch", "epochs", "ep", "epoch_num", "epoch_number")
_STEPS = ("step", "steps", "global_step", "trainer_global_step", "iteration", "iterations", "iter")
_CLOCKS: dict[str, Clock] = {
    **dict.fromkeys(("seconds", "epoch_seconds", "epoch_time", "time_per_epoch"), "each"),
    **dict.fromkeys(("duration", "seconds_per_epoch", "epoch_duration"), "each"),
    **dict.fromkeys(("elapsed", "elapsed_seconds", "elapsed_time", "runtime"), "elapsed"),
    **dict.fromkeys(("relative_time", "relative_time_process", "total_time"), "elapsed"),
    **dict.fromkeys(("wall_time", "timestamp", "walltime", "relative_time_wall"), "stamp"),
    "time": "unclear",
}
_CPU = ("cpu_seconds", "cpu_time")
_ARMS = ("arm", "model", "variant", "group", "condition")
_REPLICATES = ("replicate", "seed", "run", "run_id", "trial", "rep", "repeat", "fold")
_MOLTEN = ("metric", "metric_name", "variable", "tag", "key")
"""Columns that name the metric of each row, where the numbers are all in a column ``value``."""
_VALIDATION = {"val", "valid", "validation", "eval", "evaluation", "dev", "test"}
_TRAINING = {"train", "training"}
_IGNORED = {"metrics", "metric", "epoch", "mean", "avg"}
_QUANTITIES: dict[tuple[str, ...], tuple[str, int]] = {
    ("accuracy",): ("accuracy", 0),
    ("acc",): ("accuracy", 1),
    ("sparse", "categorical", "accuracy"): ("accuracy", 2),
    ("categorical", "accuracy"): ("accuracy", 3),
    ("binary", "accuracy"): ("accuracy", 4),
    ("accuracy", "top1"): ("accuracy", 5),
    ("top1", "accuracy"): ("accuracy", 5),
    ("accuracy", "top", "1"): ("accuracy", 5),
    ("top", "1", "accuracy"): ("accuracy", 5),
    ("top1",): ("accuracy", 6),
    ("acc1",): ("accuracy", 6),
    ("acc", "top1"): ("accuracy", 6),
    ("multiclass", "accuracy"): ("accuracy", 7),
    ("sparse", "categorical", "acc"): ("accuracy", 8),
    ("loss",): ("loss", 0),
}


@dataclass(frozen=True)
class Meaning:
    """Which column of a table is what.

    Attributes:
        metrics: By canonical metric, the place of its column.
        epoch: Place of the epochs, or None.
        step: Place of the steps, or None.
        clock: Place of the wall time and how it counts, or None.
        cpu: Place of each epoch's processor seconds, or None.
        arm: Place of the arm's name, or None.
        replicate: Place of the replicate's name, or None.
        notices: What was taken for granted.
    """

    metrics: dict[str, int]
    epoch: int | None
    step: int | None
    clock: tuple[int, Clock] | None
    cpu: int | None
    arm: int | None
    replicate: int | None
    notices: tuple[str, ...]


@lru_cache(maxsize=4096)
def plain(name: str) -> str:
    """A column's name without padding, case and separators: ``Wall time`` is ``wall_time``."""
    return "_".join(_tokens(name))


def _tokens(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.strip())
    return [token for token in re.split(r"[^a-z0-9]+", spaced.lower()) if token]


@lru_cache(maxsize=4096)
def canonical(name: str) -> tuple[str, int] | None:
    """The metric that a name stands for and its rank among synonyms; None for anything else.

    ``val_acc``, ``valid/accuracy`` and ``metrics/accuracy_top1`` (Ultralytics, which measures on
    the validation data) are ``val_accuracy``; a name without a side is of the training data.
    """
    tokens = _tokens(name)
    quantity = _QUANTITIES.get(
        tuple(t for t in tokens if t not in _VALIDATION | _TRAINING | _IGNORED)
    )
    if quantity is None:
        return None
    kind, rank = quantity
    on_validation = bool(_VALIDATION & set(tokens)) or tokens[0] == "metrics"
    if on_validation and _TRAINING & set(tokens):
        return None
    return (f"val_{kind}" if on_validation else kind), rank + (10 if "test" in tokens else 0)


def is_known(name: str) -> bool:
    """Whether a header cell is a name that logs use."""
    known = {*_EPOCHS, *_STEPS, *_CLOCKS, *_CPU, *_ARMS, *_REPLICATES, "value", "name", "id"}
    return plain(name) in known or canonical(name) is not None


def role(metric: str) -> str:
    """The canonical metric whose rules a column of a name of its own follows.

    What is called a loss or an error is better when smaller and is read like ``val_loss``;
    everything else is a share of 1 of which more is better.
    """
    if metric in METRICS:
        return metric
    found = canonical(metric)
    if found is not None:
        return found[0]
    lower = {"loss", "error", "perplexity", "nll", "wer", "rmse", "mse", "mae"}
    return "val_loss" if lower & set(_tokens(metric)) else "val_accuracy"


def find_metrics(
    names: Sequence[str], wanted: str | None, source: str
) -> tuple[dict[str, int], list[str]]:
    """Places of the metrics among names, and what had to be chosen (case C3).

    Raises:
        UserError: The metric that the user asks for is not among them.
    """
    notices: list[str] = []
    found: dict[str, list[tuple[int, int]]] = {}
    for place, name in enumerate(names):
        known = canonical(name)
        if known is not None:
            found.setdefault(known[0], []).append((known[1], place))
    chosen = {}
    for metric, places in found.items():
        ranked = [place for _, place in sorted(places)]
        chosen[metric] = ranked[0]
        if len(ranked) > 1:
            others = partial(listed, [names[p].strip() for p in ranked[1:]])
            notices.append(read_from(metric, names[ranked[0]].strip(), others))
    _fastai(names, chosen, notices)
    if wanted is not None:
        _choose(names, wanted, chosen, notices, source)
    return chosen, notices


def read_from(metric: str, kept: str, others: str | Callable[[], str]) -> str:
    """The notice that of several names for a metric one counts."""
    return said(
        "{metric} is read from {kept}, not from {others}", metric=metric, kept=kept, others=others
    )


def _fastai(names: Sequence[str], chosen: dict[str, int], notices: list[str]) -> None:
    """Where losses of both sides are named, a bare accuracy is that of the validation data."""
    own = {plain(name) for name in names}
    if {"train_loss", "valid_loss"} <= own and "val_accuracy" not in chosen:
        place = chosen.get("accuracy")
        if place is not None and "train" not in _tokens(names[place]):
            chosen["val_accuracy"] = chosen.pop("accuracy")
            taken = names[place].strip()
            notices.append(said("{name} is taken as validation accuracy, as in fastai", name=taken))


def _choose(
    names: Sequence[str], wanted: str, chosen: dict[str, int], notices: list[str], source: str
) -> None:
    """Let a column of a name of its own stand where the user asks for it."""
    if wanted in chosen:
        return
    own = [plain(name) for name in names]
    exact = [place for place, name in enumerate(names) if name.strip() == wanted]
    places = exact or [place for place, name in enumerate(own) if name == plain(wanted)]
    if not places and wanted not in METRICS:
        raise UserError(absent(wanted, names, source))
    if places:
        target = role(wanted)
        chosen[target] = places[0]
        if canonical(wanted) is None:
            notices.append(
                said("{name} is read as {metric}: smaller is better", name=wanted, metric=target)
                if target.endswith("loss")
                else said(
                    "{name} is read as {metric}: larger is better", name=wanted, metric=target
                )
            )


def absent(wanted: str, names: Sequence[str], source: str) -> str:
    """The message that a metric is not there, with what is."""
    shown = [name.strip() for name in names if name.strip()][:12]
    near = difflib.get_close_matches(wanted, shown, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return f'{source}: has no metric "{wanted}"; it has {", ".join(shown) or "none"}{hint}'


def meaning(names: Sequence[str], wanted: str | None, source: str) -> Meaning:
    """Say which column is what.

    Args:
        names: The header.
        wanted: A metric that the user asks for, or None.
        source: The file, for messages.

    Raises:
        UserError: Two columns have one name, or none is a metric.
    """
    own = [plain(name) for name in names]
    twice = next((n for n in own if n and own.count(n) > 1 and is_known(n)), None)
    if twice is not None:
        raise UserError(f'{source}: the header has "{twice}" more than once; rename one of them')
    metrics, notices = find_metrics(names, wanted, source)
    if not metrics:
        shown = [name.strip() for name in names if name.strip()][:12]
        molten = _first(own, _MOLTEN)
        if molten is not None and "value" in own:
            raise UserError(
                f"{source}: has a row for each metric (see {names[molten].strip()}); "
                "give each metric a column of its own, such as val_accuracy (pandas: pivot)"
            )
        raise UserError(
            f"{source}: has no column of a metric that is known (val_accuracy, val_acc, loss …); "
            f"name yours with --metric: it has {listed(shown) or 'none'}"
        )
    clocks = [(own.index(name), kind) for name, kind in _CLOCKS.items() if name in own]
    arm, replicate = _first(own, _ARMS), _first(own, _REPLICATES)
    if arm is not None and own[arm] != "arm":
        notices.append(said("the column {name} is taken as the arm", name=names[arm].strip()))
    if replicate is not None and own[replicate] != "replicate":
        own_name = names[replicate].strip()
        notices.append(said("the column {name} is taken as the replicate", name=own_name))
    return Meaning(
        metrics=metrics,
        epoch=_first(own, _EPOCHS),
        step=_first(own, _STEPS),
        clock=clocks[0] if clocks else None,
        cpu=_first(own, _CPU),
        arm=arm,
        replicate=replicate,
        notices=tuple(notices),
    )


def _first(names: Sequence[str], wanted: Iterable[str]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)
