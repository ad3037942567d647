"""Prose about calibration: how often a study's decisions err where the truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.analyses.calibration import (
    CHECKS,
    DRAWS,
    EXACT_PAIRS,
    Calibration,
    Check,
    ClaimCalibration,
    Rate,
)
from harness.prose.words import sample_words, stopped
from harness.quantities import number, percent, plural

TITLES: Mapping[Check, str] = {
    "no difference": "no difference, called real",
    "halves of one arm": "halves of one arm, called different",
    "interval": "interval misses the truth",
    "interval, as seen": "the same, skewed as seen",
    "equal at +margin": "+margin called practically equal",
    "equal at -margin": "−margin called practically equal",
    "equal at +margin, as seen": "+margin, skewed as seen",
    "equal at -margin, as seen": "−margin, skewed as seen",
}
_ERRORS: Mapping[Check, str] = {
    "no difference": "it calls a difference real where there is none",
    "halves of one arm": "it calls the halves of one arm different",
    "interval": "its interval misses the true difference",
    "interval, as seen": "if differences are as lopsided as those seen, its interval misses the "
    "true one",
    "equal at +margin": "it calls a difference of +margin practically equal",
    "equal at -margin": "it calls a difference of −margin practically equal",
    "equal at +margin, as seen": "if differences are as lopsided as those seen, it calls one of "
    "+margin practically equal",
    "equal at -margin, as seen": "if differences are as lopsided as those seen, it calls one of "
    "−margin practically equal",
}
_EDGES: tuple[Check, ...] = ("equal at +margin", "equal at -margin")
_EDGES_AS_SEEN: tuple[Check, ...] = ("equal at +margin, as seen", "equal at -margin, as seen")


def share_words(share: float) -> str:
    """An error rate: "3.1 %"."""
    return f"{number(100 * share, 1)} %"


def rate_words(rate: Rate) -> str:
    """An error rate with its Monte Carlo interval: "3.1 % (2.4 to 4.0 %)"."""
    ends = rate.interval()
    low, high = number(100 * ends.low, 1), number(100 * ends.high, 1)
    return f"{share_words(rate.share)} ({low} to {high} %)"


def summary(calibration: Calibration) -> list[str]:
    """What was found, most important first: a verdict on the procedure, then its rates."""
    tested = [one for one in calibration.claims if one.rates]
    untried = [
        stopped(f"{one.claim.id}: {_why_untried(one)}")
        for one in calibration.claims
        if not one.has_spread
    ]
    if not any(rate.errors for one in tested for rate in one.rates.values()):
        return [
            "No decision was ever wrong: with so few replicates hardly any can be reached.",
            *untried,
        ]
    return [*_faults(calibration), _family(calibration), *_spans(tested, calibration), *untried]


def _faults(calibration: Calibration) -> Iterator[str]:
    if not calibration.has_faults:
        yield "No claim's procedure errs more than it may on this study's own values."
        return
    if calibration.family.is_fault:
        yield (
            "The study as a whole errs more than it may: some claim is called real without a "
            f"difference in {rate_words(calibration.family)} of studies."
        )
    for one in calibration.claims:
        for check in one.faults:
            yield fault_sentence(one, check, calibration.alpha)


def fault_sentence(one: ClaimCalibration, check: Check, alpha: float) -> str:
    """That a claim's procedure errs more than it may, and what to do."""
    rate = one.rates[check]
    allowed = percent(rate.allowed)
    limit = (
        f"{percent(alpha)} is meant, up to {allowed} would still count as robust"
        if rate.allowed > alpha
        else f"at most {allowed} is allowed"
    )
    advice = (
        " Read it with care: more replicates, or a measure with shorter tails, would help."
        if rate.allowed > alpha
        else ""
    )
    return (
        f"{one.claim.id} errs: {_ERRORS[check]} in {rate_words(rate)} of studies; {limit}.{advice}"
    )


def _family(calibration: Calibration) -> str:
    rate = calibration.family
    return (
        "When there is no difference at all, some claim of the study was called real in "
        f"{rate_words(rate)} of {rate.of:,} relabeled studies "
        f"(at most {percent(rate.allowed)} allowed)."
    )


def claim_sentence(one: ClaimCalibration) -> str:
    """How often a claim is called real when there is no difference."""
    rate = one.rates["no difference"]
    return (
        f"When there is no difference, {one.claim.id} was called real in "
        f"{share_words(rate.share)} of {plural(rate.of, 'relabeling')} "
        f"(at most {percent(rate.allowed)} allowed)."
    )


def _spans(tested: Sequence[ClaimCalibration], calibration: Calibration) -> Iterator[str]:
    """The rates of all claims in a sentence a check."""
    alpha = percent(calibration.alpha)
    if worst := _worst(tested, ("no difference",)):
        yield (
            f"Of single claims, the one most often called real without a difference was so in "
            f"{share_words(worst.share)} of {plural(worst.of, 'relabeling')}; Holm's method keeps "
            f"each below the {alpha} of the whole."
        )
    if halves := _worst(tested, ("halves of one arm",)):
        yield (
            f"Between random halves of one arm, a difference was called real in at most "
            f"{share_words(halves.share)} of {plural(halves.of, 'split')} ({alpha} allowed)."
        )
    interval, as_seen = _worst(tested, ("interval",)), _worst(tested, ("interval, as seen",))
    if interval and as_seen:
        yield (
            f"The intervals missed a known difference in at most {share_words(interval.share)} of "
            f"{interval.of:,} studies with symmetric differences, and in at most "
            f"{share_words(as_seen.share)} with differences as lopsided as those seen "
            f"({alpha} meant)."
        )
    edge, edge_as_seen = _worst(tested, _EDGES), _worst(tested, _EDGES_AS_SEEN)
    if edge and edge_as_seen:
        yield (
            f"A difference as large as the margin was called practically equal in at most "
            f"{share_words(edge.share)} of {edge.of:,} studies with symmetric differences, and in "
            f"at most {share_words(edge_as_seen.share)} with differences as lopsided as those seen "
            f"({alpha} allowed)."
        )


def _worst(tested: Sequence[ClaimCalibration], checks: Sequence[Check]) -> Rate | None:
    rates = [one.rates[check] for one in tested for check in checks if check in one.rates]
    return max(rates, key=lambda rate: rate.share, default=None)


def _why_untried(one: ClaimCalibration) -> str:
    if one.verdict.reason is not None:
        return one.verdict.reason
    return "its differences have no spread, so there is nothing to draw other studies from"


def method(calibration: Calibration) -> list[str]:
    """How it was done and what each check can show, a sentence or two each."""
    is_paired = calibration.claims[0].verdict.is_paired
    relabeled = (
        "the two sides were swapped at random within each replicate, alike"
        if is_paired
        else "the trials of both sides were dealt out anew at random, alike"
    )
    drawn = "the differences less their mean" if is_paired else "each side's values less their mean"
    in_theory = (
        "Swaps and random signs make data for which the test keeps its level in theory, whatever "
        "the values: they try the machinery, at this number of replicates and with these ties. "
        "The differences as seen try the assumption of symmetry. But a few values tell little "
        "about tails: ten normal differences make a right interval seem to miss 6 %, at times 8 %. "
        if is_paired
        else "Dealing out makes data for which the test keeps its level in theory, whatever the "
        "values: it tries the machinery. Values drawn for each side by itself also try whether "
        "unequal spread does harm; as seen, whether skewness does. A few values tell little about "
        "tails. "
    )
    notes = [
        "Nothing was trained for this. From the stored values, data were made whose truth is "
        "known, and the whole rule decided on them: sample, test, Holm's method, verdict. "
        f"{calibration.repeats:,} studies of each kind, seed {calibration.seed}. In parentheses "
        "the 95 % Monte Carlo interval (Clopper & Pearson 1934).",
        f"No difference: {relabeled} for all claims on the same arms. Halves of one arm: its "
        "replicates, 8 or more, were split at random and compared as unpaired trials, margins left "
        "aside.",
        f"Known difference: {drawn} were drawn with replacement (Efron 1979) and set around plus "
        "and minus the margin, with random signs (symmetric) or as they were seen.",
        f"{in_theory}So a rate of data as seen is called an error only beyond half more than is "
        "meant, the usual bound of robustness (Bradley 1978).",
        "Called an error is what surely exceeds its bound (99.9 % interval), so that among so many "
        "rates none is by luck.",
    ]
    if calibration.is_sampled:
        notes.append(
            f"Beyond {EXACT_PAIRS} pairs the tests drew {DRAWS} random arrangements here and took "
            "their mirror images too; the verdicts enumerate all of up to 20 pairs."
        )
    return notes


def table_lines(calibration: Calibration) -> Iterator[str]:
    """Every claim with its rates, for a terminal."""
    width = max(map(len, TITLES.values()))
    yield f"Error rates where the truth is known, {percent(calibration.alpha)} meant:"
    yield ""
    for one in calibration.claims:
        yield f"{one.claim.id} ({sample_words(one.verdict)})"
        if not one.has_spread:
            yield f"  {_why_untried(one)}"
        for check in CHECKS:
            if (rate := one.rates.get(check)) is not None:
                mark = "  ERRS" if rate.is_fault else ""
                yield f"  {TITLES[check]:<{width}}  {rate_words(rate):<22}{mark}".rstrip()
        yield ""


def document(calibration: Calibration) -> dict[str, Any]:
    """All rates, for other programs."""
    return {
        "alpha": calibration.alpha,
        "repeats": calibration.repeats,
        "seed": calibration.seed,
        "arrangements_sampled": calibration.is_sampled,
        "errs": calibration.has_faults,
        "summary": summary(calibration),
        "family": _rate(calibration.family),
        "claims": [
            {
                "id": one.claim.id,
                "n": one.verdict.n,
                "paired": one.verdict.is_paired,
                "reason": None if one.has_spread else _why_untried(one),
                "errs_in": list(one.faults),
                "checks": {check: _rate(rate) for check, rate in one.rates.items()},
            }
            for one in calibration.claims
        ],
    }


def _rate(rate: Rate) -> dict[str, Any]:
    ends = rate.interval()
    return {
        "errors": rate.errors,
        "of": rate.of,
        "rate": rate.share,
        "interval": [ends.low, ends.high],
        "allowed": rate.allowed,
        "errs": rate.is_fault,
    }
