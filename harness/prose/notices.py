"""What a reader must know about a whole study, and what became of its troubled trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from harness.language import _
from harness.measures import SecondsPerEpoch
from harness.prose.verification_words import verification_sentence
from harness.prose.words import sentence
from harness.quantities import listed, plural
from harness.results import Results
from harness.time_measures import SecondsTo


def study_notices(results: Results) -> list[str]:
    """What a reader must know before trusting the verdicts, one sentence or two each."""
    trials, study = results.trials, results.loaded.study
    notices = [sentence(_(notice)) for notice in results.notices]
    diverged = trials[trials["status"] == "diverged"]
    if len(diverged):
        notices.append(
            _(
                "{trials} diverged. No diverged trial is left out of a verdict: it counts as not "
                "reaching its target, and with the last values it had."
            ).format(trials=plural(len(diverged), "trial"))
        )
    threads = sorted({int(count) for count in trials["threads"].dropna()})
    if len(threads) > 1:
        notices.append(
            _(
                "Trials ran with {threads} threads; their last digits may differ for that reason "
                "alone."
            ).format(threads=listed([str(count) for count in threads]))
        )
    timed = any(isinstance(c.measure, SecondsTo | SecondsPerEpoch) for c in study.claims)
    is_shared = study.study.timing == "shared"
    if timed and is_shared and len(set(trials["jobs"].dropna())) > 1:
        notices.append(
            _(
                "Trials were timed beside different numbers of neighbours, so claims on seconds "
                "compare unlike things."
            )
        )
    if results.verification is not None:
        notices.append(verification_sentence(results.verification))
    if not study.study.deterministic and not any(
        "deterministic" in text for text in results.notices
    ):
        notices.append(_("Determinism was switched off: a repeated trial may give another curve."))
    return list(dict.fromkeys(notices))


def trouble_words(trial: Mapping[Any, Any], curves: pd.DataFrame) -> str:
    """What became of a trial that did not end well: "diverged at epoch 3" (case D13)."""
    name = _("{arm}, replicate {replicate}").format(arm=trial["arm"], replicate=trial["replicate"])
    if trial["status"] != "diverged":
        return f"{name}: {_(trial['status'])}"
    own = curves[(curves["arm"] == trial["arm"]) & (curves["replicate"] == trial["replicate"])]
    lost = own.loc[own["loss"].isna(), "epoch"]
    if not len(lost):
        return _("{trial}: diverged").format(trial=name)
    return _("{trial}: diverged at epoch {epoch}").format(trial=name, epoch=lost.min())
