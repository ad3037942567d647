"""What cannot be computed from is refused by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import (
    bootstrap,
    classical,
    curve_tests,
    curves,
    effects,
    equivalence,
    factorial,
    logrank,
    many_arms,
    multiplicity,
    paired,
    planning,
    power,
    rank_intervals,
    relabelings,
    sequential,
    spread,
    stochastic_order,
    survival,
    unpaired,
    variance,
)
from harness.stats.survival import CensoredTimes
from tests.stats.odd_samples import FEW, LATE, NAN, ONE, SAME, SOON


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda: classical.paired_t(NAN),
            "differences holds nan at position 0: drop or impute missing values before calling",
        ),
        (lambda: classical.paired_t_interval(NAN), "differences holds nan"),
        (lambda: classical.welch_t(NAN, FEW), "a holds nan"),
        (lambda: classical.welch_t(FEW, NAN), "b holds nan"),
        (lambda: classical.welch_t_interval(NAN, FEW), "a holds nan"),
        (lambda: classical.welch_t_interval(FEW, NAN), "b holds nan"),
        (lambda: classical.wilcoxon_signed_rank(NAN), "differences holds nan"),
        (lambda: classical.sign_test(NAN), "differences holds nan"),
        (lambda: classical.mann_whitney(NAN, FEW), "a holds nan"),
        (lambda: classical.mann_whitney(FEW, NAN), "b holds nan"),
        (lambda: classical.brunner_munzel(NAN, FEW), "a holds nan"),
        (lambda: classical.brunner_munzel(FEW, NAN), "b holds nan"),
        (lambda: classical.normality(NAN), "values holds nan"),
        (
            lambda: classical.normality([[1.0]]),
            "values must be one-dimensional, not of shape (1, 1)",
        ),
        (
            lambda: classical.sign_test(FEW, alternative="more"),  # type: ignore[arg-type]
            "alternative must be 'two-sided', 'less' or 'greater', got 'more'",
        ),
        (
            lambda: classical.paired_t_interval(FEW, level=1.0),
            "level must be between 0 and 1, got 1.0",
        ),
        (lambda: paired.sign_flips(NAN), "differences holds nan"),
        (lambda: paired.sign_flips(FEW, draws=0), "draws must be at least 1, got 0"),
        (lambda: list(paired.sign_flips_of_each([FEW], draws=0)), "draws must be at least 1"),
        (lambda: list(paired.sign_flips_of_each([NAN])), "differences holds nan"),
        (lambda: list(paired.sign_flips_of_each([ONE, FEW])), "samples must be of one size"),
        (
            lambda: equivalence.sign_flip_tost(FEW, 0.0),
            "the margin of equivalence must be above 0, got 0.0",
        ),
        (
            lambda: equivalence.permutation_tost(FEW, FEW, -1.0),
            "the margin of equivalence must be above 0, got -1.0",
        ),
        (lambda: equivalence.permutation_tost(NAN, FEW, 1.0), "a holds nan"),
        (lambda: equivalence.permutation_tost(FEW, NAN, 1.0), "b holds nan"),
        (
            lambda: equivalence.paired_t_tost(FEW, 1.0, 1.0),
            "the lower margin must be below the upper one, got 1.0 and 1.0",
        ),
        (lambda: unpaired.permutation_test(NAN, FEW), "a holds nan"),
        (lambda: unpaired.permutation_test(FEW, NAN), "b holds nan"),
        (lambda: unpaired.permutation_interval(NAN, FEW), "a holds nan"),
        (lambda: unpaired.permutation_interval(FEW, NAN), "b holds nan"),
        (lambda: effects.cohen_d(NAN, FEW), "a holds nan"),
        (lambda: effects.cohen_d(FEW, NAN), "b holds nan"),
        (lambda: effects.cohen_dz(NAN), "differences holds nan"),
        (lambda: effects.cliffs_delta(NAN, FEW), "a holds nan"),
        (lambda: effects.cliffs_delta(FEW, NAN), "b holds nan"),
        (lambda: effects.probability_of_superiority(NAN, FEW), "a holds nan"),
        (lambda: effects.probability_of_superiority(FEW, NAN), "b holds nan"),
        (lambda: effects.paired_superiority(NAN), "differences holds nan"),
        (lambda: effects.rank_biserial(NAN), "differences holds nan"),
        (lambda: rank_intervals.pseudomedian(NAN), "differences holds nan"),
        (lambda: rank_intervals.rank_shift(NAN, FEW), "a holds nan"),
        (lambda: rank_intervals.rank_shift(FEW, NAN), "b holds nan"),
        (
            lambda: bootstrap.bootstrap([]),
            "cannot estimate the centre of an empty sample",
        ),
        (
            lambda: bootstrap.iqm_over_tasks(FEW),
            "scores must be finite scores of shape (runs, tasks), not (3,)",
        ),
        (
            lambda: bootstrap.probability_of_improvement(FEW, [FEW]),
            "x must be finite scores of shape (runs, tasks), not (3,)",
        ),
        (
            lambda: bootstrap.probability_of_improvement([FEW], NAN),
            "y must be finite scores of shape (runs, tasks), not (1,)",
        ),
        (
            lambda: bootstrap.probability_of_improvement([FEW], [ONE]),
            "x has 3 tasks and y 1: give the same",
        ),
        (lambda: stochastic_order.violation_ratio([], FEW), "a is empty"),
        (lambda: stochastic_order.violation_ratio(FEW, []), "b is empty"),
        (lambda: stochastic_order.stochastic_orders(NAN, FEW), "a holds nan"),
        (lambda: stochastic_order.stochastic_orders(FEW, NAN), "b holds nan"),
        (
            lambda: list(stochastic_order.stochastic_orders_of_pairs([FEW, NAN])),
            "an arm holds nan",
        ),
        (
            lambda: list(stochastic_order.stochastic_orders_of_pairs([FEW, ONE])),
            "arms must be of one size",
        ),
        (
            lambda: spread.variance_ratio([[math.nan]], [ONE]),
            "above must be finite values of shape (replicates, columns), not (1, 1)",
        ),
        (
            lambda: spread.variance_ratio([ONE], ONE),
            "below must be finite values of shape (replicates, columns), not (1,)",
        ),
        (
            lambda: variance.one_way([FEW]),
            "y must be a table of 2 or more rows and 2 or more columns, not (1, 3)",
        ),
        (
            lambda: variance.crossed([[1.0, 2.0], [3.0, math.nan]]),
            "y holds NaN or infinity: a balanced design needs every cell",
        ),
        (
            lambda: factorial.factorial([FEW]),
            "y must be finite values of shape (blocks, rows, columns), not (1, 3)",
        ),
        (
            lambda: many_arms.mean_ranks([FEW]),
            "scores must have shape (blocks, arms) with 2 or more of each, not (1, 3)",
        ),
        (
            lambda: many_arms.mean_ranks([[1.0, 2.0], [3.0, math.nan]]),
            "scores hold NaN or infinity: leave out the blocks that are incomplete",
        ),
        (
            lambda: many_arms.dunn([FEW, []]),
            "give 2 groups or more with at least one value each",
        ),
        (lambda: many_arms.kruskal_wallis([FEW, NAN]), "group 1 holds nan"),
        (
            lambda: logrank.log_rank([SOON]),
            "a log-rank test compares two arms or more, not 1",
        ),
        (
            lambda: logrank.log_rank([SOON, LATE], weights="none"),  # type: ignore[arg-type]
            "unknown weights 'none'; choose one of log-rank, fleming-harrington, gehan, "
            "tarone-ware, peto-peto",
        ),
        (
            lambda: CensoredTimes(np.array(FEW), np.ones(2, dtype=bool)),
            "time and event must be one-dimensional and equally long, not of shapes (3,) and (2,)",
        ),
        (
            lambda: CensoredTimes(np.array([]), np.array([], dtype=bool)),
            "an arm needs at least one run, but time is empty",
        ),
        (
            lambda: CensoredTimes(np.array([-1.0]), np.ones(1, dtype=bool)),
            "times must be finite and >= 0; give a run that never reached the target its budget "
            "as time and event = False",
        ),
        (lambda: survival.rmst(SOON, 0.0), "the horizon tau must be > 0, not 0.0"),
        (
            lambda: curve_tests.check_curves(FEW, [FEW], paired=False),
            "the first arm must have shape (runs, epochs), not (3,)",
        ),
        (
            lambda: curve_tests.check_curves([FEW], FEW, paired=False),
            "the second arm must have shape (runs, epochs), not (3,)",
        ),
        (
            lambda: curve_tests.check_curves([NAN], [ONE], paired=False),
            "the first arm has values that are not finite; a band needs all runs at all epochs: "
            "cut the curves where the first run diverges",
        ),
        (
            lambda: curve_tests.check_curves([FEW], [ONE], paired=False),
            "the arms have 3 and 1 epochs; keep the common ones",
        ),
        (
            lambda: curve_tests.check_curves([ONE, ONE], [ONE], paired=True),
            "paired arms need equally many runs, not 2 and 1",
        ),
        (
            lambda: sequential.group_sequential([0.5, 0.5], "obf"),
            "information must ascend within (0, 1], not [0.5, 0.5]",
        ),
        (
            lambda: sequential.group_sequential([1.0], "obf", alpha=0.0),
            "alpha must be between 0 and 1, not 0.0",
        ),
        (
            lambda: sequential.confidence_sequence(FEW, sigma=0.0),
            "sigma and rho2 must be > 0, not 0.0 and 0.1",
        ),
        (
            lambda: sequential.confidence_sequence(NAN, sigma=1.0),
            "differences holds nan",
        ),
        (
            lambda: sequential.sign_e_process([0.5]),
            "wins must be 0 or 1; leave tied pairs out",
        ),
        (lambda: sequential.sign_e_process(NAN), "wins holds nan"),
        (lambda: planning.replicates_needed(NAN, 1.0), "differences holds nan"),
        (lambda: planning.replicates_needed_for_equivalence(NAN, 1.0), "differences holds nan"),
        (lambda: planning.replicates_needed_unpaired(NAN, FEW, 1.0), "a holds nan"),
        (lambda: planning.replicates_needed_unpaired(FEW, NAN, 1.0), "b holds nan"),
        (
            lambda: planning.replicates_needed_unpaired(FEW, FEW, -1.0),
            "margin must not be negative, got -1.0",
        ),
        (
            lambda: planning.replicates_needed(FEW, -1.0),
            "margin must not be negative, got -1.0",
        ),
        (lambda: planning.smallest_p(-1), "the number of pairs must not be negative, got -1"),
        (lambda: planning.smallest_p_unpaired(0, 2), "both arms need values, got 0 and 2"),
        (
            lambda: planning.least_pairs(0),
            "need claims >= 1 and 0 < alpha < 1, got 0 and 0.05",
        ),
        (
            lambda: planning.t_sample_size(0.0),
            "need d != 0 and alpha < power < 1, got d=0.0 and power=0.8",
        ),
        (
            lambda: planning.logrank_events(1.0),
            "the hazard ratio must be above 0 and not 1, got 1.0",
        ),
        (
            lambda: planning.t_power(5, 1.0, alternative="more"),  # type: ignore[arg-type]
            "alternative must be 'two-sided', 'less' or 'greater', got 'more'",
        ),
        (lambda: power.sign_flip_power(NAN, 5, 0.05, effect=1.0), "pilot holds nan"),
        (lambda: power.simulated_replicates(NAN, 0.05, effect=1.0), "pilot holds nan"),
        (lambda: relabelings.relabelings([], FEW), "both arms need values, got 0 and 3"),
        (lambda: relabelings.relabelings(FEW, FEW, draws=0), "draws must be at least 1, got 0"),
        (lambda: relabelings.relabelings(NAN, FEW), "a holds nan"),
        (lambda: relabelings.relabelings(FEW, NAN), "b holds nan"),
        (lambda: multiplicity.adjust([[0.5]]), "p must be one-dimensional with values in [0, 1]"),
        (lambda: multiplicity.adjust([1.5]), "p must be one-dimensional with values in [0, 1]"),
        (
            lambda: multiplicity.adjust([0.5], "none"),  # type: ignore[arg-type]
            "method must be one of holm, hochberg, hommel, bonferroni, bh, by, got 'none'",
        ),
        (
            lambda: multiplicity.adjust([0.5, 0.5], family_size=1),
            "family_size is 1, but 2 p values were given",
        ),
        (
            lambda: curves.final_value(FEW, ONE),
            "a curve needs epoch and value of one shape (e,) with e >= 1, not (3,) and (1,)",
        ),
        (
            lambda: curves.final_value([2.0, 1.0], SAME),
            "the epochs of a curve must ascend without repeats; sort them first",
        ),
        (
            lambda: curves.first_reach(FEW, FEW, 1.0, sustain=0),
            "sustain counts evaluations and must be >= 1, not 0",
        ),
        (
            lambda: curves.seconds_to_reach(FEW, ONE, 1.0),
            "seconds and value differ in shape: (3,) and (1,)",
        ),
    ],
)
def test_an_error_names_what_was_given(call: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        call()
