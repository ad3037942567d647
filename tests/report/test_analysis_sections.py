"""The sections on choices, whole curves and published runs: words, figures and files agree."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.measures import FloatArray
from harness.report import contrast_section, judge_section, specification_section
from harness.report.sections import Section
from harness.results import Results
from tests.report.invented import make_results
from tests.report.reading import Page
from tests.stats.curve_noise import null_curves
from tests.synthetic import Arm, claim_toml, make

CLAIMS = claim_toml(
    "slower",
    ("a", "b"),
    'kind = "epochs_to", target = 0.85',
    margin=0.5,
    more="answers_question = true",
) + claim_toml("higher", ("a", "b"), 'kind = "final"', margin=0.002)


def noise(seed: int, n: int = 10) -> FloatArray:
    return null_curves(np.random.default_rng(seed), n, 12)


def arms() -> dict[str, Arm]:
    """Arm a is behind in epochs 1 to 3 and level with b from then on."""
    a = noise(1)
    a[:, :3] -= 0.1
    return {"a": Arm(a), "b": Arm(noise(2))}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("sections"), arms(), CLAIMS)


@pytest.fixture(scope="module")
def specifications(results: Results) -> Section:
    section = specification_section.section_of(results)
    assert section is not None
    return section


def table(section: Section, name: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(section.files[name]))


def check_figures(section: Section) -> None:
    """Well-formed themed SVG with words for those who do not see it, and a file that exists."""
    ids: list[str] = []
    for drawn in section.figures:
        page = Page(drawn.svg)
        assert page.faults == []
        assert page.all("svg")[0]["aria-label"]
        assert "nan" not in drawn.svg.lower()
        assert not set(re.findall(r"#[0-9a-f]{6}(?!\))", drawn.svg))
        assert drawn.data in section.files
        ids += re.findall(r' id="([^"]+)"', drawn.svg)
    assert len(ids) == len(set(ids))


def test_every_claim_says_how_much_hangs_on_its_choices(specifications: Section) -> None:
    decides, *lines = specifications.lead
    assert "decided by its declared specification alone" in decides
    assert "none of them is a second chance to win" in decides
    assert lines[0].startswith("“The claim slower.” Supported in ")
    assert lines[1].startswith("“The claim higher.” ")
    assert lines[2].startswith("In epochs to a validation accuracy target, a ")
    assert len(lines) == 3
    check_figures(specifications)


def test_the_specification_file_holds_every_specification(
    specifications: Section, results: Results
) -> None:
    rows = table(specifications, "specifications.csv")
    declared = rows[rows["declared"]].set_index("claim")
    assert list(declared.index) == ["slower", "higher"]
    for verdict in results.verdicts:
        row = declared.loc[verdict.claim.id]
        assert row["verdict"] == verdict.outcome
        assert row["effect"] == pytest.approx(verdict.effect)
        assert row["p_adjusted"] == pytest.approx(verdict.p_adjusted)
    for one in specifications.tables:
        claim = one.caption.partition(":")[0]
        tested = rows[(rows["claim"] == claim) & (rows["verdict"] != "not testable")]
        by_choice: dict[str, int] = {}
        for choice, _, _, of in one.rows:
            by_choice[choice] = by_choice.get(choice, 0) + int(of)
        assert set(by_choice.values()) == {len(tested)}


def test_the_sentence_counts_what_the_file_holds(specifications: Section) -> None:
    rows = table(specifications, "specifications.csv")
    for line, claim in zip(specifications.lead[1:], ("slower", "higher"), strict=False):
        own = rows[(rows["claim"] == claim) & (rows["verdict"] != "not testable")]
        outcome = own[own["declared"]]["verdict"].iloc[0]
        held = int((own["verdict"] == outcome).sum())
        told = f"{held} of {len(own)}" if held < len(own) else f"all {len(own)}"
        assert f"{outcome.capitalize()} in {told} specifications" in line


def test_a_claim_that_nothing_flips_needs_no_figure(tmp_path: Path) -> None:
    same = {"a": Arm(noise(1) + 0.2), "b": Arm(noise(1))}  # no spread: no t test
    claim = claim_toml("higher", ("a", "b"), 'kind = "final"', margin=0.002)
    section = specification_section.section_of(make(tmp_path, same, claim))
    assert section is not None
    assert section.figures == []
    assert section.lead[1:] == [
        "“The claim higher.” Supported in all 12 specifications. 6 more could not be tested."
    ]


def test_contrasts_are_told_drawn_and_filed(results: Results) -> None:
    section = contrast_section.section_of(results)
    assert section is not None
    assert section.lead[0] == (
        "a and b are shown to differ in validation accuracy in epochs 1 to 3, where a is lower; in "
        "the others the data cannot tell."
    )
    rows = table(section, "contrasts.csv")
    own = rows[rows["metric"] == "val_accuracy"]
    assert own["epoch"].tolist() == list(range(1, 13))
    assert own.loc[own["differs"], "epoch"].tolist() == [1, 2, 3]
    assert len(section.figures) == 2
    check_figures(section)


def test_the_main_study_has_all_its_sections(results: Results, tmp_path: Path) -> None:
    main = make_results(tmp_path, replicates=9, epochs=8)
    for module in (specification_section, contrast_section):
        section = module.section_of(main)
        assert section is not None
        check_figures(section)


def test_without_finished_trials_there_is_nothing_to_say(tmp_path: Path) -> None:
    failed = [(name, r) for name in "ab" for r in range(10)]
    nothing = make(tmp_path, arms(), CLAIMS, failed=failed)
    assert specification_section.section_of(nothing) is None
    assert contrast_section.section_of(nothing) is None
    assert judge_section.section_of(nothing) is None


PUBLISHED = """
[published]
curves = "published.csv"
label = "published single run, 2017"
"""


def published(folder: Path, extra: str = "", data: str = "mnist-5k", n: int = 19) -> Section | None:
    folder.mkdir(parents=True, exist_ok=True)
    run = noise(1, n).mean(axis=0)
    rows = [f"a,{epoch},{value:.4f}" for epoch, value in enumerate(run - 0.1, start=1)]
    rows += [f"c,{epoch},{value:.4f}" for epoch, value in enumerate(run, start=1)]
    (folder / "published.csv").write_text("\n".join(["arm,epoch,val_acc", *rows]))
    of = {"a": Arm(noise(1, n)), "b": Arm(noise(2, n))}
    return judge_section.section_of(make(folder, of, extra=PUBLISHED + extra, data=data))


def test_a_published_run_is_judged_against_the_arm_of_its_name(tmp_path: Path) -> None:
    section = published(tmp_path)
    assert section is not None
    assert section.title == "Is the published run typical?"
    assert section.lead == [
        "Published single run, 2017: not typical of a in validation accuracy: "
        "below the band from epoch 1 to 12 (rank p = 0.050)."
    ]
    assert table(section, "published_runs.csv")["arm"].unique().tolist() == ["a"]
    assert len(section.figures) == 1
    check_figures(section)


def test_other_data_are_named_first(tmp_path: Path) -> None:
    section = published(tmp_path / "other", 'data = "mnist"')
    assert section is not None
    assert section.lead[0] == (
        "The data differ: the published runs were trained on mnist, this study on mnist-5k. So a "
        "run that is not typical here may be a typical run on its own data."
    )
    same = published(tmp_path / "same", 'data = "mnist"', data="mnist")
    assert same is not None
    assert same.lead[0].startswith("Published single run, 2017")


def test_without_published_runs_there_is_nothing_to_judge(results: Results) -> None:
    assert judge_section.section_of(results) is None
