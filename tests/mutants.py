"""Do the tests notice a changed sign? The share of mutants that they kill, on a random sample.

``python -m tests.mutants`` after mutmut has made the mutants; ``nox -s mutation`` does both. All of
them, over ten thousand, take two hours on two cores; a sample tells the share to a few points.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from scipy.stats import binomtest

LEAST_KILLED = 0.85
MUTANTS = Path("mutants")
KILLED = {"killed", "timeout", "segfault"}


def exit_codes() -> dict[str, int | None]:
    """Each mutant's name with how its tests ended; None if they did not run yet."""
    codes: dict[str, int | None] = {}
    for kept in sorted(MUTANTS.rglob("*.py.meta")):
        codes |= json.loads(kept.read_text("utf-8"))["exit_code_by_key"]
    return codes


def outcomes(names: list[str]) -> dict[str, str]:
    """What became of mutants, in mutmut's words: "killed", "survived", "no tests"."""
    from mutmut.stats import status_by_exit_code

    codes = exit_codes()
    return {name: status_by_exit_code[codes[name]] for name in names}


def main() -> int:
    """Draw mutants, let mutmut test them, and say which share was killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=400, help="mutants to draw")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    asked = parser.parse_args()
    every = sorted(exit_codes())
    names = random.Random(asked.seed).sample(every, min(asked.sample, len(every)))
    subprocess.run([sys.executable, "-m", "mutmut", "run", *names], check=True)
    found = outcomes(names)
    for name in sorted(name for name in names if found[name] not in KILLED):
        print(f"{found[name]}: mutmut show {name}")
    killed = sum(outcome in KILLED for outcome in found.values())
    low, high = binomtest(killed, len(names)).proportion_ci(method="exact")
    print(
        f"{killed} of {len(names)} mutants killed, drawn from {len(every):,}: "
        f"{killed / len(names):.1%} (95 % interval {low:.1%} to {high:.1%}); "
        f"{dict(Counter(found.values()))}"
    )
    return int(killed < LEAST_KILLED * len(names))


if __name__ == "__main__":
    sys.exit(main())
