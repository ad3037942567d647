"""The study file: what is accepted, what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.study_file import load_study, safe_name
from harness.study_problems import StudyError

GOOD = """
[study]
name = "tiny"
question = "Is it?"
replicates = 6
epochs = 3

[data]
name = "digits"

[[arms]]
name = "a"
architecture = "linear"
optimizer = { name = "sgd", learning_rate = 0.1 }

[[arms]]
name = "b"
architecture = { name = "mlp", hidden = [8] }
optimizer = { name = "sgd", learning_rate = 0.1 }
batch_size = 64

[[claims]]
id = "one"
says = "a ends above b."
compare = ["a", "b"]
measure = { kind = "final" }
expect = "greater"
margin = 0.01
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        load_study(write(folder, text))
    return str(caught.value)


def test_a_good_study_loads_with_defaults_filled_in(tmp_path: Path) -> None:
    loaded = load_study(write(tmp_path, GOOD))
    study = loaded.study
    assert study.study.replicate_ids == [0, 1, 2, 3, 4, 5]
    assert [study.epochs_of(arm) for arm in study.all_arms] == [3, 3]
    assert [study.batch_size_of(arm) for arm in study.all_arms] == [128, 64]
    assert study.randomness.vary == ["init", "shuffle", "dropout", "split"]
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("replicates = 6", "replicats = 6", 'did you mean "replicates"'),
        ("replicates = 6", "replicates = 0", "study.replicates: 0 must be at least 1"),
        ("epochs = 3", "epochs = 0", "study.epochs: 0 must be at least 1"),
        ("batch_size = 64", "batch_size = -1", "arms[2].batch_size: -1 must be at least 1"),
        ("replicates = 6", "replicates = true", "study.replicates: true is not an integer"),
        ("replicates = 6", "seeds = [0, 4294967296]", "4294967296 is no seed"),
        ("replicates = 6", "seeds = [-1]", "-1 is no seed (allowed: 0 to 4294967295)"),
        ("replicates = 6", "seeds = [true]", "study.seeds[1]: true is not an integer"),
        ("replicates = 6", "seeds = [0, 1, 1]", "seeds lists 1 more than once"),
        ("replicates = 6", "seeds = [1]\nseed = 2", "one or the other"),
        ('name = "b"', 'name = "a"', '2 entries have name = "a"'),
        ('compare = ["a", "b"]', 'compare = ["a", "bb"]', 'there is no arm "bb"; arms: a, b'),
        ('compare = ["a", "b"]', 'compare = ["a", "a"]', 'both sides are "a"'),
        ('compare = ["a", "b"]', 'compare = ["a", "*"]', 'both sides hold "a": name arms'),
        ("margin = 0.01", "margin = -0.01", "claims[1].margin: -0.01 must be at least 0"),
        ("margin = 0.01", "margin = 1.5", "write 0.015 for 1.5 points"),
        ('expect = "greater"', 'expect = "bigger"', "'bigger' is not allowed"),
        ('kind = "final"', 'kind = "finl"', 'did you mean "final"'),
        (
            'measure = { kind = "final" }',
            'measure = { kind = "epochs_to", target = 98 }',
            "target 98 is outside the range of val_accuracy, which runs from 0 to 1; write 0.98",
        ),
        (
            'measure = { kind = "final" }',
            'measure = { kind = "epochs_to", targt = 0.9 }',
            "claims[1].measure.targt: unknown key; allowed here: kind, metric, sustain, target; "
            'did you mean "target"?',
        ),
        (
            'measure = { kind = "final" }',
            'measure = { kind = "at_epoch", epoch = 4 }',
            "epoch 4 is beyond the 3 epochs",
        ),
        (
            "margin = 0.01",
            'margin = 0.01\nunit = "epochs"',
            "mixed units: the claim counts in epochs, its measure in accuracy",
        ),
        (
            'measure = { kind = "final" }',
            'measure = { kind = "at_epoch", at_epoch = 2 }',
            "claims[1].measure.at_epoch: unknown key; allowed here: epoch, kind, metric",
        ),
        ('measure = { kind = "final" }', "measure = {}", "claims[1].measure.kind: is missing"),
        (
            'measure = { kind = "final" }',
            'measure = "final"',
            "claims[1].measure: 'final' must be a table, such as { kind = \"…\" }",
        ),
        ('["a", "b"]', '["a", "b", "c"]', "compare: ['a', 'b', 'c'] may hold at most 2"),
        ('id = "one"', 'id = "größer"', "'größer' may hold only letters, digits and . _ -"),
        ('question = "Is it?"', 'question = " "', "study.question: is empty"),
        ("[[claims]]", "[claims]", "claims: is one table; write [[claims]], with two brackets"),
        ("margin = 0.01", "margin = 0.01\nanswers_question = 1", "1 must be true or false"),
        (
            'optimizer = { name = "sgd", learning_rate = 0.1 }',
            "optimizer = {}",
            "arms[1].optimizer.name: is missing",
        ),
        ('name = "digits"', 'name = "digit"', "did you mean digits?"),
        ('architecture = "linear"', 'architecture = "linaer"', "arms[1].architecture.name"),
        ("learning_rate = 0.1 }\nbatch", "lr = 0.1 }\nbatch", "arms[2].optimizer.lr"),
        ("learning_rate = 0.1 }\nbatch", "decay = 0.1 }\nbatch", "arms[2].optimizer.decay"),
        ("[data]", "[dta]", "dta: unknown key"),
        ("[study]", "[study", "is not valid TOML"),
        ("replicates = 6", "replicates = 99999999999999999999999", "must be at most 1e+06"),
        ("replicates = 6", "replicates = " + "9" * 5000, "is not valid TOML"),
        ("replicates = 6", "x = " + "[" * 3000, "is not valid TOML"),
        ("margin = 0.01", "margin = inf", "claims[1].margin: inf is not a finite number"),
        (
            'compare = ["a", "b"]\nmeasure = { kind = "final" }',
            'compare = ["a", "a"]\nat_epochs = [3, "last"]\nmeasure = { kind = "at_epoch" }',
            'are one epoch: the last of "a" is 3',
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_the_way_out(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    """B4, B5, C2 and their kind."""
    assert expected in refusal(tmp_path, GOOD.replace(old, new, 1))


def test_a_profile_may_claim_more(tmp_path: Path) -> None:
    more = """
[profiles.full.claims.two]
says = "a ends above 90 %."
compare = ["a", 0.9]
measure = { kind = "final" }
expect = "greater"
margin = 0.0
"""
    file = write(tmp_path, GOOD + more)
    assert [claim.id for claim in load_study(file).study.claims] == ["one"]
    assert [claim.id for claim in load_study(file, "full").study.claims] == ["one", "two"]
    write(tmp_path, GOOD + more.replace('expect = "greater"\n', ""))
    with pytest.raises(StudyError, match='there is no "two" to change; it has one'):
        load_study(file, "full")


def test_entries_of_a_grid_that_share_a_name_are_to_get_labels(tmp_path: Path) -> None:
    rates = ", ".join(f'{{ name = "adam", learning_rate = {rate} }}' for rate in (0.01, 0.1))
    grid = f'[grid]\narchitectures = ["mlp"]\noptimizers = [{rates}]\n'
    assert "exist already: mlp-adam; give its entries labels" in refusal(tmp_path, GOOD + grid)
    load_study(write(tmp_path, GOOD + grid.replace("0.1 }", '0.1, label = "fast" }')))


def test_arms_of_one_name_are_no_fault_of_a_grid_that_is_not_there(tmp_path: Path) -> None:
    assert "grid" not in refusal(tmp_path, GOOD.replace('name = "b"', 'name = "a"', 1))


def test_all_mistakes_are_shown_together(tmp_path: Path) -> None:
    text = GOOD.replace("epochs = 3", "epochs = 0").replace("margin = 0.01", "margin = -1")
    text = text.replace('name = "digits"', 'name = "nothing"')
    message = refusal(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'study.toml'}: 3 problems")


def test_duplicate_claims_are_refused(tmp_path: Path) -> None:
    claim = GOOD[GOOD.index("[[claims]]") :]
    assert '2 entries have id = "one"' in refusal(tmp_path, GOOD + claim)


def test_too_few_replicates_are_warned_of(tmp_path: Path) -> None:
    """D3: seven claims need nine pairs."""
    claim = GOOD[GOOD.index("[[claims]]") :]
    more = "".join(claim.replace('"one"', f'"more-{i}"') for i in range(6))
    loaded = load_study(write(tmp_path, GOOD + more))
    assert "7 claims at alpha 0.05 need at least 9 paired replicates" in loaded.warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            '{ kind = "final" }',
            '{ kind = "epochs_to", target = 0.9, sustain = 4 }',
            "claim one: nothing is held for 4 epochs within 3",
        ),
        (
            '{ kind = "final" }',
            '{ kind = "epochs_to_plateau", within = 0.01, window = 2 }',
            "claim one: two windows of 2 epochs do not fit into 3",
        ),
        (
            '{ kind = "final" }\nexpect = "greater"\nmargin = 0.01',
            '{ kind = "epochs_to", target = 0.9 }\nexpect = "greater"\nmargin = 3',
            "claim one: a margin of 3 epochs is no less than the 3 there are",
        ),
        (
            'batch_size = 64\n\n[[claims]]\nid = "one"\nsays = "a ends above b."\n'
            'compare = ["a", "b"]\nmeasure = { kind = "final" }',
            'epochs = 5\n\n[[claims]]\nid = "one"\nsays = "a ends above b."\n'
            'compare = ["a", "b"]\nmeasure = { kind = "epochs_to", target = 0.9 }',
            "claim one: its arms have 3 and 5 epochs",
        ),
        ("batch_size = 64", "vary = []", 'claim one: nothing is random in "b"'),
    ],
)
def test_a_claim_that_cannot_mean_what_it_says_is_warned_of(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in GOOD
    warned = load_study(write(tmp_path, GOOD.replace(old, new))).warnings
    assert [warning[: len(told)] for warning in warned] == [told]


def test_a_profile_changes_any_key_and_finds_arms_and_claims_by_name(tmp_path: Path) -> None:
    profile = """
[profiles.quick]
study.epochs = 2
arms.b.batch_size = 32
claims.one.margin = 0.5
data.name = "mnist-5k"
"""
    loaded = load_study(write(tmp_path, GOOD + profile), "quick")
    study = loaded.study
    assert (study.study.epochs, study.arms[1].batch_size) == (2, 32)
    assert (study.claims[0].margin, study.data.name) == (0.5, "mnist-5k")
    assert loaded.folder_name == "tiny-quick"


@pytest.mark.parametrize(
    ("profile", "arm"),
    [
        ('architecture = { name = "cnn" }', {"architecture": "cnn"}),
        ('architecture.name = "linear"', {"architecture": "linear"}),
        ('architecture = "linear"', {"architecture": "linear"}),
        ("architecture.dropout = 0.1", {"hidden": [8], "dropout": 0.1}),
        ('architecture = { name = "mlp", dropout = 0.1 }', {"hidden": [8], "dropout": 0.1}),
        ('optimizer = { name = "adadelta", rho = 0.9 }', {"rho": 0.9}),
    ],
)
def test_a_profile_that_names_another_model_or_optimizer_leaves_the_old_ones_settings_behind(
    tmp_path: Path, profile: str, arm: dict[str, object]
) -> None:
    file = write(tmp_path, GOOD + f"\n[profiles.other]\narms.b.{profile}\n")
    found = load_study(file, "other").study.arms[1]
    key = profile.partition(" ")[0].partition(".")[0]
    spec = found.architecture if key == "architecture" else found.optimizer
    assert spec.settings == {k: v for k, v in arm.items() if k != key}
    assert spec.name == arm.get(key, spec.name)


def test_a_profile_may_measure_something_else(tmp_path: Path) -> None:
    target = GOOD.replace('kind = "final"', 'kind = "epochs_to", target = 0.9, sustain = 2')
    profiles = """
[profiles.final]
claims.one.measure = { kind = "final", metric = "accuracy" }

[profiles.lower]
claims.one.measure = { kind = "epochs_to", target = 0.5 }
"""
    file = write(tmp_path, target + profiles)
    final, lower = (load_study(file, name).study.claims[0].measure for name in ("final", "lower"))
    assert final.model_dump(exclude_unset=True) == {"kind": "final", "metric": "accuracy"}
    assert lower.model_dump(exclude_unset=True) == {
        "kind": "epochs_to",
        "target": 0.5,
        "sustain": 2,
    }


def test_a_profile_may_take_another_schedule(tmp_path: Path) -> None:
    step = 'schedule = "exponential_decay", initial_learning_rate = 0.1'
    scheduled = GOOD.replace(
        "learning_rate = 0.1", f"learning_rate = {{ {step}, decay_steps = 9, decay_rate = 0.5 }}"
    )
    cosine = {"schedule": "cosine_decay", "initial_learning_rate": 0.1, "decay_steps": 9}
    profile = """
[profiles.cosine.arms.a.optimizer.learning_rate]
schedule = "cosine_decay"
initial_learning_rate = 0.1
decay_steps = 9
"""
    study = load_study(write(tmp_path, scheduled + profile), "cosine").study
    assert study.arms[0].optimizer.settings == {"learning_rate": cosine}


def test_in_a_profile_one_source_of_data_replaces_the_other(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x_train=np.zeros((9, 2, 2)), y_train=np.arange(9) % 3)
    data = GOOD.replace('name = "digits"', 'name = "digits"\ntrain = 6\nvalidation = 3')
    profiles = """
[profiles.mine]
data.npz = "mine.npz"

[profiles.larger]
data.name = "mnist-5k"
"""
    file = write(tmp_path, data + profiles)
    for name, source in (("mine", {"npz": "mine.npz"}), ("larger", {"name": "mnist-5k"})):
        found = load_study(file, name).study.data.model_dump(exclude_none=True)
        assert found == {**source, "train": 6, "validation": 3}
    write(tmp_path, GOOD.replace('name = "digits"', 'npz = "mine.npz"') + profiles)
    assert load_study(file, "larger").study.data.model_dump(exclude_none=True) == {
        "name": "mnist-5k"
    }
    write(tmp_path, data + '\n[profiles.both]\ndata = { name = "digits", npz = "mine.npz" }\n')
    with pytest.raises(StudyError, match="give either name"):
        load_study(file, "both")


def test_in_a_profile_one_way_to_vary_replaces_the_other(tmp_path: Path) -> None:
    varied = GOOD.replace("batch_size = 64", 'vary = ["init"]').replace('["a", "b"]', '["a", 0.9]')
    profile = '\n[profiles.square]\narms.b.crossed = ["init", "split"]\n'
    arm = load_study(write(tmp_path, varied + profile), "square").study.arms[1]
    assert (arm.vary, arm.crossed) == (None, ["init", "split"])


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match='no profile "fast"'):
        load_study(write(tmp_path, GOOD), "fast")


def test_a_grid_stands_for_every_combination(tmp_path: Path) -> None:
    head = GOOD[: GOOD.index("[[arms]]")]
    grid = """
[grid]
architectures = ["linear", { name = "mlp", hidden = [8], label = "small" }]
optimizers = [{ name = "sgd", learning_rate = 0.1 }, "adam"]
"""
    loaded = load_study(write(tmp_path, head + grid))
    assert [arm.name for arm in loaded.study.all_arms] == [
        "linear-sgd",
        "linear-adam",
        "small-sgd",
        "small-adam",
    ]


def test_a_missing_file_is_named_with_a_near_one(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(StudyError, match=r"did you mean .*study\.toml"):
        load_study(tmp_path / "stud.toml")


@pytest.mark.parametrize(
    ("name", "folder"),
    [("../x", "x"), ("a/b", "a-b"), (".hidden", "hidden"), ("...", "unnamed"), ("研究", "研究")],
)
def test_a_name_never_leaves_its_folder(name: str, folder: str) -> None:
    """F6."""
    assert safe_name(name) == folder


@pytest.mark.parametrize("profile", [None, "smoke", "full"])
def test_the_study_that_ships_is_valid(profile: str | None) -> None:
    loaded = load_study(Path(__file__).parent.parent / "studies" / "convergence.toml", profile)
    assert [arm.name for arm in loaded.study.all_arms] == [
        "mlp-rmsprop",
        "mlp-adadelta",
        "cnn-rmsprop",
        "cnn-adadelta",
    ]


def test_switching_determinism_off_is_said(tmp_path: Path) -> None:
    """B1: the report carries the same sentence, since it shows the study's warnings."""
    loaded = load_study(
        write(tmp_path, GOOD.replace("epochs = 3", "epochs = 3\ndeterministic = false"))
    )
    assert any("repeated trials may differ" in warning for warning in loaded.warnings)


def test_a_profile_may_name_seeds_in_place_of_replicates(tmp_path: Path) -> None:
    profile = "\n[profiles.two]\nstudy.seeds = [5, 9]\n"
    loaded = load_study(write(tmp_path, GOOD + profile), "two")
    assert loaded.study.study.replicate_ids == [5, 9]
    seeds = GOOD.replace("replicates = 6", "seeds = [5, 9]")
    file = write(tmp_path, seeds + "\n[profiles.three]\nstudy.replicates = 3\n")
    assert load_study(file, "three").study.study.replicate_ids == [0, 1, 2]
