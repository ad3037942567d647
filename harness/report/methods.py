"""The methods in plain words, each with where it comes from; only those the study made use of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.language import N_, _
from harness.quantities import percent
from harness.stats.paired import EXACT_UP_TO
from harness.verdicts import Verdict


@dataclass(frozen=True)
class Method:
    """A method that the report used.

    Attributes:
        key: Its anchor in the page.
        name: What it is called.
        text: What it does, in plain words.
        source: Author and year.
    """

    key: str
    name: str
    text: str
    source: str


def methods_of(verdicts: Sequence[Verdict]) -> list[Method]:
    """The methods behind these verdicts and the report's figures."""
    tested = [verdict for verdict in verdicts if verdict.reason is None]
    chosen = [_CURVES]
    compared = [comparison_method(verdict) for verdict in tested]
    chosen += [one for one in (_PAIRED, _AGAINST_A_NUMBER) if one in compared]
    if any(verdict.is_paired for verdict in tested):
        chosen.append(_sign_flip(tested))
    if _UNPAIRED in compared:
        chosen.append(_UNPAIRED)
    if tested:
        chosen += [_INTERVAL, _HOLM, _EQUIVALENCE]
    if any(verdict.claim.statistic == "spread" for verdict in tested):
        chosen.append(_SPREAD)
    if any(verdict.claim.measure.can_be_censored for verdict in verdicts):
        chosen += [_KAPLAN_MEIER, _RESTRICTED_MEAN]
    if any(verdict.replicates_needed for verdict in verdicts):
        chosen.append(_PLANNING)
    if tested:
        chosen.append(_SENSITIVITY)
    return [replace(one, name=_(one.name), text=_(one.text)) for one in chosen]


def comparison_method(verdict: Verdict) -> Method:
    """How a verdict's values were set against each other."""
    if verdict.claim.reference is not None:
        return _AGAINST_A_NUMBER
    return _PAIRED if verdict.is_paired else _UNPAIRED


def _sign_flip(verdicts: Sequence[Verdict]) -> Method:
    alpha = percent(verdicts[0].alpha)
    return Method(
        "sign-flip",
        N_("Sign-flip permutation test"),
        _(
            "If the arms did not differ, each pair's difference could as well have had the other "
            "sign. The p value is the share of all sign patterns, beyond {pairs} pairs of many "
            "random ones, whose mean is at least as large as the one seen. A difference counts as "
            "real where the adjusted p is at most {alpha}."
        ).format(alpha=alpha, pairs=EXACT_UP_TO),
        "Fisher 1935; Pitman 1937",
    )


_CURVES = Method(
    "curve-bands",
    N_("Bands around mean curves"),
    N_(
        "The band holds the arm's true mean at all epochs at once with 95 % confidence: Student's "
        "t at each epoch, with its level divided by the number of epochs."
    ),
    "Student 1908; Dunn 1961",
)
_PAIRED = Method(
    "paired",
    N_("Paired comparison"),
    N_(
        "Trials of the same replicate take the same seeds: on the same data they meet the same "
        "images in the same order, wherever these are drawn at random. Each trial is compared with "
        "its partner, and the differences are averaged."
    ),
    "Fisher 1935",
)
_AGAINST_A_NUMBER = Method(
    "number",
    N_("Comparison with a number"),
    N_(
        "Each trial's distance from the number takes the place of a pair's difference. That either "
        "sign is as likely where the mean is the number asks for more here than for pairs: trials "
        "must scatter alike to both sides of their mean."
    ),
    "Fisher 1935",
)
_UNPAIRED = Method(
    "unpaired",
    N_("Studentized permutation test"),
    N_(
        "Trials are dealt out to the two sides in every possible way, or in many random ones; p is "
        "the share of deals whose difference, in standard errors, is at least as large as that "
        "seen."
    ),
    "Neuhaus 1993; Janssen 1997",
)
_INTERVAL = Method(
    "interval",
    N_("Confidence interval"),
    N_(
        "All differences that the deciding test would not reject. So the interval never "
        "contradicts the unadjusted p value."
    ),
    "Hodges & Lehmann 1963; Hartigan 1969",
)
_HOLM = Method(
    "adjusted-p",
    N_("Adjusted p values"),
    N_(
        "With several claims, one of them may look real by luck. Holm's method raises the p values "
        "so that the chance of even one false claim in the whole study stays below the error rate."
    ),
    "Holm 1979",
)
_EQUIVALENCE = Method(
    "equivalence",
    N_("Practically equal"),
    N_(
        "Called so only where the interval lies inside the margin: two one-sided tests. A "
        "difference that was merely not found is called inconclusive, never equal. The error rate "
        "of this finding is that of a single claim, unless equivalence is what the claim expects."
    ),
    "Schuirmann 1987",
)
_SPREAD = Method(
    "spread",
    N_("Spread"),
    N_(
        "How far trials lie from their arm's median, on average. Claims on spread compare these "
        "distances like any other values, which holds its error rate where the classical "
        "comparison of variances does not."
    ),
    "Brown & Forsythe 1974",
)
_KAPLAN_MEIER = Method(
    "times",
    N_("Times that some trials never reach"),
    N_(
        "A trial that did not get there counts as “longer than its budget” and is never dropped. "
        "The curve shows the share of trials that got there by each time."
    ),
    "Kaplan & Meier 1958",
)
_RESTRICTED_MEAN = Method(
    "restricted-mean",
    N_("Restricted mean time"),
    N_("Means of such times are taken up to a stated horizon, so that no unknown time is guessed."),
    "Irwin 1949; Royston & Parmar 2013",
)
_PLANNING = Method(
    "replicates-needed",
    N_("Replicates needed"),
    N_(
        "The number of replicates at which a true difference as large as the margin would be found "
        "in four of five studies, given the spread seen here."
    ),
    "Student 1908; Cohen 1988",
)
_SENSITIVITY = Method(
    "sensitivity",
    N_("Sensitivity tests"),
    N_(
        "Classical tests of the same values stand beside the deciding one. They show whether the "
        "verdict hangs on the choice of test; they never decide."
    ),
    "Student 1908; Wilcoxon 1945; Mantel 1966",
)
