"""What a reproducibility audit found, in words."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import last_line
from harness.quantities import listed, plural
from harness.verification import Difference, Retrained, Verification


def verification_sentence(found: Verification) -> str:
    """The outcome in one or two sentences."""
    n = len(found.trials)
    drawn = f"{n} of {plural(found.stored, 'stored trial')} trained again on {found.day}"
    if found.is_identical:
        came = "it came" if n == 1 else f"all {n} came" if n > 2 else "both came"
        return f"{drawn}: {came} out the same, bit for bit."
    same = sum(trial.outcome == "identical" for trial in found.trials)
    told = f"{drawn}: {same} came out the same, bit for bit; {n - same} did not."
    if found.changed_verdicts:
        return (
            f"{told} With their new curves the verdict on {listed(found.changed_verdicts)} changes."
        )
    return f"{told} With their new curves every verdict stays the same."


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
    if not trial.environment:
        return "the environment is the same, so this should not be"
    changed = [f"{key} ({' or '.join(values)})" for key, values in trial.environment.items()]
    return f"the environment differs in {listed(changed)}, which may explain it"
