"""Statistical benchmarking of training runs: what is real, what is noise, what nobody can tell.

    import harness

    study = harness.load("studies/convergence.toml")
    results = study.run()
    print(results.answer())

See `harness.api` for what there is. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import Comparison, Study, StudyPlan, StudyResults, analyze, compare, load
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


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness import api  # noqa: PLC0415 - the command line must not pay for pandas

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
