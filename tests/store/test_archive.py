"""A store saved as text: the same trials come back, and a changed one never does."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path

import pytest

from harness.store import Store, StoreError
from harness.store.archive import archive_contents, archive_text
from harness.store.contents import Contents, add_contents, read_contents
from harness.store.tables import TRIALS
from tests.commands.conftest import Trained, run
from tests.commands.conftest import trained as trained  # noqa: PLC0414 - a fixture
from tests.store.conftest import Place
from tests.store.test_repair import trial

PROTOCOL = {"claims": {"c": "hash"}}


def fill(store: Store, numbers: range) -> None:
    """Trials that ended in all ways, some of them timed alone."""
    store.keep_study({"name": "Zeilen\u2028und \x85 mehr"})
    store.keep_document({"e": "日本"})
    store.describe_arm("settings", {"layers": [1]}, {"parameters": 10})
    for number in numbers:
        store.record_all([trial(number)], PROTOCOL)
    one = trial(numbers[0])
    rows = [{**row, "cpu_seconds": math.nan} for row in one.rows]
    store.record_timing(one.fingerprint, rows, difference="epoch 1", load=None)


@pytest.fixture
def text(tmp_path: Path) -> str:
    """An archive of some trials."""
    with Store(tmp_path / "some.db") as store:
        fill(store, range(12))
        return archive_text(read_contents(store))


def test_what_was_saved_comes_back(store: Store, text: str) -> None:
    contents = archive_contents(text, "a.jsonl")
    assert contents.finished == 11
    assert add_contents(store, contents) == (12, 1)
    again = archive_text(read_contents(store))
    assert again == text
    assert store.protocol() == PROTOCOL
    assert store.timing_differences() == {trial(0).fingerprint: "epoch 1"}


def test_curves_come_back_bit_for_bit(store: Store, place: Place, tmp_path: Path) -> None:
    fill(store, range(12))
    text = archive_text(read_contents(store))
    with Store(tmp_path / "other.db") as other:
        add_contents(other, archive_contents(text, "a.jsonl"))
        assert other.curves().equals(store.curves())
        assert other.timings().equals(store.timings())
        assert other.trials().equals(store.trials())


def test_an_archive_saved_again_only_grows(store: Store) -> None:
    fill(store, range(5))
    before = archive_text(read_contents(store)).splitlines()
    for number in range(5, 9):
        store.record_all([trial(number)], PROTOCOL)
    after = archive_text(read_contents(store)).splitlines()
    assert [line for line in after if line in before] == before
    assert len(after) == len(before) + 4


def test_trials_that_are_there_stay(store: Store, text: str) -> None:
    fill(store, range(3))
    assert add_contents(store, archive_contents(text, "a.jsonl")) == (9, 0)
    assert add_contents(store, archive_contents(text, "a.jsonl")) == (1, 0)  # the failed one, again


def test_a_changed_digit_is_noticed_wherever_it_is(text: str) -> None:
    places = [at for at, character in enumerate(text) if character.isdigit()]
    start, rng, noticed = text.index("\n"), random.Random(1), 0
    meant = archive_text(archive_contents(text, "a"))
    for at in rng.sample([at for at in places if at > start], 300):
        other = str((int(text[at]) + rng.randint(1, 9)) % 10)
        changed = text[:at] + other + text[at + 1 :]
        line = text.count("\n", 0, at) + 1
        try:
            read = archive_text(archive_contents(changed, "a.jsonl"))
        except StoreError as error:
            assert f"a.jsonl: line {line} is not as it was written" in str(error)  # noqa: PT017
            noticed += 1
        else:
            assert read == meant  # a 17th digit of the same floating-point number
    assert noticed > 250


def test_noise_never_passes_for_results(text: str) -> None:
    """Whatever is overwritten, what is read is what was written, or nothing."""
    rng, meant = random.Random(2), archive_contents(text, "a")
    for _ in range(300):
        at, length = rng.randrange(len(text)), rng.randint(1, 40)
        noise = rng.randbytes(length).decode("latin-1")
        try:
            found = archive_contents(text[:at] + noise + text[at + length :], "a")
        except StoreError:
            continue
        assert_within(found, meant)


def assert_within(found: Contents, meant: Contents) -> None:
    """Every row that was read is one that was written."""
    for table, rows in found.rows.items():
        for key, row in rows.items():
            assert meant.rows[table][key] == row
    for table, curves in found.epochs.items():
        for key, rows in curves.items():
            assert meant.epochs[table][key] == rows


def test_a_file_cut_short_is_noticed(text: str) -> None:
    with pytest.raises(StoreError, match="line 16 is not as it was written"):
        archive_contents("\n".join(text.splitlines()[:15]) + "\n{", "a.jsonl")
    broken = [json.loads(line) for line in text.splitlines()]
    whole = next(line for line in broken if line.get("table") == TRIALS.name)
    for values in whole["epochs"].values():
        values.pop()
    lines = "\n".join(json.dumps(line) for line in broken)
    with pytest.raises(StoreError, match="is not as it was written"):
        archive_contents(lines, "a.jsonl")


@pytest.mark.parametrize("text", ["", "\n", "[]", "arm,epoch\n", '{"kind": "else", "version": 1}'])
def test_what_is_no_archive_is_told(text: str) -> None:
    with pytest.raises(StoreError, match="holds no results that `bench store save` wrote"):
        archive_contents(text, "a.jsonl")


def test_a_newer_archive_is_refused() -> None:
    newer = '{"kind": "training-bench results", "version": 99}\n'
    with pytest.raises(StoreError, match="was written by a newer version"):
        archive_contents(newer, "a.jsonl")


# -- by the command -------------------------------------------------------------------------------


def test_a_study_goes_on_elsewhere(trained: Trained, tmp_path: Path) -> None:
    saved = run("store", "save", *trained.where, "--output", tmp_path / "tiny" / "results.jsonl")
    assert saved.code == 0, saved.err
    assert "16 finished trials saved in" in saved.out
    there = Trained(trained.file, tmp_path, trained.ran)
    missing = run("report", *there.where)
    assert missing.code == 2
    assert "or take those of" in missing.err
    assert f"bench store restore {trained.file}" in missing.err
    restored = run("store", "restore", *there.where)
    assert restored.code == 0, restored.err
    assert "; 16 added to" in restored.out
    done = run("study", *there.where)
    assert "0 trained, 16 reused" in done.out
    one, two = (t.folder / "verdicts.json" for t in (trained, there))
    assert one.read_text(encoding="utf-8") == two.read_text(encoding="utf-8")
    assert "; 0 added to" in run("store", "restore", *there.where).out


def test_a_study_is_told_of_trials_it_could_take_over(trained: Trained, tmp_path: Path) -> None:
    run("store", "save", *trained.where, "--output", tmp_path / "tiny" / "results.jsonl")
    done = run("study", trained.file, "--reports", tmp_path, "--budget", "1s", "--jobs", "1")
    assert "holds trials of this study; to take them over" in done.out.replace("\n", " ")


def test_trials_of_another_study_are_refused(trained: Trained, tmp_path: Path) -> None:
    run("store", "save", *trained.where, "--output", tmp_path / "a.jsonl")
    other = tmp_path / "other.toml"
    other.write_text(trained.file.read_text(encoding="utf-8").replace('"tiny"', '"other"'))
    where = [other, "--reports", tmp_path / "reports", "--input", tmp_path / "a.jsonl"]
    told = run("store", "restore", *where)
    assert (told.code, "holds the trials of tiny, not of other" in told.err) == (2, True)


def test_what_cannot_be_read_or_written_is_told(trained: Trained, tmp_path: Path) -> None:
    told = run("store", "restore", *trained.where, "--input", tmp_path / "none.jsonl")
    assert (told.code, "is not there; `bench store save` writes it" in told.err) == (2, True)
    told = run("store", "restore", *trained.where, "--input", tmp_path)
    assert (told.code, "cannot be read" in told.err) == (2, True)
    shutil.copy(trained.folder / "results.db", tmp_path / "results.jsonl")
    told = run("store", "restore", *trained.where, "--input", tmp_path / "results.jsonl")
    assert (told.code, "cannot be read" in told.err) == (2, True)
    told = run("store", "save", trained.file, "--reports", tmp_path / "empty")
    assert (told.code, "holds no results yet" in told.err) == (2, True)
    (tmp_path / "file").touch()
    told = run("store", "save", *trained.where, "--output", tmp_path / "file" / "a.jsonl")
    assert (told.code, "cannot create the folder" in told.err) == (2, True)
