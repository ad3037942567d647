"""A team's database: addresses, passwords, outages, and every command on it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from rich.console import Console

import harness
from harness.errors import UserError
from harness.running.progress import LineView
from harness.running.session import run_study
from harness.store import PostgresSchema, Store, StoreError, postgres
from harness.store.postgres import schema_name
from harness.store.tables import META
from harness.study_file import load_study
from tests.commands.conftest import Trained, bench, run
from tests.commands.conftest import trained as trained  # noqa: PLC0414 - a fixture
from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project
from tests.store.cluster import PASSWORD, Cluster
from tests.store.conftest import record

WAITING = "schema bench-tiny: does not answer; waiting for it"
NOWHERE = f"postgresql+psycopg://bench:{PASSWORD}@127.0.0.1:9/results"


# -- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (PASSWORD, "is not the address of a database; give postgresql"),
        (f"postgresql://bench:{PASSWORD}@host:port/x", "is not the address of a database"),
        (f"mysql://bench:{PASSWORD}@host/x", "mysql is not known; give postgresql+psycopg"),
        ("sqlite:///results.db", "without --store, results are kept in a SQLite file"),
        (f"postgresql://bench:p@{PASSWORD}@host/x", "write an @ in a password as %40"),
        (f"postgresql://bench:{PASSWORD}@host", "names no database"),
    ],
)
def test_an_address_that_cannot_be_is_explained_and_not_repeated(address: str, told: str) -> None:
    with pytest.raises(UserError, match=r"--store: ") as caught:
        PostgresSchema(address, "study")
    assert told in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_server_that_is_not_there_is_told_at_once_without_the_password() -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store(PostgresSchema(NOWHERE, "study"))
    assert time.monotonic() - began < postgres.OUTAGE_SECONDS
    assert "bench:***@127.0.0.1:9/results" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    hidden = PostgresSchema(f"postgresql://h:9/d?password={PASSWORD}&user=me", "study")
    assert PASSWORD not in hidden.name


def test_without_the_extra_the_message_tells_how_to_get_it(trained: Trained) -> None:
    script = (
        "import sys\nsys.modules['psycopg'] = None\nfrom harness.cli import app\napp(sys.argv[1:])"
    )
    command = [sys.executable, "-c", script, "show", trained.file, "--store", NOWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "python -m pip install 'training-bench[postgres]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr


def test_schemas_have_names_that_postgresql_keeps_whole() -> None:
    long = ["ü" * 40 + end for end in ("a", "b")]
    names = [schema_name(study) for study in ("convergence", *long)]
    assert names[0] == "bench-convergence"
    assert len(set(names)) == 3
    assert all(len(name.encode()) <= 63 for name in names)


def test_studies_in_one_database_do_not_mix(cluster: Cluster) -> None:
    address = cluster.new_database()
    names = ["one", 'o"ne; --', "%s :x {y}", "ü" * 60]
    for place, name in enumerate(names):
        with Store(PostgresSchema(address, name)) as store:
            assert store.trials().empty
            store.record_all([record(f"k{place}")], {"claims": {"c": name}})
    for place, name in enumerate(names):
        with Store(PostgresSchema(address, name)) as store:
            assert list(store.trials()["fingerprint"]) == [f"k{place}"]
            assert store.protocol() == {"claims": {"c": name}}


def test_who_may_not_make_a_schema_is_told_what_its_owner_can_do(cluster: Cluster) -> None:
    address = cluster.new_database()
    engine = sa.create_engine(address)
    role = f"guest_{os.getpid()}"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
    guest = address.replace("bench:", f"{role}:")
    with pytest.raises(StoreError, match='CREATE SCHEMA "bench-study" AUTHORIZATION'):
        Store(PostgresSchema(guest, "study"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f'CREATE SCHEMA "bench-study" AUTHORIZATION {role}')
    engine.dispose()
    with Store(PostgresSchema(guest, "study")) as store:
        store.record_all([record("k")], {})


def test_who_holds_the_database_for_too_long_is_not_waited_for(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "BUSY_TIMEOUT", 1.0)
    address = cluster.new_database()
    with (
        Store(PostgresSchema(address, "study")) as one,
        Store(PostgresSchema(address, "study")) as two,
    ):
        slow = sa.text("SELECT pg_sleep(4)")
        told = pytest.raises(StoreError, match="another program has held it for 1 s")
        with holding(one, lambda connection: connection.execute(slow)), told:
            two.record_all([record("k")], {})
        two.record_all([record("k")], {})


def test_who_froze_in_the_middle_makes_way_and_goes_on_later(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "BUSY_TIMEOUT", 8.0)  # half of it makes the frozen one give way
    address = cluster.new_database()
    naps = [6.0]

    def freeze_once(connection: sa.Connection) -> None:
        connection.execute(sa.select(1))
        time.sleep(naps.pop() if naps else 0.0)
        connection.execute(sa.insert(META).values(key="late", value="late"))

    with (
        Store(PostgresSchema(address, "study")) as one,
        Store(PostgresSchema(address, "study")) as two,
    ):
        with holding(one, freeze_once):
            two.record_all([record("k")], {})
        assert one.statuses(["k"]) == {"k": "completed"}
        query = sa.select(META.c.value).where(META.c.key == "late")
        assert one.database.read(lambda c: c.scalar(query)) == "late"


@contextmanager
def holding(store: Store, work: Callable[[sa.Connection], object]) -> Iterator[None]:
    """Write to a store in a thread, which has begun when this begins and is over at its end."""
    begun, failures = threading.Event(), []

    def held(connection: sa.Connection) -> None:
        begun.set()
        work(connection)

    def write() -> None:
        try:
            store.database.write(held)
        except StoreError as error:
            failures.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(PATIENCE)
    yield
    thread.join()
    assert failures == []


# -- outages --------------------------------------------------------------------------------------


@pytest.fixture
def frail() -> Iterator[Cluster]:
    """A server of its own, to be stopped."""
    server = Cluster()
    yield server
    server.remove()


def trained_on(project: Project, address: str, printed: io.StringIO) -> pd.DataFrame:
    """Train the study on a database; the curves without their seconds."""
    loaded = load_study(project.file)
    view = LineView(Console(file=printed, width=300))
    with Store(PostgresSchema(address, loaded.folder_name)) as store:
        run_study(loaded, store, workers=2, view=view)
    return curves_on(project, address)


def curves_on(project: Project, address: str) -> pd.DataFrame:
    curves = harness.load(project.file, store=address).results().curves()
    return curves.drop(columns=["seconds", "cpu_seconds"])


def stored_on(project: Project, address: str) -> int:
    """How many trials are stored."""
    database = PostgresSchema(address, load_study(project.file).folder_name)
    try:
        if not database.exists():
            return 0
        with Store(database) as store:
            return len(store.trials())
    finally:
        database.close()


def stop_after(trials: int, project: Project, address: str, server: Cluster) -> threading.Thread:
    """Stop the server as soon as so many trials are stored."""

    def stop() -> None:
        wait_for(lambda: stored_on(project, address) >= trials)
        server.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_a_server_that_is_restarted_in_mid_study_costs_nothing(
    project: Project, frail: Cluster
) -> None:
    project.write(replicates=8, epochs=6)
    address = frail.new_database()
    stopped = stop_after(2, project, address, frail)
    printed = io.StringIO()

    def restart() -> None:
        stopped.join()
        wait_for(lambda: WAITING in printed.getvalue())
        frail.start()

    restarting = threading.Thread(target=restart)
    restarting.start()
    curves = trained_on(project, address, printed)
    restarting.join()
    assert "schema bench-tiny: answers again" in printed.getvalue()
    assert PASSWORD not in printed.getvalue()
    project.run(2)
    pd.testing.assert_frame_equal(curves, project.curves(), check_exact=True)
    assert stored_on(project, address) == 16


def test_whoever_reads_trials_waits_for_a_server_that_is_restarted(frail: Cluster) -> None:
    told: list[str] = []

    def restart() -> None:
        wait_for(lambda: any(WAITING in text for text in told))
        frail.start()

    with Store(PostgresSchema(frail.new_database(), "tiny")) as store:
        store.record_all([record("k")], {})
        store.database.tell = told.append
        frail.stop()
        restarting = threading.Thread(target=restart, daemon=True)
        restarting.start()
        assert list(store.trials()["fingerprint"]) == ["k"]
        restarting.join()


def test_a_server_that_stays_away_ends_the_run_which_goes_on_later(
    project: Project, frail: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "OUTAGE_SECONDS", 3.0)
    project.write(replicates=6, epochs=6)
    address = frail.new_database()
    stopped = stop_after(2, project, address, frail)
    where = [project.file, "--reports", project.reports, "--store", address, "--jobs", 2]
    began = time.monotonic()
    done = run("study", *where)
    stopped.join()
    assert done.code == 2
    assert "has not answered for 3 s" in done.err
    assert "the same command goes on once it is back" in done.err
    assert "Traceback" not in done.err
    assert PASSWORD not in done.out + done.err
    assert time.monotonic() - began < PATIENCE
    frail.start()
    kept = stored_on(project, address)
    assert kept >= 2
    again = run("study", *where)
    assert again.code == 0, again.err
    assert f"{12 - kept} trained, {kept} reused" in again.out
    project.run(2, project.folder / "whole")
    whole = project.curves(project.folder / "whole")
    pd.testing.assert_frame_equal(curves_on(project, address), whole, check_exact=True)


# -- by the command, and from Python --------------------------------------------------------------


@pytest.fixture
def team(trained: Trained, cluster: Cluster, tmp_path: Path) -> tuple[Trained, str]:
    """The trained study, pushed to a database; its reports folder here is empty."""
    address = cluster.new_database()
    told = run("store", "push", *trained.where, "--store", address)
    assert "16 finished trials in" in told.out
    assert "; 16 added to postgresql+psycopg://bench:***@/results_" in told.out
    assert PASSWORD not in told.out
    return Trained(trained.file, tmp_path / "reports", trained.ran), address


def test_what_is_stored_there_is_not_trained_again(team: tuple[Trained, str]) -> None:
    study, address = team
    done = run("study", *study.where, "--store", address)
    assert done.code == 0, done.err
    assert "0 trained, 16 reused" in done.out
    assert (study.folder / "report.html").is_file()
    assert not (study.folder / "results.db").exists()
    texts = [file.read_bytes() for file in study.folder.iterdir()]
    assert not any(PASSWORD.encode() in text for text in texts)


@pytest.mark.parametrize(
    "command",
    ["report", "show", "plan", "calibrate --repeats 5", "verify --sample 1", "export --to csv"],
)
def test_each_command_reads_the_database(team: tuple[Trained, str], command: str) -> None:
    study, address = team
    name, *options = command.split()
    told = run(name, *study.where, *options, "--store", address)
    assert told.code == 0, told.err
    assert PASSWORD not in told.out + told.err
    assert command != "show" or "16 of 16 trials finished" in told.out


def test_judge_reads_the_database(team: tuple[Trained, str], trained: Trained) -> None:
    study, address = team
    curves = pd.read_csv(trained.folder / "curves.csv")
    one = curves[(curves["arm"] == "mlp") & (curves["replicate"] == 0)]
    single = study.reports.parent / "run.csv"
    one.drop(columns=["arm", "replicate"]).to_csv(single, index=False)
    told = run("judge", single, "--against", f"{study.file}:mlp", "--store", address)
    assert told.code == 0, told.err
    assert "run.csv" in told.out


def test_the_environment_can_name_the_database(
    team: tuple[Trained, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, address = team
    assert "0 of 16 trials finished" in run("show", *study.where).out
    monkeypatch.setenv("BENCH_STORE", address)
    assert "16 of 16 trials finished" in run("show", *study.where).out
    assert len(harness.load(study.file, reports=study.reports).results().trials()) == 16


def test_a_study_that_was_never_run_there_is_told_apart(trained: Trained, cluster: Cluster) -> None:
    told = run("report", *trained.where, "--store", cluster.new_database())
    assert told.code == 2
    assert "schema bench-tiny: holds no results yet; run `bench study" in told.err


def test_results_come_back_into_a_file(team: tuple[Trained, str], trained: Trained) -> None:
    study, address = team
    for added in (16, 0):
        told = run("store", "pull", *study.where, "--store", address)
        assert told.code == 0, told.err
        assert f"; {added} added to {study.folder / 'results.db'}" in told.out
    assert run("report", *study.where).code == 0
    one, two = (t.folder / "verdicts.json" for t in (study, trained))
    assert one.read_text() == two.read_text()


def test_push_and_pull_say_what_they_miss(trained: Trained, tmp_path: Path) -> None:
    told = run("store", "push", *trained.where)
    assert (told.code, "name the database by --store or BENCH_STORE" in told.err) == (2, True)
    told = run("store", "push", trained.file, "--reports", tmp_path, "--store", NOWHERE)
    assert (told.code, "holds no results yet" in told.err) == (2, True)
    told = run("store", "pull", *trained.where, "--store", NOWHERE)
    assert (told.code, "cannot be reached" in told.err) == (2, True)


def test_a_process_of_its_own_prints_no_traceback(trained: Trained) -> None:
    told = bench("study", *trained.where, "--store", NOWHERE)
    assert told.code == 2
    assert "cannot be reached" in told.err
    assert "Traceback" not in told.err
    assert PASSWORD not in told.err
