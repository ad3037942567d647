"""What a reproducibility audit found, in words."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import last_line
from harness.language import N_, _
from harness.quantities import joined, listed, plural
from harness.verification import Difference, Retrained, Verification


def verification_sentence(found: Verification) -> str:
    """The outcome in one or two sentences."""
    n = len(found.trials)
    same = sum(trial.outcome == "identical" for trial in found.trials)
    template = N_("{drawn}: {same} came out the same, bit for bit; {others} did not.")
    if found.is_identical:
        template = N_("{drawn}: all {n} came out the same, bit for bit.")
        if n < 3:
            template = N_("{drawn}: both came out the same, bit for bit.")
        if n == 1:
            template = N_("{drawn}: it came out the same, bit for bit.")
    drawn = _("{n} of {stored} trained again on {day}").format(
        n=n, stored=plural(found.stored, "stored trial"), day=found.day
    )
    told = _(template).format(drawn=drawn, same=same, others=n - same, n=n)
    if found.is_identical:
        return told
    if not found.changed_verdicts:
        return joined([told, _("With their new curves every verdict stays the same.")])
    changed = _("With their new curves the verdict on {claims} changes.")
    return joined([told, changed.format(claims=listed(found.changed_verdicts))])


def verification_lines(found: Verification) -> Iterator[str]:
    """One line a trial, for the terminal."""
    for trial in found.trials:
        yield f"{trial.arm}, replicate {trial.replicate}: {_came_out(trial)}"


def _came_out(trial: Retrained) -> str:
    if trial.error is not None:
        return f"could not be trained again: {last_line(trial.error)}"
    if trial.difference is None:
        return "the same, bit for bit"
    return f"{_where(trial.difference)}; {_why(trial)}"


def _where(difference: Difference) -> str:
    if difference.column == "epoch":
        which = "stored" if difference.stored is not None else "new"
        return f"the {which} curve alone goes on at epoch {difference.epoch}"
    stored, again = (
        "none" if value is None else repr(value) for value in (difference.stored, difference.again)
    )
    return (
        f"differs from epoch {difference.epoch} on ({difference.column}: {stored} stored, "
        f"{again} now)"
    )


def _why(trial: Retrained) -> str:
    if trial.environment is None:
        return "what it was first trained on is not known, so nothing explains it"
    if not trial.environment:
        return "the environment is the same, so this should not be"
    changed = [f"{key} ({' or '.join(values)})" for key, values in trial.environment.items()]
    return f"the environment differs in {listed(changed)}, which may explain it"
