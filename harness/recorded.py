"""Read results from where they lie: a store, or a folder of exported tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analyses.compare import Recorded
from harness.errors import UserError
from harness.measures import CURVE_COLUMNS
from harness.report.exports import STUDY_FILE, inert
from harness.store import Store
from harness.study_file import LoadedStudy, study_from_document

CURVES_FILE, TRIALS_FILE = "curves.csv", "trials.csv"


def read_recorded(place: Path, label: str, study: LoadedStudy | None = None) -> Recorded:
    """Read results.

    Args:
        place: A results database, or a folder that holds one or what `bench report` exports.
        label: What to call them.
        study: The study, for a store that was written before stores kept it.

    Raises:
        UserError: There are no results, or they do not say what they are results of.
    """
    if place.is_dir() and (place / "results.db").is_file():
        return _from_store(place / "results.db", label, study)
    if place.suffix == ".toml":
        raise UserError(
            f"{place}: is a study's file, not its results; give the results folder, such as "
            f"reports/{place.stem}"
        )
    if place.name == CURVES_FILE and place.is_file():  # its folder is what can be held against
        raise UserError(f"{place}: is a table of results; give its folder, {place.parent}")
    if place.is_file():
        return _from_store(place, label, study)
    if place.is_dir() and (place / CURVES_FILE).is_file():
        return _from_tables(place, label, study)
    if place.is_dir():
        inside = [p.name for p in sorted(place.iterdir()) if (p / "results.db").is_file()]
        hint = f"; did you mean {place / inside[0]}?" if inside else ""
        raise UserError(f"{place}: holds no results (neither results.db nor {CURVES_FILE}){hint}")
    raise UserError(f"{place}: is not there; give a results folder such as reports/convergence")


def labels(places: Sequence[Path]) -> tuple[str, str]:
    """What to call two results: the last part in which their paths differ, or A and B."""
    folders = [place.parent if place.is_file() else place for place in places]
    parts = [folder.absolute().parts[::-1] for folder in folders]
    for a, b in zip(parts[0], parts[1], strict=False):
        if a != b:
            return a, b
    return "A", "B"


def _from_store(file: Path, label: str, study: LoadedStudy | None) -> Recorded:
    """What a store holds under the names of the study's arms, whatever version trained it."""
    with Store(file) as store:
        kept = store.study()
        loaded = study or (study_from_document(kept, file.parent) if kept else None)
        if loaded is None:
            raise _unnamed(file)
        trials = _latest(store.trials(), loaded)
        curves = trials[["arm", "replicate", "fingerprint"]].merge(store.curves(), on="fingerprint")
        environments = [store.document(key) for key in sorted(set(trials["environment"].dropna()))]
    return Recorded(
        label=label,
        place=str(file),
        study=loaded.study,
        trials=trials,
        curves=curves[["arm", "replicate", "epoch", *CURVE_COLUMNS]],
        environments=environments,
    )


def _latest(trials: pd.DataFrame, loaded: LoadedStudy) -> pd.DataFrame:
    """The trials that belong together: of each arm those with the settings that it had last."""
    ids = loaded.study.study.replicate_ids
    own = trials[
        trials["arm"].isin([arm.name for arm in loaded.study.all_arms])
        & trials["replicate"].isin(ids)
    ].sort_values("finished_at")
    last = own.groupby("arm")["identity"].transform("last")
    return own[own["identity"] == last].drop_duplicates(["arm", "replicate"], keep="last")


def _from_tables(folder: Path, label: str, study: LoadedStudy | None) -> Recorded:
    kept = _json(folder / STUDY_FILE)
    loaded = study or (study_from_document(kept, folder) if kept else None)
    if loaded is None:
        raise _unnamed(folder)
    names = {str(inert(arm.name)): arm.name for arm in loaded.study.all_arms}
    curves = _csv(folder / CURVES_FILE, ["arm", "replicate", "epoch", *CURVE_COLUMNS])
    trials = _csv(folder / TRIALS_FILE, ["arm", "replicate", "status"])
    for table in (curves, trials):
        table["arm"] = table["arm"].map(lambda name: names.get(name, name))
    return Recorded(
        label=label,
        place=str(folder),
        study=loaded.study,
        trials=trials,
        curves=curves,
        environments=kept.get("environments", []) if kept else [],
    )


def _json(file: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    return document if isinstance(document, dict) else None


def _csv(file: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table with at least these columns; numbers are read exactly as they were written."""
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise UserError(f"{file}: has no column {', '.join(missing)}; export the results again")
    kinds: dict[str, Callable[[str], Any]] = dict.fromkeys(CURVE_COLUMNS, _number)
    kinds |= {"replicate": int, "epoch": int}
    for name in columns:
        try:
            table[name] = table[name].map(kinds.get(name, str))
        except ValueError as error:
            raise UserError(f"{file}: column {name}: {error}; export the results again") from None
    return table


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")


def _unnamed(place: Path) -> UserError:
    return UserError(
        f"{place}: does not say which study it belongs to (it was written by an older version); "
        "name the study's file with --study, or rebuild it with `bench report`"
    )
