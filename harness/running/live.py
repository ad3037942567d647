"""The live view of a study in a terminal: how far it is, and what stands so far.

What stands so far is computed in a thread of its own, rarely enough to cost the run next to
nothing, and whatever goes wrong there stays there: watching must never slow or break training.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Event, Thread

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from harness.prose.words import MARKS, effect_words
from harness.quantities import plural
from harness.running.progress import BarView, LineView, ProgressView, QuietView
from harness.running.so_far import SoFar, so_far
from harness.screen import is_terminal
from harness.stopping import declared_looks
from harness.store import Store
from harness.study_file import LoadedStudy

LEAST_PAUSE_SECONDS = 5.0
PAUSE_FOR_COST = 50.0
"""A look that took a second is followed by so many seconds of rest: at most 2 % of one core."""
LAST_LOOK_SECONDS = 2.0
"""How long the end of a run waits for a look that is being taken."""
_FRAME_LINES = 9  # what the view takes beside its rows


class LiveView(BarView):
    """A bar with trials by state, the arms' accuracy so far and verdicts that do not count yet."""

    def __init__(self, console: Console, loaded: LoadedStudy, store: Store) -> None:
        super().__init__(console)
        self._loaded = loaded
        self._look: Callable[[], SoFar] = lambda: so_far(loaded, store)
        self._live: Live | None = None
        self._watcher: Thread | None = None
        self._over = Event()
        self._seen: SoFar | None = None
        self._at_work = 0

    def _show(self) -> None:
        """Show the bar with all that is below it, and start to watch the store."""
        self._live = Live(
            get_renderable=self._frame, console=self._console, refresh_per_second=2, transient=True
        )
        self._live.start()
        self._over = Event()
        self._watcher = Thread(target=self._watch, args=(self._over,), daemon=True)
        self._watcher.start()

    def at_work(self, count: int) -> None:
        """Show how many trials are under way."""
        self._at_work = count

    def end(self) -> None:
        """Leave the bar alone as it stands: the verdicts that count come with the report."""
        self._over.set()
        if self._watcher is not None:
            # A look that waits for a database that is away must not keep Ctrl-C waiting, too.
            self._watcher.join(LAST_LOOK_SECONDS)
        if self._live is not None:
            self._live.stop()
            self._progress.update(self._task, eta="")
            self._console.print(self._progress.get_renderable())

    def _watch(self, over: Event) -> None:
        pause = 0.0
        while not over.wait(pause):
            began = time.monotonic()
            try:
                self._seen = self._look()
            except Exception:  # whatever it is, training goes on
                self._seen = None
            pause = max(LEAST_PAUSE_SECONDS, PAUSE_FOR_COST * (time.monotonic() - began))

    def _frame(self) -> RenderableType:
        seen = self._seen
        parts: list[RenderableType] = [self._progress.get_renderable(), self._states(seen)]
        if seen is not None and any(n for n, _ in seen.accuracy.values()):
            room = max(2, self._console.size.height - _FRAME_LINES)
            arms, claims = len(seen.accuracy), len(seen.verdicts)
            rows = min(arms, max(1, room - min(claims, room // 2)))
            parts += ["", _accuracy(seen, rows)]
            if seen.verdicts:
                parts += ["", *self._verdicts(seen, max(1, room - rows))]
        return Group(*parts)

    def _states(self, seen: SoFar | None) -> Text:
        to_go = round(self._progress.tasks[0].remaining or 0)
        parts = [f"{self._at_work} under way", f"{to_go - self._at_work} waiting"]
        if seen is not None:
            blocks = len(self._loaded.study.study.replicate_ids)
            stored = [f"{count} {state}" for state, count in seen.states.items()]
            parts = [f"{seen.blocks} of {plural(blocks, 'block')} whole", *stored, *parts]
        return Text(" · ".join(parts), style="dim")

    def _verdicts(self, seen: SoFar, room: int) -> list[RenderableType]:
        table = Table(box=None, pad_edge=False, show_header=False)
        for verdict in seen.verdicts[:room]:
            mark = Text(f"({MARKS[verdict.outcome]})")
            table.add_row(
                mark, Text(verdict.outcome), Text(verdict.claim.id), effect_words(verdict)
            )
        more = len(seen.verdicts) - room
        looks = [look.count for look in declared_looks(self._loaded.study)]
        due = next((count for count in looks if count > seen.blocks), looks[-1])
        warning = Text(
            f"NOT VALID YET, from {plural(seen.blocks, 'block')}: this study decides at {due} "
            "replicates. Stopping because of what stands here would make chance look real.",
            style="bold yellow",
        )
        return [warning, table, *([Text(f"… and {more} more", style="dim")] if more > 0 else [])]


def _accuracy(seen: SoFar, room: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("arm")
    table.add_column("trials", justify="right")
    table.add_column("last validation accuracy, mean", justify="right")
    for arm, (n, mean) in list(seen.accuracy.items())[:room]:
        table.add_row(Text(arm), str(n), "" if math.isnan(mean) else f"{mean:.2%}")
    more = len(seen.accuracy) - room
    if more > 0:
        table.add_row(Text(f"… and {more} more", style="dim"), "", "")
    return table


def study_view(
    console: Console,
    loaded: LoadedStudy,
    store: Store,
    *,
    quiet: bool = False,
    verbose: bool = False,
) -> ProgressView:
    """The view of a study that suits the console and how much is to be said."""
    if quiet:
        return QuietView()
    if verbose:
        return LineView(console, every=0.0)
    if is_terminal(console):
        return LiveView(console, loaded, store)
    return LineView(console)
