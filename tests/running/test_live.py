"""The live view: what it shows of a run, and that it never stands in its way."""

from __future__ import annotations

import io
import signal
import time
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console
from rich.live import Live

from harness.plan import Seeds, Trial
from harness.running.executor import Executor, Run
from harness.running.live import LiveView, study_view
from harness.running.progress import (
    BarView,
    Clock,
    Eta,
    LineView,
    ProgressView,
    QuietView,
    progress_view,
)
from harness.running.session import run_study
from harness.running.so_far import SoFar, so_far
from harness.store import Store
from harness.study_file import load_study
from tests.patience import wait_for
from tests.running.conftest import Project
from tests.terminals import coloured_log, shown, terminal

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
TRIAL = Trial("own", 0, Seeds(0, 0, 0, 0), "f", 0)


@pytest.fixture
def trained(project: Project) -> Project:
    """A tiny study of three blocks, two of which are whole."""
    project.write(replicates=2).run()
    return project.write(replicates=3)


def drawn(view: LiveView) -> str:
    """One frame, on a console of its own."""
    paper = Console(file=io.StringIO(), width=100)
    paper.print(view._frame())
    return str(paper.file.getvalue())  # type: ignore[attr-defined]


def test_only_whole_blocks_are_looked_at(trained: Project) -> None:
    with Store(trained.store_file) as store:
        seen = so_far(load_study(trained.file), store)
    assert seen.blocks == 2
    assert seen.states == {"completed": 4}
    assert [n for n, _ in seen.accuracy.values()] == [2, 2]
    (verdict,) = seen.verdicts
    results = trained.results()
    last = results.curves[results.curves["epoch"] == 2].groupby("arm")["val_accuracy"].mean()
    assert verdict.effect == pytest.approx(last["own"] - last["linear"])
    assert seen.accuracy["own"][1] == pytest.approx(last["own"])


def test_the_frame_says_that_nothing_is_valid_yet(trained: Project) -> None:
    with Store(trained.store_file) as store:
        view = LiveView(terminal(), load_study(trained.file), store)
        view.begin(6)
        view.at_work(1)
        view.update(4, TRIAL, "completed", Eta(12.0, untimed=1))
        wait_for(lambda: view._seen is not None)
        frame = drawn(view)
        view.end()
    assert "NOT VALID YET, from 2 blocks: this study decides at 3 replicates" in frame
    assert "2 of 3 blocks whole · 4 completed · 1 under way · 1 waiting" in frame
    assert "better" in frame
    assert "about 0:00:12 to go (1 arm not timed yet)" in frame


def test_a_look_that_fails_leaves_the_run_alone(project: Project) -> None:
    console = terminal()

    def broken() -> SoFar:
        raise RuntimeError("no look today")

    with Store(project.store_file) as store:
        loaded = load_study(project.file)
        view = LiveView(console, loaded, store)
        view._look = broken
        summary = run_study(loaded, store, workers=1, view=view)
    assert (summary.trained, summary.failed) == (4, [])
    assert "4/4" in shown(console)


@pytest.mark.parametrize("moment", ["start", "stop"])
def test_ctrl_c_while_the_view_begins_or_ends_leaves_the_terminal_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupted(live: Live) -> None:
        if moment == "start":
            whole(live)
        signal.raise_signal(signal.SIGINT)
        if moment == "stop":
            whole(live)

    whole = getattr(Live, moment)
    monkeypatch.setattr(Live, moment, interrupted)
    console = terminal()
    with Store(project.store_file) as store:
        view = LiveView(console, load_study(project.file), store)
        executor = Executor(Run({}, {}, {}, {}), store, [], view, Clock({}))
        with pytest.raises(KeyboardInterrupt):
            executor.train([])
    assert shown(console).count(HIDE_CURSOR) == shown(console).count(SHOW_CURSOR) == 1


def test_a_look_that_does_not_end_keeps_no_run_from_ending(project: Project) -> None:
    """As where the team's server is away: a look waits for it for two minutes."""
    is_back, looking = Event(), Event()

    def hanging() -> SoFar:
        looking.set()
        is_back.wait(30)
        raise RuntimeError("no look today")

    with Store(project.store_file) as store:
        view = LiveView(terminal(), load_study(project.file), store)
        view._look = hanging
        view.begin(1)
        wait_for(looking.is_set)
        view.end()
        assert view._watcher is not None
        assert view._watcher.is_alive()
        is_back.set()
        view._watcher.join()


def test_a_small_terminal_holds_the_frame_of_a_large_study(trained: Project) -> None:
    with Store(trained.store_file) as store:
        view = LiveView(terminal(height=16), load_study(trained.file), store)
        view.begin(1)
        wait_for(lambda: view._seen is not None)
        seen = view._seen
        assert seen is not None
        many = {f"arm-{i}": (1, 0.5) for i in range(40)}
        view._seen = SoFar(2, {"completed": 40}, many, list(seen.verdicts) * 30)
        frame = drawn(view)
        view.end()
    assert len(frame.splitlines()) <= 16
    assert "… and 3" in frame


def test_the_view_suits_console_and_volume(project: Project, tmp_path: Path) -> None:
    plain = Console(file=io.StringIO())
    loaded = load_study(project.file)
    with Store(tmp_path / "results.db") as store:
        views = [
            study_view(terminal(), loaded, store),
            study_view(plain, loaded, store),
            study_view(coloured_log(), loaded, store),
            study_view(terminal(), loaded, store, quiet=True),
            study_view(terminal(), loaded, store, verbose=True),
        ]
    assert [type(view) for view in views] == [
        LiveView,
        LineView,
        LineView,
        QuietView,
        LineView,
    ]


@pytest.mark.parametrize("kind", ["live", "bar", "lines"])
def test_only_what_went_wrong_gets_a_line_in_every_view(project: Project, kind: str) -> None:
    """Not a trial that another run has completed."""
    console = terminal()
    with Store(project.store_file) as store:
        views: dict[str, ProgressView] = {
            "live": LiveView(console, load_study(project.file), store),
            "bar": BarView(console),
            "lines": LineView(console, every=float("inf")),
        }
        view = views[kind]
        view.begin(4)
        for done, status in enumerate(["completed", "completed elsewhere", "failed"], start=1):
            view.update(done, TRIAL, status, None)
        view.end()
    assert "own, replicate 0: failed" in shown(console)
    assert "completed elsewhere" not in shown(console)


def test_a_bar_is_for_those_who_watch_and_not_for_coloured_logs() -> None:
    assert isinstance(progress_view(terminal()), BarView)
    assert isinstance(progress_view(coloured_log()), LineView)


def test_a_look_is_followed_by_a_long_rest(trained: Project) -> None:
    loaded = load_study(trained.file)
    with Store(trained.store_file) as store:
        looks = 0
        view = LiveView(terminal(), loaded, store)

        def slow() -> SoFar:
            nonlocal looks
            looks += 1
            time.sleep(0.2)
            return so_far(loaded, store)

        view._look = slow
        view.begin(1)
        wait_for(lambda: looks > 0)
        time.sleep(1.5)
        view.end()
    assert looks == 1
