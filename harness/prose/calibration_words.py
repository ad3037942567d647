"""Prose about calibration: how often a study's decisions err where the truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.analyses.calibration import (
    CHECKS,
    EXACT_PAIRS,
    Calibration,
    Check,
    ClaimCalibration,
    Rate,
)
from harness.language import N_, _
from harness.prose.words import sample_words, stopped
from harness.quantities import joined, number, percent, plural, with_ends, with_percent

TITLES: Mapping[Check, str] = {
    "no difference": N_("no difference, called real"),
    "halves of one arm": N_("halves of one arm, called different"),
    "interval": N_("interval misses the truth"),
    "interval, as seen": N_("the same, skewed as seen"),
    "equal at +margin": N_("+margin called practically equal"),
    "equal at -margin": N_("−margin called practically equal"),
    "equal at +margin, as seen": N_("+margin, skewed as seen"),
    "equal at -margin, as seen": N_("−margin, skewed as seen"),
}
_ERRORS: Mapping[Check, str] = {
    "no difference": N_("it calls a difference real where there is none in {rate} of studies"),
    "halves of one arm": N_("it calls the halves of one arm different in {rate} of studies"),
    "interval": N_("its interval misses the true difference in {rate} of studies"),
    "interval, as seen": N_(
        "if differences are as lopsided as those seen, its interval misses the true one in {rate} "
        "of studies"
    ),
    "equal at +margin": N_(
        "it calls a difference of +margin practically equal in {rate} of studies"
    ),
    "equal at -margin": N_(
        "it calls a difference of −margin practically equal in {rate} of studies"
    ),
    "equal at +margin, as seen": N_(
        "if differences are as lopsided as those seen, it calls one of +margin practically equal "
        "in {rate} of studies"
    ),
    "equal at -margin, as seen": N_(
        "if differences are as lopsided as those seen, it calls one of −margin practically equal "
        "in {rate} of studies"
    ),
}
_EDGES: tuple[Check, ...] = ("equal at +margin", "equal at -margin")
_EDGES_AS_SEEN: tuple[Check, ...] = ("equal at +margin, as seen", "equal at -margin, as seen")


def share_words(share: float) -> str:
    """An error rate: "3.1 %"."""
    return with_percent(number(100 * share, 1))


def rate_words(rate: Rate) -> str:
    """An error rate with its Monte Carlo interval: "3.1 % (2.4 to 4.0 %)"."""
    ends = rate.interval()
    return with_ends(share_words(rate.share), number(100 * ends.low, 1), share_words(ends.high))


def summary(calibration: Calibration) -> list[str]:
    """What was found, most important first: a verdict on the procedure, then its rates."""
    tested = [one for one in calibration.claims if one.rates]
    untried = [
        stopped(_("{claim}: {why}").format(claim=one.claim.id, why=_why_untried(one)))
        for one in calibration.claims
        if not one.has_spread
    ]
    if not any(rate.errors for one in tested for rate in one.rates.values()):
        return [
            _("No decision was ever wrong: with so few replicates hardly any can be reached."),
            *untried,
        ]
    return [*_faults(calibration), _family(calibration), *_spans(tested, calibration), *untried]


def _faults(calibration: Calibration) -> Iterator[str]:
    if not calibration.has_faults:
        yield _("No claim's procedure errs more than it may on this study's own values.")
        return
    if calibration.family.is_fault:
        yield _(
            "The study as a whole errs more than it may: some claim is called real without a "
            "difference in {rate} of studies."
        ).format(rate=rate_words(calibration.family))
    for one in calibration.claims:
        for check in one.faults:
            yield fault_sentence(one, check, calibration.alpha)


def fault_sentence(one: ClaimCalibration, check: Check, alpha: float) -> str:
    """That a claim's procedure errs more than it may, and what to do."""
    rate = one.rates[check]
    error = _(_ERRORS[check]).format(rate=rate_words(rate))
    parts = {"claim": one.claim.id, "error": error, "allowed": percent(rate.allowed)}
    if rate.allowed <= alpha:
        return _("{claim} errs: {error}; at most {allowed} is allowed.").format(**parts)
    told = _(
        "{claim} errs: {error}; {meant} is meant, up to {allowed} would still count as robust."
    ).format(**parts, meant=percent(alpha))
    advice = _("Read it with care: more replicates, or a measure with shorter tails, would help.")
    return joined([told, advice])


def _family(calibration: Calibration) -> str:
    rate = calibration.family
    return _(
        "When there is no difference at all, some claim of the study was called real in {rate} of "
        "{n} relabeled studies (at most {allowed} allowed)."
    ).format(rate=rate_words(rate), n=f"{rate.of:,}", allowed=percent(rate.allowed))


def claim_sentence(one: ClaimCalibration) -> str:
    """How often a claim is called real when there is no difference."""
    rate = one.rates["no difference"]
    return _(
        "When there is no difference, {claim} was called real in {share} of {relabelings} (at most "
        "{allowed} allowed)."
    ).format(
        claim=one.claim.id,
        share=share_words(rate.share),
        relabelings=plural(rate.of, "relabeling"),
        allowed=percent(rate.allowed),
    )


def _spans(tested: Sequence[ClaimCalibration], calibration: Calibration) -> Iterator[str]:
    """The rates of all claims in a sentence a check."""
    alpha = percent(calibration.alpha)
    if worst := _worst(tested, ("no difference",)):
        yield _(
            "Of single claims, the one most often called real without a difference was so in "
            "{share} of {relabelings}; Holm's method keeps each below the {alpha} of the whole."
        ).format(
            share=share_words(worst.share), relabelings=plural(worst.of, "relabeling"), alpha=alpha
        )
    if halves := _worst(tested, ("halves of one arm",)):
        template = N_(
            "Between random halves of one arm, a difference was called real in at most {share} of "
            "{splits} ({alpha} allowed)."
        )
        if not halves.errors:
            template = N_(
                "Between random halves of one arm, a difference was called real in none of "
                "{splits} ({alpha} allowed)."
            )
        yield _(template).format(
            share=share_words(halves.share), splits=plural(halves.of, "split"), alpha=alpha
        )
    yield from _wholes(tested)
    interval, as_seen = _worst(tested, ("interval",)), _worst(tested, ("interval, as seen",))
    if interval and as_seen:
        yield _(
            "The intervals missed a known difference in at most {share} of {n} studies with "
            "symmetric differences, and in at most {share_as_seen} with differences as lopsided as "
            "those seen ({alpha} meant)."
        ).format(**_both(interval, as_seen), alpha=alpha)
    edge, edge_as_seen = _worst(tested, _EDGES), _worst(tested, _EDGES_AS_SEEN)
    if edge and edge_as_seen:
        yield _(
            "A difference as large as the margin was called practically equal in at most {share} "
            "of {n} studies with symmetric differences, and in at most {share_as_seen} with "
            "differences as lopsided as those seen ({alpha} allowed)."
        ).format(**_both(edge, edge_as_seen), alpha=alpha)


def _wholes(tested: Sequence[ClaimCalibration]) -> Iterator[str]:
    """For how many claims no halves were compared, a sentence a reason."""
    for why, claims in Counter(one.whole for one in tested if one.whole is not None).items():
        yield stopped(
            _("Halves of one arm were not compared for {claims}: {why}").format(
                claims=plural(claims, "claim"), why=_(why)
            )
        )


def _both(symmetric: Rate, as_seen: Rate) -> dict[str, str]:
    return {
        "share": share_words(symmetric.share),
        "share_as_seen": share_words(as_seen.share),
        "n": f"{symmetric.of:,}",
    }


def _worst(tested: Sequence[ClaimCalibration], checks: Sequence[Check]) -> Rate | None:
    rates = [one.rates[check] for one in tested for check in checks if check in one.rates]
    return max(rates, key=lambda rate: rate.share, default=None)


def _why_untried(one: ClaimCalibration) -> str:
    if one.verdict.reason is not None:
        return _(one.verdict.reason)
    return _("its differences have no spread, so there is nothing to draw other studies from")


def method(calibration: Calibration) -> list[str]:
    """How it was done and what each check can show, a sentence or two each."""
    way = _PAIRED if calibration.claims[0].verdict.is_paired else _UNPAIRED
    notes = [
        _(
            "Nothing was trained for this. From the stored values, data were made whose truth is "
            "known, and the whole rule decided on them: sample, test, Holm's method, verdict. "
            "{repeats} studies of each kind, seed {seed}. In parentheses the 95 % Monte Carlo "
            "interval (Clopper & Pearson 1934)."
        ).format(repeats=f"{calibration.repeats:,}", seed=calibration.seed),
        *map(_, way),
        _(
            "Called an error is what surely exceeds its bound (99.9 % interval), so that among so "
            "many rates none is by luck."
        ),
    ]
    if calibration.is_sampled:
        notes.append(
            _(
                "Beyond {pairs} pairs the tests drew {draws} random arrangements here and took "
                "their mirror images too; the verdicts enumerate all of up to 20 pairs."
            ).format(pairs=EXACT_PAIRS, draws=f"{calibration.draws:,}")
        )
    return notes


_PAIRED = (
    N_(
        "No difference: the two sides were swapped at random within each replicate, alike for all "
        "claims on the same arms. Halves of one arm: its replicates, 8 or more, were split at "
        "random and compared as unpaired trials, margins left aside."
    ),
    N_(
        "Known difference: the differences less their mean were drawn with replacement (Efron "
        "1979) and set around plus and minus the margin, with random signs (symmetric) or as they "
        "were seen."
    ),
    N_(
        "Swaps and random signs make data for which the test keeps its level in theory, whatever "
        "the values: they try the machinery, at this number of replicates and with these ties. "
        "The differences as seen try the assumption of symmetry. But a few values tell little "
        "about tails: ten normal differences make a right interval seem to miss 6 %, at times 8 %. "
        "So a rate of data as seen is called an error only beyond half more than is meant, the "
        "usual bound of robustness (Bradley 1978)."
    ),
)
_UNPAIRED = (
    N_(
        "No difference: the trials of both sides were dealt out anew at random, alike for all "
        "claims on the same arms. Halves of one arm: its replicates, 8 or more, were split at "
        "random and compared as unpaired trials, margins left aside."
    ),
    N_(
        "Known difference: each side's values less their mean were drawn with replacement (Efron "
        "1979) and set around plus and minus the margin, with random signs (symmetric) or as they "
        "were seen."
    ),
    N_(
        "Dealing out makes data for which the test keeps its level in theory, whatever the values: "
        "it tries the machinery. Values drawn for each side by itself also try whether unequal "
        "spread does harm; as seen, whether skewness does. A few values tell little about tails. "
        "So a rate of data as seen is called an error only beyond half more than is meant, the "
        "usual bound of robustness (Bradley 1978)."
    ),
)


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
                "halves_reason": None if one.whole is None else _(one.whole),
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
