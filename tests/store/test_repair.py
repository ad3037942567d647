"""A store that was cut or overwritten: a clear error, and everything that is whole is saved."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from harness.store import FINISHED, Store, StoreError, TrialRecord
from harness.store.contents import read_contents
from harness.store.databases import DamagedError
from harness.store.repair import repair
from harness.store.salvage import salvage
from tests.commands.conftest import Trained, bench, run
from tests.commands.conftest import trained as trained  # noqa: PLC0414 - a fixture
from tests.patience import PATIENCE
from tests.store.conftest import Place, record
from tests.store.test_versions import make_version_1

PAGE = 4096
TRIALS = 60


def trial(number: int) -> TrialRecord:
    """One of several trials, each with numbers of its own."""
    rng = random.Random(number)
    failed = number % 10 == 9
    rows = [
        {**row, **{name: rng.random() for name in row if name != "epoch"}}
        for row in record("", epochs=rng.randint(1, 40)).rows
    ]
    error = "Traceback: " + "a long way down\n" * rng.randint(1, 900) if failed else None
    return TrialRecord(
        fingerprint=rng.randbytes(32).hex(),
        arm=f"arm {number % 3}",
        replicate=number // 3,
        identity="i",
        status="failed" if failed else "completed",
        rows=[] if failed else rows,
        attempts=1,
        error=error,
        resources={"seconds": rng.random(), "load": None, "threads": 1},
        environment="e",
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of many trials, closed in peace."""
    file = tmp_path_factory.mktemp("whole") / "results.db"
    with Store(file) as store:
        store.keep_study({"name": "s", "text": "long " * 3000})
        store.describe_arm("settings", {"layers": [1] * 3000}, {"parameters": 10})
        for number in range(TRIALS):
            store.record_all([trial(number)], {"claims": {"c": "hash"}})
        for number in (0, 1, 2):
            one = trial(number)
            store.record_timing(one.fingerprint, one.rows, difference=None, load=1.0)
    return file


@pytest.fixture
def file(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(whole, tmp_path / "results.db"))


def noise(file: Path, start: int, length: int, seed: int) -> None:
    """Overwrite a part of a file."""
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(random.Random(seed).randbytes(length))


def check_saved(file: Path, whole: Path) -> int:
    """Whatever the repaired store holds is as it was; returns how many finished trials."""
    with Store(file) as store, Store(whole) as before:
        kept, original = read_contents(store), read_contents(before)
        known = store.trials().drop(columns=["environment"])
        if known.empty:
            return 0
        expected = before.trials().drop(columns=["environment"])
        expected = expected[expected["fingerprint"].isin(known["fingerprint"])]
        pd.testing.assert_frame_equal(
            known.sort_values("fingerprint", ignore_index=True),
            expected.sort_values("fingerprint", ignore_index=True),
            check_exact=True,
        )
        curves = before.curves()
        curves = curves[curves["fingerprint"].isin(known["fingerprint"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(store.curves(), curves, check_exact=True)
        for table, rows in kept.rows.items():
            for key, row in rows.items():
                if table.name != "trials" and row.get("value") != '{"is_lost": true}':
                    assert row == original.rows[table][key]
        return sum(status in FINISHED for status in known["status"])


def damaged_error(file: Path) -> str | None:
    """What a command that opens the store and reads all would say; None if it finds no fault."""
    try:
        with Store(file) as store:
            read_contents(store)
    except StoreError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "read", [Store.trials, Store.curves, Store.timings, lambda s: s.statuses([])]
)
def test_a_file_that_is_damaged_while_it_is_open_is_told_in_words(
    file: Path, read: Callable[[Store], object]
) -> None:
    with Store(file) as store:
        read(store)
        noise(file, PAGE, file.stat().st_size - PAGE, seed=1)
        store.database.close()  # and with it the pages that it remembers
        with pytest.raises(DamagedError, match="`bench store repair`"):
            read(store)


def test_what_the_driver_itself_says_is_told_in_words(file: Path) -> None:
    """Rows of curves are read past SQLAlchemy, and so are its errors."""

    def read(connection: sa.Connection) -> object:
        cursor = connection.execute(sa.select(sa.literal(1))).cursor
        assert cursor is not None
        cursor.close()
        return cursor.fetchall()

    with Store(file) as store, pytest.raises(StoreError, match="closed cursor"):
        store.database.read(read)


def test_a_whole_store_is_left_alone(file: Path) -> None:
    before = file.read_bytes()
    assert repair(file) is None
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_store_without_its_first_page_is_saved_whole(file: Path, whole: Path) -> None:
    """The header and the schema are gone; every row is still there."""
    noise(file, 0, PAGE, seed=1)
    assert "is damaged" in str(damaged_error(file))
    repaired = repair(file)
    assert repaired is not None
    assert len(repaired.finished) == check_saved(file, whole) == TRIALS * 9 // 10
    assert repaired.has_protocol
    with Store(file) as store:
        assert len(store.trials()) == TRIALS
        assert len(store.timing_differences()) == 3
        arm = store.arm("settings")
        assert arm is not None
        assert arm[0] == {"layers": [1] * 3000}


@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_file_that_was_cut_gives_what_is_left(file: Path, whole: Path, tenths: int) -> None:
    size = whole.stat().st_size * tenths // 10 + 37 * tenths  # not at the end of a page
    os.truncate(file, size)
    told = str(damaged_error(file))
    assert f"{file}: is damaged" in told
    assert "`bench store repair`" in told
    repaired = repair(file)
    assert repaired is not None
    assert repaired.damaged.stat().st_size == size
    assert repaired.damaged.name == "results.damaged-1.db"
    saved = check_saved(file, whole)
    assert len(repaired.finished) == saved
    assert saved > 0 or tenths < 5


@pytest.mark.parametrize("seed", range(25))
def test_noise_costs_what_it_hit_and_nothing_wrong_is_kept(
    file: Path, whole: Path, seed: int
) -> None:
    """From a few bytes to several pages, anywhere."""
    rng = random.Random(seed)
    size = file.stat().st_size
    length = rng.choice([1, 8, 60, 500, PAGE, 3 * PAGE])
    noise(file, rng.randrange(size - length), length, seed)
    told = damaged_error(file)
    repaired = repair(file)
    if told is None:  # it hit nothing that is used, or only an index
        return
    assert "is damaged" in told
    assert repaired is not None
    assert check_saved(file, whole) == len(repaired.finished) >= TRIALS // 2


@pytest.mark.parametrize("seed", range(10))
def test_one_bit_is_enough_to_be_noticed(file: Path, whole: Path, seed: int) -> None:
    """A bit of a stored number flips: SQLite sees nothing, the checksum does."""
    rng = random.Random(seed)
    numbers = [row["val_accuracy"] for n in range(TRIALS) for row in trial(n).rows]
    number = rng.choice([one for one in numbers if isinstance(one, float)])
    stored = bytearray(file.read_bytes())
    at = stored.find(struct.pack(">d", number))
    stored[at + 7] ^= 1
    file.write_bytes(stored)
    assert "rows of curves" in str(read_error(file))
    repaired = repair(file)
    assert repaired is not None
    assert check_saved(file, whole) == len(repaired.finished) == TRIALS * 9 // 10 - 1


def read_error(file: Path) -> str | None:
    try:
        with Store(file) as store:
            store.curves()
    except StoreError as error:
        return str(error)
    return None


STRANGE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda file: file.write_bytes(b""),
    "a text": lambda file: file.write_text("this was never a database\n" * 1000),
    "noise": lambda file: file.write_bytes(random.Random(1).randbytes(50 * PAGE)),
    "zeros": lambda file: file.write_bytes(bytes(20 * PAGE)),
    "a header alone": lambda file: os.truncate(file, 100),
    "half a page": lambda file: os.truncate(file, 2048),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_file_without_a_single_row_makes_way_for_a_new_store(file: Path, what: str) -> None:
    STRANGE[what](file)
    content = file.read_bytes()
    repaired = repair(file)
    assert repaired is not None
    assert (repaired.finished, repaired.has_protocol) == ((), False)
    assert repaired.damaged.read_bytes() == content
    with Store(file) as store:
        assert store.trials().empty
        assert store.protocol() is None


def test_what_was_still_in_the_log_is_saved_too(whole: Path, tmp_path: Path) -> None:
    """The coordinator was killed, then a part of the file was overwritten."""
    live = tmp_path / "live" / "results.db"
    live.parent.mkdir()
    shutil.copy(whole, live)
    copy = tmp_path / "results.db"
    with Store(live) as store:
        late = trial(1000)
        store.record_all([late], {})
        for end in ("", "-wal"):
            shutil.copy(f"{live}{end}", f"{copy}{end}")
    noise(copy, copy.stat().st_size // 3, copy.stat().st_size // 2, seed=3)
    assert any(late.fingerprint in row for row in salvage(copy))
    assert repair(copy) is not None
    with Store(copy) as store:
        assert store.statuses([late.fingerprint]) == {late.fingerprint: "completed"}


def test_what_was_replaced_is_not_dug_up_again(tmp_path: Path) -> None:
    file = tmp_path / "results.db"
    with Store(file) as store:
        for number in range(TRIALS):
            failed = TrialRecord(**{**vars(trial(number)), "status": "failed", "rows": []})
            store.record_all([failed], {})
        for number in range(TRIALS):
            store.record_all([trial(number)], {"shared": {}, "is_pilot": True})
            store.keep_study({"name": "s", "text": f"{number} " * 3000})
    records = [tuple(row) for row in salvage(file) if row[0] == "study"]
    assert len(records) == 1
    assert len([row for row in salvage(file) if len(row) == 20]) == TRIALS


def test_a_second_damage_keeps_the_first_file(file: Path) -> None:
    for name in ("results.damaged-1.db", "results.damaged-2.db"):
        noise(file, 0, PAGE, seed=1)
        repaired = repair(file)
        assert repaired is not None
        assert repaired.damaged.name == name


def test_a_repair_that_was_cut_off_is_done_by_the_next(
    file: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were there no store in between, a run would make an empty one and train everything again."""

    def cut_off(source: Path, target: Path) -> None:
        if target == file:
            raise KeyboardInterrupt
        os.replace(source, target)  # noqa: PTH105 - its own way is the one that is cut off

    noise(file, 0, PAGE, seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut_off)
        patch.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            repair(file)
    repaired = repair(file)
    assert repaired is not None
    assert check_saved(file, whole) == len(repaired.finished) > 0


def test_a_lost_protocol_leaves_no_claim_confirmatory(file: Path) -> None:
    data = file.read_bytes()
    at = data.find(b'{"claims": {"c": "hash"}}')
    noise(file, at, 10, seed=1)
    repaired = repair(file)
    assert repaired is not None
    assert not repaired.has_protocol
    with Store(file) as store:
        store.record_all([trial(1001)], {"claims": {"c": "another"}})
        assert store.protocol() == {"is_lost": True}


def test_a_store_from_before_checksums_is_not_guessed_at(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "results.db"))
    make_version_1(place.database())
    noise(Path(place.address), 0, 100, seed=1)
    repaired = repair(Path(place.address))
    assert repaired is not None
    assert (repaired.finished, repaired.unsealed) == ((), 2)


def test_a_store_at_work_is_not_taken_away(file: Path) -> None:
    with Store(file) as store:
        store.claim("k")
        store.database.write(lambda c: c.exec_driver_sql("UPDATE trials SET status = 'x'"))
        with pytest.raises(StoreError, match=f"process {os.getpid()} is at work on it"):
            repair(file)


# -- by the command -------------------------------------------------------------------------------


@pytest.fixture
def damaged(trained: Trained, tmp_path: Path) -> Trained:
    """The trained study of the commands, its store without the middle third."""
    reports = Path(shutil.copytree(trained.reports, tmp_path / "reports"))
    store = reports / "tiny" / "results.db"
    size = store.stat().st_size
    noise(store, size // 3, size // 3, seed=1)
    return Trained(trained.file, reports, trained.ran)


@pytest.mark.parametrize("command", ["study", "report", "show", "plan", "calibrate", "verify"])
def test_each_command_names_the_file_and_the_way_out(damaged: Trained, command: str) -> None:
    done = run(command, *damaged.where)
    assert done.code == 2
    assert f"{damaged.folder / 'results.db'}: is damaged" in done.err
    assert "`bench store repair`" in done.err


def test_the_command_saves_what_it_can_and_the_study_goes_on(
    damaged: Trained, trained: Trained
) -> None:
    told = bench("store", "repair", *damaged.where)
    assert told.code == 0, told.err
    assert "The damaged file is kept as" in told.out
    assert "To be trained, by `bench study" in told.out
    saved = int(told.out.partition("Saved: ")[2].partition(" ")[0])
    assert 0 <= saved < 16
    done = bench("study", *damaged.where)
    assert done.code == 0, done.err
    assert f"{16 - saved} trained, {saved} reused" in done.out
    columns = ["arm", "replicate", "epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    tables = [pd.read_csv(t.folder / "curves.csv")[columns] for t in (damaged, trained)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    again = bench("store", "repair", *damaged.where)
    assert (again.code, "is whole; nothing to repair" in again.out) == (0, True)


def test_there_is_nothing_to_repair_where_nothing_is(trained: Trained, tmp_path: Path) -> None:
    done = run("store", "repair", trained.file, "--reports", tmp_path)
    assert done.code == 2
    assert "is not there, so there is nothing to repair" in done.err


def test_salvage_is_done_with_any_file_at_all() -> None:
    """Noise that looks like a chain of pages without end is no trap."""
    script = (
        "import random, sys, tempfile, pathlib\n"
        "from harness.store.salvage import salvage\n"
        "file = pathlib.Path(tempfile.mkdtemp(), 'f')\n"
        "for seed in range(5):\n"
        "    rng = random.Random(seed)\n"
        "    pages = [bytes([0x0D]) + rng.randbytes(4095) for _ in range(4)]\n"
        "    file.write_bytes(b''.join(pages))\n"
        "    list(salvage(file))\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE)
