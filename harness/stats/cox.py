"""The hazard ratio of two arms: Cox's proportional hazards with the arm as the one covariate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special, stats

from harness.stats.results import Estimate, Interval, TestResult
from harness.stats.samples import FloatArray
from harness.stats.survival import CensoredTimes

Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class CoxResult:
    """A fitted hazard ratio of the first arm against the second.

    Attributes:
        log_hazard_ratio: Log of the hazard ratio with its normal interval; above 0 where the first
            arm reaches the target faster; NaN with a reason where it cannot be estimated.
        hazard_ratio: The same on the ratio's scale.
        se: Standard error of the log hazard ratio.
        wald: Wald test, statistic z.
        likelihood_ratio: Likelihood-ratio test, chi-squared on 1 degree of freedom.
        score: Score test, likewise.
    """

    log_hazard_ratio: Estimate
    hazard_ratio: Estimate
    se: float
    wald: TestResult
    likelihood_ratio: TestResult
    score: TestResult


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """One entry an event: how many runs of each arm it was drawn from; events of the first arm."""

    first: FloatArray
    second: FloatArray
    events_first: int

    def expected(self, beta: float) -> FloatArray:
        """Probability that each event falls in the first arm."""
        with np.errstate(divide="ignore"):  # log(0) = -inf: that arm cannot have the event
            odds = np.log(self.first) - np.log(self.second)
        return np.asarray(special.expit(beta + odds))

    def gradient(self, beta: float) -> float:
        return self.events_first - float(self.expected(beta).sum())

    def information(self, beta: float) -> float:
        share = self.expected(beta)
        return float(np.sum(share * (1 - share)))

    def log_likelihood(self, beta: float) -> float:
        total = self.first * math.exp(beta) + self.second
        return beta * self.events_first - float(np.log(total).sum())


def cox_hazard_ratio(
    a: CensoredTimes, b: CensoredTimes, *, ties: Ties = "efron", level: float = 0.95
) -> CoxResult:
    """Fit the hazard ratio of arm ``a`` against arm ``b`` (Cox 1972).

    Args:
        a: Runs of the first arm.
        b: Runs of the second arm.
        ties: How tied events share their risk set: Efron (1977) or Breslow (1974).
        level: Confidence level of the Wald interval.

    Returns:
        Ratio and tests; all NaN with a reason where the likelihood has no maximum: no events, or
        one arm always ahead of the other.
    """
    terms = _terms(a, b, ties)
    method = f"Cox regression, {ties.capitalize()} ties"
    reason = _why_no_maximum(terms)
    if reason is not None:
        return _undefined(method, level, reason)
    beta = _maximum(terms)
    se = 1 / math.sqrt(terms.information(beta))
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    low, high = beta - half, beta + half
    ratio = 2 * (terms.log_likelihood(beta) - terms.log_likelihood(0.0))
    score = terms.gradient(0.0) ** 2 / terms.information(0.0)
    return CoxResult(
        Estimate(beta, Interval(low, high, level), method),
        Estimate(math.exp(beta), Interval(math.exp(low), math.exp(high), level), method),
        se,
        TestResult(beta / se, 2 * float(stats.norm.sf(abs(beta / se))), f"Wald test, {method}"),
        _chi_squared(ratio, f"likelihood-ratio test, {method}"),
        _chi_squared(score, f"score test, {method}"),
    )


def _terms(a: CensoredTimes, b: CensoredTimes, ties: Ties) -> _Terms:
    """Efron takes the l-th of d tied events from a risk set that has lost l/d of the tied runs."""
    first: list[float] = []
    second: list[float] = []
    for time in np.unique(np.concatenate([a.time[a.event], b.time[b.event]])):
        gone_a, gone_b = (int(np.sum(arm.event & (arm.time == time))) for arm in (a, b))
        risk_a, risk_b = (int(np.sum(arm.time >= time)) for arm in (a, b))
        gone = gone_a + gone_b
        for lost in range(gone):
            share = lost / gone if ties == "efron" else 0.0
            first.append(risk_a - share * gone_a)
            second.append(risk_b - share * gone_b)
    return _Terms(np.array(first), np.array(second), a.reached)


def _why_no_maximum(terms: _Terms) -> str | None:
    """The gradient falls with beta: it must be positive at -inf and negative at +inf."""
    if terms.first.size == 0:
        return "not estimable: no run reached the target"
    at_minus_infinity = terms.events_first - int(np.sum(terms.second == 0))
    at_plus_infinity = terms.events_first - int(np.sum(terms.first > 0))
    if at_minus_infinity <= 0 or at_plus_infinity >= 0:
        return "not estimable: wherever both arms were waiting, events came from one arm only"
    return None


def _maximum(terms: _Terms) -> float:
    """Root of the gradient, inside a bracket that grows until it holds it."""
    edge = 1.0
    while terms.gradient(-edge) < 0 or terms.gradient(edge) > 0:
        edge *= 2
    return float(optimize.brentq(terms.gradient, -edge, edge, xtol=1e-14))


def _chi_squared(statistic: float, method: str) -> TestResult:
    statistic = max(statistic, 0.0)  # at beta = 0 the ratio may round to -1e-16
    return TestResult(statistic, float(stats.chi2.sf(statistic, 1)), method, df=1)


def _undefined(method: str, level: float, reason: str) -> CoxResult:
    estimate = Estimate(math.nan, Interval(math.nan, math.nan, level, reason), method, reason)
    test = TestResult(math.nan, math.nan, method, reason=reason)
    return CoxResult(estimate, estimate, math.nan, test, test, test)
