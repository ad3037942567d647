"""``--gate``: exit codes that a pipeline can branch on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from harness.commands import terminal
from harness.commands.results import print_answer, results_document, write_json

if TYPE_CHECKING:
    from harness.results import Results
    from harness.study_file import LoadedStudy

ALL = ""
"""What a bare ``--gate`` stands for."""

Gate = Annotated[
    list[str] | None,
    typer.Option(
        "--gate",
        metavar="[CLAIM]...",
        help="For CI: exit with 3 if one of these claims does not hold, with 4 if one is "
        "inconclusive; all claims if none is named. A claim of a difference does not hold where "
        "the sides are practically equal.",
    ),
]
OrEqual = Annotated[
    bool,
    typer.Option(
        "--or-equal",
        help="With --gate: practically equal is good enough (no worse instead of better).",
    ),
]


class GatedCommand(TyperCommand):
    """A command whose ``--gate`` takes any number of claim ids, none included."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, once each id after ``--gate`` is written as an option of its own."""
        return super().parse_args(ctx, _gate_spelled_out(args))


def _gate_spelled_out(args: list[str]) -> list[str]:
    """``--gate a b`` as ``--gate=a --gate=b``, a bare ``--gate`` as ``--gate=``.

    A study file after ``--gate`` is no claim id: it ends in ``.toml``.
    """
    spelled: list[str] = []
    in_gate = False
    for i, arg in enumerate(args):
        is_id = not arg.startswith("-") and not arg.lower().endswith(".toml")
        if arg == "--gate":
            in_gate = True
            follower = args[i + 1] if i + 1 < len(args) else "-"
            if follower.startswith("-") or follower.lower().endswith(".toml"):
                spelled.append(f"--gate={ALL}")
        elif in_gate and is_id:
            spelled.append(f"--gate={arg}")
        else:
            in_gate = False
            spelled.append(arg)
    return spelled


def check_gate(loaded: LoadedStudy, asked: list[str] | None, *, or_equal: bool) -> None:
    """Refuse a gate on claims that are not there, before anything is trained.

    Raises:
        UserError: The message names the claims there are.
    """
    from harness.analyses.gate import gated_claims

    if or_equal and asked is None:
        terminal.fail("--or-equal goes with --gate")
    if asked is not None:
        gated_claims(loaded.study, _named(asked))


def gate_results(
    results: Results, asked: list[str] | None, *, or_equal: bool
) -> tuple[int, dict[str, Any] | None]:
    """Print what the gate says; its exit code and its document. Fine and None without a gate."""
    from harness.analyses.gate import gate
    from harness.prose.gate_words import gate_document, gate_lines, gate_warnings

    if asked is None:
        return terminal.FINE, None
    found = gate(results, _named(asked), or_equal=or_equal)
    for line in gate_warnings(found):
        terminal.complain(line)
    tell = terminal.say if found.standing == "holds" else terminal.complain
    for line in gate_lines(found):
        tell(line)
    codes = {
        "holds": terminal.FINE,
        "does not hold": terminal.CONTRADICTED,
        "inconclusive": terminal.INCONCLUSIVE,
    }
    return codes[found.standing], gate_document(found)


def conclude(
    results: Results, asked: list[str] | None, *, or_equal: bool, json: Path | None
) -> int:
    """Print the answer and what the gate says, write both as JSON; returns the exit code."""
    print_answer(results)
    code, gated = gate_results(results, asked, or_equal=or_equal)
    write_json(json, results_document(results, gated))
    return code


def _named(asked: list[str]) -> list[str]:
    return [name for name in asked if name != ALL]
