"""What every store promises, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from queue import Queue

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from harness.measures import CURVE_COLUMNS
from harness.store import Store, StoreError, leases
from harness.store.contents import add_contents, read_contents
from harness.store.databases import DamagedError
from harness.store.tables import ARMS, CURVES, DOCUMENTS, META, TIMED_EPOCHS, TRIALS
from tests.patience import PATIENCE, wait_for
from tests.store.conftest import Place, record

SPAWN = multiprocessing.get_context("spawn")
HURRIED_LEASE = 3.0  # seconds; a busy machine may hold up a heart for one of them


# -- what is stored comes back --------------------------------------------------------------------


def test_a_trial_comes_back_as_it_was_stored(store: Store) -> None:
    store.record_all([record("k")], {"claims": {}})
    assert store.statuses(["k", "other"]) == {"k": "completed"}
    assert list(store.curves()["epoch"]) == [1, 2, 3]
    assert store.trials().loc[0, "seconds"] == 1.0


def test_every_number_comes_back_bit_for_bit(place: Place) -> None:
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, None]
    one = record("k", epochs=len(values))
    rows = [{**row, "val_loss": value} for row, value in zip(one.rows, values, strict=True)]
    with place.open() as store:
        store.record_all([replace(one, rows=rows, replicate=2**32 - 1)], {})
    with place.open() as store:
        assert [row["val_loss"] for row in store.rows("k")] == values
        assert store.curves()["val_loss"].to_numpy().tobytes() == (
            np.array([0.0 if v == 0 else np.nan if v is None else v for v in values]).tobytes()
        )
        assert store.trials().loc[0, "replicate"] == 2**32 - 1


def test_numbers_of_numpy_are_stored_as_numbers(store: Store) -> None:
    one = record("k")
    rows = [{name: np.float32(value) for name, value in row.items()} for row in one.rows]
    resources = {"seconds": np.float64(2.5), "threads": np.int64(3)}
    store.record_all([replace(one, rows=rows, resources=resources)], {})
    assert store.trials().loc[0, "threads"] == 3
    assert store.curves()["loss"].tolist() == [float(row["loss"]) for row in rows]


@pytest.mark.parametrize(
    "text", ["モデル ☃", "a\0b", "bad name \udcff", "'; DROP TABLE trials; --"]
)
def test_any_text_can_be_an_error(store: Store, text: str) -> None:
    store.record_all([replace(record("k", status="failed"), error=text)], {})
    told = store.trials().loc[0, "error"]
    assert told.replace("\\0", "\0").replace("\\udcff", "\udcff") == text


def test_the_first_result_of_a_trial_stays(store: Store) -> None:
    store.record_all([record("k", epochs=3)], {})
    store.record_all([record("k", epochs=2)], {})
    assert len(store.curves()) == 3


def test_a_failed_trial_gives_way_to_a_later_success(store: Store) -> None:
    store.record_all([record("k", status="failed")], {})
    assert store.statuses(["k"]) == {"k": "failed"}
    assert store.protocol() is None
    store.record_all([record("k")], {"claims": {"c": "hash"}})
    assert store.statuses(["k"]) == {"k": "completed"}


def test_the_protocol_is_bound_with_the_first_stored_trial(store: Store) -> None:
    store.record_all([record("k1")], {"claims": {"c": "first"}})
    store.record_all([record("k2")], {"claims": {"c": "second"}})
    assert store.protocol() == {"claims": {"c": "first"}}


def test_what_a_pilot_left_open_is_bound_with_the_first_trial_after_it(store: Store) -> None:
    store.record_all([record("k1")], {"shared": {"alpha": 0.05}, "is_pilot": True})
    store.record_all([record("k2")], {"shared": {"alpha": 0.1, "replicates": [0, 1]}})
    bound = {"shared": {"alpha": 0.05, "replicates": [0, 1]}, "piloted": [0]}
    assert store.protocol() == bound


def test_what_a_pilot_left_open_is_bound_by_a_run_that_finds_nothing_to_train(store: Store) -> None:
    whole = {"shared": {"alpha": 0.05, "replicates": [0, 1]}}
    store.end_pilot(whole)
    assert store.protocol() is None
    pilot = {"shared": {"alpha": 0.05}, "is_pilot": True}
    store.record_all([record("k")], pilot)
    store.end_pilot(pilot)
    assert store.protocol() == pilot
    store.end_pilot(whole)
    store.end_pilot({"shared": {"alpha": 0.1, "replicates": [0, 1, 2]}})
    assert store.protocol() == {**whole, "piloted": [0]}


def test_documents_arms_study_and_audit_are_kept(store: Store) -> None:
    key = store.keep_document({"python": "3.13", "cores": 2})
    assert store.keep_document({"cores": 2, "python": "3.13"}) == key
    assert store.document(key) == {"python": "3.13", "cores": 2}
    assert store.document("unknown") == {}
    assert store.arm("settings") is None
    for layers in (1, 2):
        store.describe_arm("settings", {"layers": layers}, {"parameters": 10 * layers})
    assert store.arm("settings") == ({"layers": 2}, {"parameters": 20})
    assert (store.study(), store.verification()) == (None, None)
    for name in ("first", "second"):
        store.keep_study({"name": name})
        store.keep_verification({"day": name})
    assert (store.study(), store.verification()) == ({"name": "second"}, {"day": "second"})


def test_what_a_coordinator_described_stays_so_for_it(place: Place) -> None:
    """A machine finds another device behind the same settings; later reports go by the last."""
    with place.open() as one, place.open() as two:
        one.describe_arm("settings", {"device": "cpu"}, {"parameters": 10})
        two.describe_arm("settings", {"device": "gpu"}, {"parameters": 10})
        assert one.arm("settings") == ({"device": "cpu"}, {"parameters": 10})
        assert two.arm("settings") == ({"device": "gpu"}, {"parameters": 10})
        with place.open() as later:
            assert later.arm("settings") == two.arm("settings")
            one.describe_arm("settings", {"device": "cpu"}, {"parameters": 10})
            assert later.arm("settings") == one.arm("settings")


def test_the_latest_timing_of_a_trial_stays(store: Store) -> None:
    one = record("k")
    store.record_all([one], {})
    for difference in ("loss of epoch 1", None):
        store.record_timing("k", one.rows, difference=difference, load=0.5)
    assert store.timing_differences() == {"k": None}
    assert list(store.timings()["seconds"]) == [0.6, 0.7, 0.8]


def test_a_curve_with_missing_rows_is_not_taken_for_a_result(store: Store) -> None:
    """H2."""
    store.record_all([record("k")], {})
    store.database.write(lambda c: c.execute(sa.delete(CURVES).where(CURVES.c.epoch == 3)))
    assert store.statuses(["k"]) == {}
    assert store.claim("k") == "mine"
    store.record_all([record("k")], {})
    assert len(store.curves()) == 3


# -- many at once ---------------------------------------------------------------------------------


def _record_ten(place: Place, start: int) -> None:
    with place.open() as store:
        for i in range(start, start + 10):
            store.record_all([record(f"k{i}")], {"claims": {"c": start}})


def test_eight_writers_and_a_reader_at_once(place: Place) -> None:
    """H5: they begin on a store that is not there yet."""
    writers = [SPAWN.Process(target=_record_ten, args=(place, 10 * i)) for i in range(8)]
    for writer in writers:
        writer.start()
    with place.open() as store:
        while any(writer.is_alive() for writer in writers):
            store.trials()
            store.curves()
        assert {writer.exitcode for writer in writers} == {0}
        assert len(store.trials()) == 80
        assert len(store.curves()) == 240


def _claim_all(place: Place, found: Queue[list[str]]) -> None:
    with place.open() as store:
        keys = [key for key in map(str, range(40)) if store.claim(key) == "mine"]
        for key in keys:
            store.record_all([record(key)], {})
        found.put(keys)
        found.put([])  # held until all have claimed: leases end with their store
        time.sleep(0.5)


def test_coordinators_that_claim_at_once_share_the_trials(place: Place) -> None:
    place.open().close()
    found: Queue[list[str]] = SPAWN.Queue()  # type: ignore[assignment]
    claimers = [SPAWN.Process(target=_claim_all, args=(place, found)) for _ in range(4)]
    for claimer in claimers:
        claimer.start()
    claimed = Counter(key for _ in range(8) for key in found.get(timeout=PATIENCE))
    for claimer in claimers:
        claimer.join()
    assert claimed == Counter(map(str, range(40)))


# -- leases ---------------------------------------------------------------------------------------


def test_two_coordinators_never_hold_one_trial(place: Place) -> None:
    with place.open() as one, place.open() as two:
        assert one.claim("k") == "mine"
        assert two.claim("k") == "elsewhere"
        assert two.others_at_work()
        assert not one.others_at_work()
        one.record_all([record("k")], {})
        assert two.claim("k") == "finished"
        assert two.claim("free") == "mine"
        assert one.claim("free") == "elsewhere"
        two.release("free")
        assert one.claim("free") == "mine"
    with place.open() as three:
        assert three.claim("free") == "mine"  # leases end with their store


def _claim_and_die(place: Place) -> None:
    import os
    import signal

    place.open().claim("k")
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_dead_coordinators_trial_is_free_at_once_on_its_machine(place: Place) -> None:
    process = SPAWN.Process(target=_claim_and_die, args=(place,))
    process.start()
    process.join()
    with place.open() as store:
        assert store.abandoned() == {"k"}
        assert store.claim("k") == "mine"
        assert store.abandoned() == set()


def test_leases_that_could_not_be_given_back_bind_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away when a run ended; the next run is of the same process."""
    one = place.open()
    assert one.claim("k") == "mine"
    with monkeypatch.context() as patch:
        patch.setattr(type(one.database), "write", _refuse)
        one.close()
    with place.open() as two:
        assert two.claim("k") == "mine"


def _refuse(*_: object, **__: object) -> None:
    raise StoreError("is away")


def test_ctrl_c_before_the_first_heartbeat_leaves_a_store_that_can_be_closed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: threading.Thread) -> None:
        raise KeyboardInterrupt

    one = place.open()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.claim("k")
    one.close()
    with place.open() as two:
        assert two.claim("k") == "mine"


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Callable[[Place], Store]:
    """Opens stores, each as if on a machine of its own, with hurried leases."""
    names = count()
    monkeypatch.setattr(leases, "machine", lambda: f"machine {next(names)}")
    monkeypatch.setattr(leases, "LEASE_SECONDS", HURRIED_LEASE)
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    return Place.open


def test_a_living_coordinator_of_another_machine_keeps_its_trial(
    place: Place, machines: Callable[[Place], Store]
) -> None:
    with machines(place) as one, machines(place) as two:
        assert one.claim("k") == "mine"
        until = time.monotonic() + 3 * HURRIED_LEASE
        while time.monotonic() < until:
            assert two.claim("k") == "elsewhere"
            assert two.abandoned() == set()
            time.sleep(0.05)


def test_a_dead_coordinators_trial_is_free_once_its_lease_has_ended(
    place: Place, machines: Callable[[Place], Store]
) -> None:
    one = machines(place)
    assert one.claim("k") == "mine"
    one._leases._over.set()  # its heart stops, and it never gives back what it holds
    with machines(place) as two, machines(place) as three:
        began = time.monotonic()
        assert two.claim("k") == "elsewhere"
        wait_for(lambda: two.claim("k") == "mine")
        assert time.monotonic() - began >= HURRIED_LEASE
        assert three.claim("k") == "elsewhere"
    one.close()


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps_frees_no_trial_of_the_living_and_keeps_none_of_the_dead(
    place: Place,
    machines: Callable[[Place], Store],
    monkeypatch: pytest.MonkeyPatch,
    jump: float,
) -> None:
    dead = machines(place)
    dead.claim("dead")
    dead._leases._over.set()
    with machines(place) as living, machines(place) as two:
        living.claim("living")
        assert (two.claim("dead"), two.claim("living")) == ("elsewhere", "elsewhere")
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + jump)
        assert (two.claim("dead"), two.claim("living")) == ("elsewhere", "elsewhere")
        time.sleep(1.2 * HURRIED_LEASE)
        assert (two.claim("dead"), two.claim("living")) == ("mine", "elsewhere")
        living.record_all([record("living")], {})
        assert two.claim("living") == "finished"
    dead.close()


# -- what is damaged ------------------------------------------------------------------------------

DAMAGE = {
    "a number of a curve": (
        sa.update(CURVES).where(CURVES.c.epoch == 2).values(val_loss=0.25),
        Store.curves,
    ),
    "a curve that lost a row": (sa.delete(CURVES).where(CURVES.c.epoch == 2), Store.curves),
    "the status of a trial": (sa.update(TRIALS).values(status="diverged"), Store.trials),
    "a trial that lost its curve's checksum": (sa.update(TRIALS).values(curve=None), Store.curves),
    "the seconds of a timing": (sa.update(TIMED_EPOCHS).values(seconds=1.0), Store.timings),
    "the protocol": (
        sa.update(META).where(META.c.key == "protocol").values(value="{}"),
        Store.protocol,
    ),
    "a document": (sa.update(DOCUMENTS).values(body='{"cores": 3}'), lambda s: s.arm("settings")),
    "an arm": (sa.update(ARMS).values(description="{}"), lambda s: s.arm("settings")),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_value_that_changed_behind_the_stores_back_is_never_accepted(
    place: Place, store: Store, what: str
) -> None:
    with place.open() as before:
        before.describe_arm("settings", {"layers": 1}, {"parameters": 10})
    store.record_all([record("k")], {"claims": {"c": "hash"}})
    store.record_timing("k", record("k").rows, difference=None, load=None)
    statement, read = DAMAGE[what]
    read(store)
    store.database.write(lambda c: c.execute(statement))
    with pytest.raises(DamagedError, match=r"is damaged|other values than were stored"):
        read(store)
    with pytest.raises(DamagedError):
        read_contents(store)


# -- from one to the other ------------------------------------------------------------------------


def test_results_go_from_a_file_to_a_team_and_back(place: Place, tmp_path: Path) -> None:
    with Place(str(tmp_path / "own.db")).open() as own, place.open() as team:
        own.keep_study({"name": "s"})
        own.describe_arm("settings", {"layers": 1}, {"parameters": 10})
        own.record_all([record("k1", epochs=2)], {"claims": {"c": "hash"}})
        own.record_all([record("k2", status="failed")], {"claims": {"c": "hash"}})
        own.record_timing("k1", record("k1", epochs=2).rows, difference=None, load=None)
        team.record_all([record("k2")], {"claims": {"c": "hash"}})
        assert add_contents(team, read_contents(own)) == (1, 1)
        assert add_contents(team, read_contents(own)) == (0, 0)
        assert team.statuses(["k1", "k2"]) == dict.fromkeys(["k1", "k2"], "completed")
        assert team.timing_differences() == {"k1": None}
        assert team.arm("settings") == own.arm("settings")
        assert add_contents(own, read_contents(team)) == (1, 0)
        assert own.statuses(["k1", "k2"]) == dict.fromkeys(["k1", "k2"], "completed")
        assert own.curves().equals(team.curves())


def test_what_was_timed_since_follows_its_trial(place: Place, tmp_path: Path) -> None:
    """Not to another curve, and not in place of what was timed there."""
    with Place(str(tmp_path / "own.db")).open() as own, place.open() as team:
        for key in ("k1", "k2", "k3"):
            own.record_all([record(key)], {})
        team.record_all([record("k2", epochs=2)], {})
        assert add_contents(team, read_contents(own)) == (2, 0)
        team.record_timing("k3", record("k3").rows, difference="there", load=None)
        for key in ("k1", "k2", "k3"):
            own.record_timing(key, record(key).rows, difference=None, load=0.5)
        assert add_contents(team, read_contents(own)) == (0, 1)
        assert team.timing_differences() == {"k1": None, "k3": "there"}
        both = own.timings().query("fingerprint != 'k2'").reset_index(drop=True)
        assert team.timings().equals(both)


def test_trials_under_other_claims_are_not_mixed(place: Place, tmp_path: Path) -> None:
    with Place(str(tmp_path / "own.db")).open() as own, place.open() as team:
        own.record_all([record("k1")], {"claims": {"c": "mine"}})
        team.record_all([record("k2")], {"claims": {"c": "theirs"}})
        with pytest.raises(StoreError, match="its claims were bound otherwise"):
            add_contents(team, read_contents(own))
        assert team.statuses(["k1", "k2"]) == {"k2": "completed"}


def test_trials_are_of_the_types_that_pandas_gives_them(store: Store) -> None:
    query = sa.select(TRIALS)
    for key in ("k1", "k2", "k3"):
        expected = store.database.read(lambda c: pd.read_sql(query, c))
        expected = expected.drop(columns=["curve", "checksum"])
        pd.testing.assert_frame_equal(store.trials(), expected, check_exact=True)
        one = record(key, status="failed" if key == "k2" else "completed")
        resources = {"threads": 2, "load": None} if key == "k1" else {"load": 0.5, "jobs": 1}
        store.record_all([replace(one, resources=resources)], {})


def test_a_curve_has_the_columns_that_it_has_everywhere(store: Store) -> None:
    store.record_all([record("k")], {})
    assert list(store.curves().columns) == ["fingerprint", "epoch", *CURVE_COLUMNS]
