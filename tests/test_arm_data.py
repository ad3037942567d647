"""Arms with data of their own: one study over several datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.analyses.many_arms import ranked_arms
from harness.gather import sample_images
from harness.own_code import refuse_strange_code
from harness.plan import arm_job, digest
from harness.study import Study
from harness.study_file import load_study
from harness.study_problems import StudyError
from tests.report.reading import read_page
from tests.test_cli import bench

STUDY = """
[study]
name = "growth"
question = "Does more data help the MLP more than the linear model?"
replicates = 2
epochs = 2

[data]
name = "digits"
train = 200
validation = 100

[[arms]]
name = "mlp-few"
architecture = { name = "mlp", hidden = [16] }
optimizer = { name = "sgd", learning_rate = 0.1 }

[[arms]]
name = "linear-few"
architecture = "linear"
optimizer = { name = "sgd", learning_rate = 0.1 }

[[arms]]
name = "mlp-mnist"
architecture = { name = "mlp", hidden = [16] }
optimizer = { name = "sgd", learning_rate = 0.1 }
data = { name = "mnist-5k", train = 300, validation = 100 }

[[arms]]
name = "linear-mnist"
architecture = "linear"
optimizer = { name = "sgd", learning_rate = 0.1 }
data = { name = "mnist-5k", train = 300, validation = 100 }

[[claims]]
id = "gap"
says = "The MLP's advantage is larger on MNIST."
compare = ["mlp-mnist", "linear-mnist"]
beyond = ["mlp-few", "linear-few"]
measure = { kind = "final" }
expect = "greater"
margin = 0.01
"""


def write(folder: Path, text: str = STUDY) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(folder: Path, old: str = "", new: str = "") -> Study:
    return load_study(write(folder, STUDY.replace(old, new) if old else STUDY)).study


def test_an_arm_is_trained_on_its_own_data_or_the_studys(tmp_path: Path) -> None:
    study = loaded(tmp_path)
    jobs = {arm.name: arm_job(study, arm, tmp_path).data for arm in study.all_arms}
    assert jobs["linear-few"] == {"name": "digits", "train": 200, "validation": 100}
    assert jobs["linear-mnist"] == {"name": "mnist-5k", "train": 300, "validation": 100}
    assert study.data_label == "digits and mnist-5k"
    assert [data.name for data in study.all_data] == ["digits", "mnist-5k"]


def test_data_of_other_arms_leave_an_arm_what_it_was(tmp_path: Path) -> None:
    """What is stored of an arm stays its own when another one is given other data."""
    own = 'data = { name = "mnist-5k", train = 300, validation = 100 }\n'
    studies = loaded(tmp_path), loaded(tmp_path, own)
    keys = [
        {arm.name: digest(arm_job(study, arm, tmp_path).settings) for arm in study.all_arms}
        for study in studies
    ]
    same = {name for name in keys[0] if keys[0][name] == keys[1][name]}
    assert same == {"mlp-few", "linear-few"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('data = { name = "mnist-5k"', 'data = { name = "mnist-5"', "arms[3].data.name"),
        ('data = { name = "mnist-5k"', 'data = { nam = "mnist-5k"', "arms[3].data"),
        ('beyond = ["mlp-few", "linear-few"]', 'beyond = ["mlp-few"]', "claims[1].beyond"),
        ('beyond = ["mlp-few", "linear-few"]', 'beyond = ["mlp-fev", "linear-few"]', "mlp-few"),
        ('beyond = ["mlp-few", "linear-few"]', 'beyond = ["*-few", "linear-few"]', "both sides"),
        ('beyond = ["mlp-few", "linear-few"]', 'beyond = ["mlp-few", "mlp-few"]', "both sides"),
        (
            'beyond = ["mlp-few", "linear-few"]',
            'beyond = ["linear-mnist", "mlp-mnist"]',
            "a difference less itself",
        ),
        (
            'measure = { kind = "final" }',
            'measure = { kind = "final" }\nstatistic = "spread"',
            "means",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(StudyError) as caught:
        loaded(tmp_path, old, new)
    assert told in str(caught.value)


def test_code_that_arms_name_as_data_must_be_ones_own(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text("def load():\n    raise SystemExit\n")
    file = write(tmp_path, STUDY.replace('name = "mnist-5k"', 'name = "theirs:load"'))
    with pytest.raises(StudyError) as caught:
        refuse_strange_code(load_study(file))
    assert "arms[3].data.name" in str(caught.value)


def test_logs_have_no_data_and_pairs_of_pairs_must_be_paired(tmp_path: Path) -> None:
    logs = "".join(
        f'[[arms]]\nname = "{name}"\nlogs = {{ path = "{name}.csv" }}\n' for name in "abcd"
    )
    claim = STUDY[STUDY.index("[[claims]]") :]
    claim = claim.replace("mlp-mnist", "a").replace("linear-mnist", "b")
    claim = claim.replace("mlp-few", "c").replace("linear-few", "d")
    head = '[study]\nname = "l"\nquestion = "?"\n'
    with pytest.raises(StudyError) as caught:
        load_study(write(tmp_path, head + logs + claim))
    assert "study.paired = true" in str(caught.value)
    assert load_study(write(tmp_path, f"{head}paired = true\n{logs}{claim}")).study.is_of_logs
    own = logs.replace(
        'logs = { path = "a.csv" }', 'logs = { path = "a.csv" }\ndata = { name = "digits" }'
    )
    with pytest.raises(StudyError, match="drop data"):
        load_study(write(tmp_path, f"{head}paired = true\n{own}{claim}"))


def test_arms_of_several_datasets_are_not_ranked(tmp_path: Path) -> None:
    assert ranked_arms(loaded(tmp_path)) == []
    own = 'data = { name = "mnist-5k", train = 300, validation = 100 }\n'
    assert len(ranked_arms(loaded(tmp_path, own))) == 4


def test_images_of_each_dataset_are_shown(tmp_path: Path) -> None:
    shown = sample_images(load_study(write(tmp_path), allow_code=True))
    assert {name: images.shape for name, (images, _) in shown.items()} == {
        "digits": (81, 8, 8, 1),
        "mnist-5k": (81, 28, 28, 1),
    }


def test_a_study_over_two_datasets_from_file_to_report(tmp_path: Path) -> None:
    """Real training: each arm gets the images, the input shape and the labels of its own data."""
    file = write(tmp_path)
    done = bench("study", str(file), "--reports", str(tmp_path / "reports"), "--jobs", "1")
    assert done.returncode == 0, done.stderr
    curves = pd.read_csv(tmp_path / "reports" / "growth" / "curves.csv")
    assert len(curves) == 4 * 2 * 2
    assert np.isfinite(curves["val_loss"]).all()
    page = read_page(tmp_path / "reports" / "growth" / "report.html")
    text = " ".join(page.elements[0].text.split())
    assert "Training images of digits." in text
    assert "Training images of mnist-5k." in text
    assert "mlp-mnist − linear-mnist" in text
