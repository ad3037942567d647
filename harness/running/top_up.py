"""Further replicates for the claims that are still open, as far as the stopping rule allows."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UserError
from harness.gather import gather
from harness.quantities import duration, plural
from harness.results import Results
from harness.stopping import declared_looks
from harness.store import Store
from harness.study_file import LoadedStudy, with_replicates
from harness.verdicts import Verdict, all_decided

_GROWTH = 4  # a top-up goes to at most so many times the present replicates


@dataclass(frozen=True)
class TopUp:
    """What a top-up is going to do.

    Attributes:
        loaded: The study to run; under the fixed rule one with more replicates.
        until: Replicates to go to at most.
        words: What to say before training, a sentence each.
    """

    loaded: LoadedStudy
    until: int
    words: tuple[str, ...]


def plan_top_up(loaded: LoadedStudy, store: Store, most: int | None = None) -> TopUp:
    """Find the further replicates that inconclusive claims ask for.

    A group-sequential study goes to its next declared look. Under the fixed rule no further
    replicate was declared, so what a top-up finds is exploratory.

    Args:
        loaded: The study.
        store: Its results database.
        most: Replicates to go to at most; four times the present if not given.

    Raises:
        UserError: If the study itself is not finished, or lists its seeds one by one.
    """
    if loaded.study.stopping.rule == "group-sequential":
        return _next_look(loaded, store, most)
    if loaded.study.study.seeds is not None:
        raise UserError(
            f"{loaded.file}: study.seeds lists the replicates one by one; add further seeds to it "
            "instead of --top-up"
        )
    present = _present(loaded, store)
    results = gather(present, store)
    _check_finished(present, results)
    return _grown(present, results, most, declared=loaded.study.study.replicates)


def _next_look(loaded: LoadedStudy, store: Store, most: int | None) -> TopUp:
    results = gather(loaded, store)
    looks, reached = declared_looks(loaded.study), len(results.looks)
    now = looks[reached - 1].count if reached else 0
    if reached and all_decided(results.verdicts):
        return TopUp(loaded, now, (f"Every claim is decided at {now} replicates.",))
    if reached == len(looks):
        words = "All declared looks were taken; a further one would not be a declared one."
        return TopUp(loaded, now, (words,))
    following = looks[reached].count
    if most is not None and following > most:
        words = f"The next declared look is at {following} replicates, beyond --max-replicates."
        return TopUp(loaded, now, (words,))
    words = f"Going to the next declared look, at {following} replicates"
    return TopUp(loaded, following, (f"{words}{_cost(results, following - now)}.",))


def _grown(loaded: LoadedStudy, results: Results, most: int | None, *, declared: int) -> TopUp:
    now = len(loaded.study.study.replicate_ids)
    asking = [verdict for verdict in results.verdicts if _further(verdict) > 0]
    if not asking:
        state = "No claim asks for further replicates"
        if all_decided(results.verdicts):
            state = "Every claim is decided"
        return TopUp(loaded, now, (f"{state}: nothing to top up.",))
    wanted = now + max(map(_further, asking))
    until = max(now, min(wanted, most or _GROWTH * now))
    words = [
        f"{verdict.claim.id} asks for {plural(_further(verdict), 'further replicate')}."
        for verdict in asking
    ]
    if until < wanted:
        words.append(f"That is cut to {until} replicates in all; see --max-replicates.")
    words += [
        f"Training {plural(until - now, 'further replicate')}{_cost(results, until - now)}.",
        f'The stopping rule is "fixed", at {plural(declared, "replicate")}: more were not '
        "declared before the first trial, so every claim of the new report is exploratory. "
        "`bench report` goes back to the declared ones.",
    ]
    return TopUp(with_replicates(loaded, until), until, tuple(words))


def _further(verdict: Verdict) -> int:
    """Replicates that an inconclusive claim asks for beyond those it has."""
    return max(0, (verdict.replicates_needed or 0) - verdict.n)


def _cost(results: Results, replicates: int) -> str:
    seconds = results.verdicts[0].replicate_seconds if results.verdicts else None
    return "" if seconds is None else f", {duration(seconds * replicates)}"


def _present(loaded: LoadedStudy, store: Store) -> LoadedStudy:
    """The study with the replicates that an earlier top-up has added."""
    declared = loaded.study.study.replicates
    at_most = with_replicates(loaded, declared + len(store.trials()))
    attempted = gather(at_most, store).attempted
    arms, now = [arm.name for arm in loaded.study.all_arms], declared
    while all((arm, now) in attempted for arm in arms):
        now += 1
    return with_replicates(loaded, now)


def _check_finished(loaded: LoadedStudy, results: Results) -> None:
    if not results.looks:
        raise UserError(
            f"{loaded.file}: not all declared replicates are trained; run "
            f"`{loaded.command()}` first"
        )
