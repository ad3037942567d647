"""``bench init`` and ``bench schema``: a first study that loads and trains, and its schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.study_file import load_study
from harness.study_schema import study_schema
from tests.commands.conftest import ROOT, STUDY, bench, run

STUDIES = sorted((ROOT / "studies").glob("*.toml"))


def faults(document: object) -> list[str]:
    """What the schema finds wrong."""
    return [
        e.message for e in jsonschema.Draft202012Validator(study_schema()).iter_errors(document)
    ]


@pytest.mark.parametrize("file", STUDIES, ids=[file.stem for file in STUDIES])
def test_the_schema_takes_every_study_that_ships(file: Path) -> None:
    assert faults(tomllib.loads(file.read_text(encoding="utf-8"))) == []


def test_the_schema_is_valid_and_every_key_is_described() -> None:
    schema = study_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    bare = [
        f"{name}.{key}"
        for name, part in schema["$defs"].items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value and key not in {"kind", "measure"}
    ]
    assert bare == []


@pytest.mark.parametrize(
    "change",
    [
        'name = "tiny"|name = "tiny"\nreplicate = 3',
        "epochs = 2|epochs = 0",
        'expect = "greater"|expect = "bigger"',
        'architecture = "linear"|architecture = "linearr"',
        'kind = "final"|kind = "finale"',
        'name = "digits"|name = "digit"',
    ],
)
def test_the_schema_refuses_what_the_study_file_refuses(change: str) -> None:
    before, after = change.split("|")
    assert faults(tomllib.loads(STUDY)) == []
    assert faults(tomllib.loads(STUDY.replace(before, after))) != []


def test_the_schema_is_written_to_a_file_or_to_standard_output(tmp_path: Path) -> None:
    assert run("schema", tmp_path / "s.json").code == 0
    written = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert json.loads(run("schema").out) == written
    assert written["additionalProperties"] is False


def test_a_first_study_loads_and_its_smoke_profile_trains(tmp_path: Path) -> None:
    done = bench("init", "mine.toml", cwd=tmp_path)
    assert done.code == 0, done.err
    loaded = load_study(tmp_path / "mine.toml")
    assert [arm.name for arm in loaded.study.all_arms] == ["mlp-adam", "cnn-adam"]
    assert loaded.warnings == ()
    text = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    assert text.startswith("#:schema ./bench.schema.json\n")
    schema = json.loads((tmp_path / "bench.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads(text), schema)
    trained = bench("study", "mine.toml", "--profile", "smoke", cwd=tmp_path)
    assert trained.code == 0, trained.err


def test_options_answer_the_questions(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    odd = 'Is "b" \\ better?\x7f'
    options = ["--name", "odd", "--question", odd, "--architecture", "mlp"]
    assert run("init", file, *options, "--optimizer", "sgd", "--optimizer", "adadelta").code == 0
    study = load_study(file).study
    assert study.study.question == odd
    assert [arm.optimizer.settings for arm in study.all_arms] == [
        {"learning_rate": 0.01},
        {"learning_rate": 1.0},
    ]


def test_questions_are_asked_in_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.commands.writing.asks_people", lambda: True)
    answers = "linear mlp\nadam, sgd\ndigits\nWhich?\n12\n3\n"
    done = CliRunner().invoke(app, ["init", str(tmp_path / "asked.toml")], input=answers)
    assert done.exit_code == 0, done.output
    study = load_study(tmp_path / "asked.toml").study
    assert len(study.all_arms) == 4
    assert (study.study.question, study.study.replicates, study.study.epochs) == ("Which?", 12, 3)
    assert load_study(tmp_path / "asked.toml").warnings == ()


def test_nothing_is_overwritten_and_nothing_broken_is_written(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("precious", encoding="utf-8")
    done = run("init", file)
    assert done.code == 2
    assert "--force replaces it" in done.err
    done = run("init", file, "--force", "--architecture", "cnnn", "--architecture", "cnn")
    assert done.code == 2
    assert "did you mean cnn?" in done.err
    assert file.read_text(encoding="utf-8") == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
    assert run("init", file, "--force").code == 0
