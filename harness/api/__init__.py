"""Studies from Python: load one, run it, and get its results as tables.

    import harness

    study = harness.load("studies/convergence.toml", profile="smoke")
    results = study.run(jobs=2)      # trains what is missing; the next call trains nothing
    results.verdicts()               # a DataFrame, one row a claim
    print(results.answer())

The same study file, store, decision and report as on the command line: what one has trained, the
other finds. Mistakes in a file raise `harness.UserError` with the text that the command prints.
"""

from __future__ import annotations

from harness.api.elsewhere import Comparison, analyze, compare
from harness.api.results import StudyResults
from harness.api.study import Study, StudyPlan, load
from harness.errors import UserError

__all__ = [
    "Comparison",
    "Study",
    "StudyPlan",
    "StudyResults",
    "UserError",
    "analyze",
    "compare",
    "load",
]
