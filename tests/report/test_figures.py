"""Figures: one look per arm, themed text SVG, bands and steps where the numbers are."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_svg import RendererSVG

from harness.claims import Claim
from harness.measures import Measured
from harness.report.claim_figures import effects, gauge, time_to_event, values_by_arm
from harness.report.direct_labels import spread_apart
from harness.report.figure_style import arm_styles, as_svg, drawing, palette_css, short
from harness.report.figures import learning_curves, seconds_by_epoch
from harness.report.images import sample_grid
from harness.report.measured import MeasuredArms, Row, measured_arms
from harness.report.series import Series, series_by_arm
from harness.report.tables import measure_rows
from harness.results import Results
from harness.samples import SideValue, sample_of
from harness.time_measures import EpochsTo
from tests.report.invented import SHAPES, Shape, make_results


def luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def series(matrix: list[list[float]], diverged: list[bool] | None = None) -> Series:
    values = np.array(matrix, dtype=float)
    lost = np.array(diverged or [False] * len(values))
    return Series(np.arange(1, values.shape[1] + 1), values, lost)


def test_twelve_arms_look_different() -> None:
    """F4: twelve different pairs of colour and dash; so are twice as many."""
    styles = arm_styles([f"arm {i}" for i in range(24)])
    assert len({(style.colour, style.dashes) for style in styles.values()}) == 24


def test_an_arm_looks_alike_however_many_follow() -> None:
    few, many = arm_styles(["a", "b"]), arm_styles(["a", "b", "c"])
    assert few == {name: many[name] for name in few}


@pytest.mark.parametrize(("dark", "ground"), [(False, "#ffffff"), (True, "#1a2029")])
def test_lines_stand_out_from_their_ground(dark: bool, ground: str) -> None:
    """WCAG 1.4.11 asks for 3:1."""
    colours = re.findall(r"#[0-9a-f]{6}", palette_css(dark=dark))
    assert len(colours) == 6
    assert all(contrast(colour, ground) >= 3 for colour in colours)


@pytest.mark.parametrize("theme", [0, 1])
def test_words_are_readable_on_their_ground(theme: int) -> None:
    """WCAG 1.4.3 asks for 4.5:1, in light and dark."""
    sheet = resources.files("harness.report").joinpath("style.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{([^}]*--page[^}]*)\}", sheet)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for text in ("ink", "muted", "link"):
        assert min(contrast(colours[text], colours[g]) for g in ("page", "surface")) >= 4.5
    for outcome in ("good", "bad", "same", "open"):
        assert contrast(colours[outcome], colours[f"{outcome}-soft"]) >= 4.5
    assert contrast(colours["ink"], colours["open-soft"]) >= 4.5


def test_svg_takes_colours_from_the_page_and_keeps_its_text() -> None:
    with drawing(3, 2) as figure:
        axes = figure.add_subplot()
        axes.plot([1, 2], [0, 1], **arm_styles(["a"])["a"].line)
        axes.set_title('0.123456 #0b6cb0 id="x" <b>', parse_math=False)
        svg = as_svg(figure, "key", 'says "this" & that')
    assert svg.startswith("<svg viewBox=")
    assert 'aria-label="says &quot;this&quot; &amp; that"' in svg
    assert "var(--arm-0, #0b6cb0)" in svg
    assert '>0.123456 #0b6cb0 id="x" &lt;b&gt;</text>' in svg
    assert "<style" not in svg
    assert "font-family" not in svg


def test_ids_of_two_figures_do_not_meet() -> None:
    found = []
    for key in ("one", "two"):
        with drawing(3, 2) as figure:
            figure.add_subplot().plot([1, 2, 3], [0, 1, 0], marker="o")
            found.append(set(re.findall(r' id="([^"]+)"', as_svg(figure, key, "x"))))
    assert found[0]
    assert not found[0] & found[1]


def test_drawing_leaves_no_trace_in_matplotlib() -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    before = dict(mpl.rcParams)
    with drawing(3, 2) as figure:
        figure.add_subplot()
        as_svg(figure, "key", "x")
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_diverged_trials_are_drawn_but_not_averaged() -> None:
    arms = {"a": series([[0.8, 0.9], [0.82, 0.92], [0.8, 0.098]], [False, False, True])}
    drawn = learning_curves("val_accuracy", arms, arm_styles(["a"]), None)
    assert "a ends at 91.0 %" in drawn.svg
    assert "1 trial that diverged is drawn, and left out of means and bands." in drawn.caption


def test_curves_without_spread_or_at_the_ceiling_can_be_drawn() -> None:
    """D7: five runs all 1.0, or all 0.98."""
    for value in (1.0, 0.98, 0.0):
        arms = {"a": series([[value] * 3] * 5)}
        assert learning_curves("accuracy", arms, arm_styles(["a"]), None).svg
    assert learning_curves("loss", {"a": series([[0.0, 0.0]])}, arm_styles(["a"]), None).svg


def test_an_axis_between_two_usual_accuracies_has_round_numbers() -> None:
    """Not those of the data, such as 9.38804 %."""
    arms = {"a": series([[0.0938, 0.371], [0.112, 0.352]])}
    drawn = learning_curves("accuracy", arms, arm_styles(["a"]), None)
    assert re.findall(r">([\d.]+) %<", drawn.svg) == ["20", "40"]


def test_arm_that_only_diverged_has_lines_and_no_mean() -> None:
    arms = {"a": series([[np.nan, np.nan]] * 2, [True, True]), "b": series([[0.5, 0.4]] * 2)}
    drawn = learning_curves("val_loss", arms, arm_styles(["a", "b"]), None)
    assert "a ends at no number" in drawn.svg


def test_seconds_start_at_zero_and_mark_the_first_epoch() -> None:
    """G1: the first epoch holds the start-up."""
    arms = {"A": series([[9.0, 2.0, 2.1, 1.9, 2.0]]), "B": series([[3.1, 2.4, 2.5, 2.6, 2.4]])}
    drawn = seconds_by_epoch("seconds", arms, arm_styles(["A", "B"]))
    assert "A 9.00 seconds, then 2.00 seconds; B 3.10 seconds, then 2.40 seconds" in drawn.svg
    assert drawn.title == "Wall time by epoch"
    assert drawn.caption == "◆ is the first epoch."


def test_each_measure_is_shown_once(results: Results) -> None:
    asked = measured_arms(results)
    assert [m.title for m in asked] == [
        "Epochs until validation accuracy settles",
        "Epochs to validation accuracy of 94.5 %",
        "Final validation accuracy",
        "Rise of validation loss above its own minimum",
        "Epochs to validation accuracy of 99.9 %",
        "Validation loss",
        "Processor seconds per epoch after the first",
    ]
    final = asked[2]
    assert [row.label for row in final.rows] == [
        "mlp-rmsprop", "mlp-adadelta", "cnn-adadelta", "cnn-rmsprop"
    ]  # fmt: skip
    assert [row.label for row in asked[5].rows] == [
        "mlp-rmsprop (epoch 5)", "mlp-rmsprop (last epoch)"
    ]  # fmt: skip


def test_times_show_who_got_there_and_who_still_waits(results: Results) -> None:
    """D10: nobody got there; ten trials of each arm wait to the end."""
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    lost = next(m for m in measured_arms(results) if "99.9" in m.title)
    drawn = time_to_event("k", lost, styles)
    assert "Reached: 0 of 10 of mlp-adadelta and 0 of 10 of cnn-adadelta" in drawn.svg
    assert drawn.svg.count(">10</text>") >= 2 * 5


def test_values_mark_what_was_not_reached(tmp_path: Path) -> None:
    shapes = [SHAPES[0], SHAPES[1], Shape(0.94, 4.0), SHAPES[3]]
    results = make_results(tmp_path, shapes=shapes)
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    slow = next(m for m in measured_arms(results) if "94.5" in m.title)
    assert "▷ not reached by then." in values_by_arm("k", slow, styles, is_paired=True).caption


def test_means_of_unreached_times_are_those_of_the_verdict() -> None:
    """Worked by hand: a = 4, 6, 7 and three not within 10 epochs, b beyond 10: 47 / 6 and 10."""
    claim = Claim(
        id="c",
        says="A is sooner.",
        compare=["a", "b"],
        measure=EpochsTo(kind="epochs_to", target=0.9),
        expect="less",
        margin=1.0,
    )
    times = {"a": [4, 6, 7, 10, 10, 10], "b": [12, 15, 18, 20, 25, 30]}
    rows = [
        Row(arm, arm, {i: Measured(float(t), t == 10) for i, t in enumerate(times[arm])})
        for arm in times
    ]
    values = [
        SideValue("c", side, row.arm, replicate, m, False)
        for side, row in enumerate(rows)
        for replicate, m in row.values.items()
    ]
    sample = sample_of(claim, values, is_paired=True)
    assert (sample.a.mean(), sample.b.mean()) == pytest.approx((47 / 6, 10))
    measured, styles = MeasuredArms(claim.measure, rows), arm_styles(["a", "b"])
    title = "Epochs to validation accuracy of 90 %, watched up to 10 epochs"
    assert [row[:4] + row[-1:] for row in measure_rows(measured)] == [
        [title, "a", "6", "7.83 epochs", "3 of 6"],
        [title, "b", "6", "10.00 epochs", "0 of 6"],
    ]
    drawn = values_by_arm("k", measured, styles, is_paired=True)
    assert "Means: a 7.8 epochs and b 10.0 epochs." in drawn.svg
    assert drawn.caption.endswith("a time above 10 epochs counts as 10 epochs.")


def test_steps_end_where_nobody_was_watched_any_longer() -> None:
    """Arm a was watched for 10 epochs, b for 30; that all of b got there stays so to the end."""
    times = {"a": [4, 10, 10], "b": [12, 20, 25], "c": [30, 30, 30]}
    rows = [
        Row(arm, arm, {i: Measured(float(t), t in (10, 30)) for i, t in enumerate(times[arm])})
        for arm in times
    ]
    measured = MeasuredArms(EpochsTo(kind="epochs_to", target=0.9), rows)
    svg = time_to_event("k", measured, arm_styles(list(times))).svg
    steps = re.findall(r'<path d="M ([\d. ]+)"[^>]*--arm', svg)
    widths = [float(step.split()[-2]) - float(step.split()[0]) for step in steps]
    assert np.divide(widths, max(widths)) == pytest.approx([10 / 30, 1, 1], abs=1e-3)


def test_effects_name_claims_that_have_none(results: Results) -> None:
    in_epochs = [v for v in results.verdicts if v.claim.measure.unit == "epochs"]
    drawn = effects("k", in_epochs)
    assert "out-of-reach not testable" in drawn.svg
    assert "slower-to-plateau +" in drawn.svg


def test_endless_intervals_are_arrows(tmp_path: Path) -> None:
    """Five pairs cannot bound a 95 % interval: no end is invented."""
    results = make_results(tmp_path, replicates=4, epochs=12)
    endless = [v for v in results.verdicts if v.reason is None and np.isinf(v.interval.high)]
    assert endless
    assert "unbounded" in effects("k", endless[:1]).svg


@pytest.mark.parametrize(
    "shape", [(81, 8, 8), (81, 8, 8, 1), (100, 8, 8, 3), (5, 8, 8), (9, 4, 4, 2)]
)
def test_images_of_any_kind_make_a_grid(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    grid = sample_grid(images, rng.integers(0, 10, shape[0]))
    assert grid.uri.startswith("data:image/png;base64,")
    assert sum(len(row) for row in grid.rows) == min(81, shape[0])
    assert grid.size[0] == min(9, shape[0]) * (shape[2] + 1) - 1


def test_floats_and_bytes_make_the_same_picture() -> None:
    images = np.arange(4 * 4 * 4, dtype=np.uint8).reshape(4, 4, 4) * 4
    assert sample_grid(images, [1, 2, 3, 4]).uri == sample_grid(images / 255, [1, 2, 3, 4]).uri


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not \(5, 4\)"):
        sample_grid(np.zeros((5, 4)), [0] * 5)


def test_series_keep_gaps_as_gaps(troubled: Results) -> None:
    loss = series_by_arm(troubled)["mlp-adadelta"]["loss"]
    assert loss.matrix.shape == (10, 20)
    assert np.isnan(loss.matrix[3, 3:]).all()
    assert loss.whole.shape == (9, 20)


def test_names_at_line_ends_never_overlap() -> None:
    """Twelve names whose lines end at almost one height."""
    heights = sorted([0.5 + 0.001 * i for i in range(11)] + [0.98])
    places = spread_apart(heights, 0.08)
    assert min(np.diff(places)) >= 0.08 - 1e-9
    assert places[0] >= 0
    assert places[-1] <= 1
    assert spread_apart([0.1, 0.5, 0.9], 0.08) == pytest.approx([0.1, 0.5, 0.9])


def test_names_are_left_out_where_they_would_not_fit() -> None:
    for count, written in ((12, True), (40, False)):
        names = [f"arm {i}" for i in range(count)]
        arms = {name: series([[0.5, 0.9 - 0.001 * i]]) for i, name in enumerate(names)}
        drawn = learning_curves("val_accuracy", arms, arm_styles(names), None)
        assert (">arm 3</text>" in drawn.svg) is written


def test_whatever_is_drawn_of_an_arm_is_marked_as_its_own(results: Results) -> None:
    """The lines, bands, dots and names of arms 1 and 2, so that the page can dim the others."""
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    times = next(m for m in measured_arms(results) if "94.5" in m.title)
    for svg in (
        time_to_event("k", times, styles).svg,
        values_by_arm("k", times, styles, is_paired=True).svg,
    ):
        assert set(re.findall(r'data-arm="(\d+)"', svg)) == {"1", "2"}
        owners = {(colour, arm) for colour, arm in coloured(ElementTree.fromstring(svg), "")}
        assert owners == {("1", "1"), ("2", "2")}


def coloured(part: ElementTree.Element, arm: str) -> Iterator[tuple[str, str]]:
    """Every use of an arm's colour, with the arm that its element is marked as."""
    arm = part.get("data-arm", arm)
    yield from ((colour, arm) for colour in re.findall(r"--arm-(\d+)", part.get("style", "")))
    for inner in part:
        yield from coloured(inner, arm)


def test_readings_are_where_the_lines_are() -> None:
    """The last epoch of two is at the right, 0.9 above 0.5; a gap is null (case F5)."""
    arms = {
        "a": series([[0.5, 0.9], [0.5, 0.9]]),
        "b": Series(np.array([2]), np.array([[0.7]]), np.array([False])),
    }
    drawn = learning_curves("val_accuracy", arms, arm_styles(["a", "b"]), None)
    held = json.loads(drawn.readings)
    assert held["places"] == ["1", "2"]
    assert held["x"][0] < held["x"][1]
    first, second = held["lines"]
    assert first["y"][1] < second["y"][1] < first["y"][0]
    assert second["y"][0] is None
    assert first["told"] == ["50.0 % (50.0 to 50.0)", "90.0 % (90.0 to 90.0)"]
    assert second["told"] == ["", "70.0 %"]


def test_clouds_need_values_that_spread(results: Results) -> None:
    """D7: no spread, no cloud and no warning."""
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    measured = next(m for m in measured_arms(results) if m.title == "Final validation accuracy")
    flat = {r: Measured(0.98, censored=False) for r in range(10)}
    alike = MeasuredArms(measured.measure, [replace(measured.rows[0], values=flat)])
    spread = MeasuredArms(measured.measure, measured.rows[:1])
    clouds = [
        values_by_arm("k", m, styles, is_paired=True).svg.count("fill-opacity: 0.25")
        for m in (alike, spread)
    ]
    assert clouds == [0, 1]


def test_gauges_place_the_effect_beside_its_margin(results: Results) -> None:
    for verdict in results.verdicts:
        drawn = gauge(verdict)
        if verdict.reason is not None:
            assert drawn is None
            continue
        assert drawn is not None
        assert drawn.ends[0] <= drawn.effect <= drawn.ends[1]
        assert drawn.zone[0] <= drawn.zero <= drawn.zone[1]
        assert (drawn.effect > drawn.zero) == (verdict.effect > 0)
        assert (drawn.ends[0] > drawn.zero) == (verdict.interval.low > 0)


def test_wide_characters_find_room_whatever_fonts_there_are() -> None:
    """F2: twelve Japanese characters beside an axis take at least twelve ems."""
    measure = RendererSVG.get_text_width_height_descent
    left = {}
    for name in ("検証精度が安定するまで数", "validation s"):
        with drawing(4, 2) as figure:
            axes = figure.add_subplot()
            axes.set_yticks([0.5], [name], fontsize=9)
            as_svg(figure, "wide", "A wide name.")
            left[name] = axes.get_position().x0 * 4 * 72
    wide, narrow = left.values()
    assert wide > 12 * 9
    assert narrow < wide - 30
    assert RendererSVG.get_text_width_height_descent is measure


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a" * 10, "a" * 10),
        ("a" * 11, "a" * 9 + "…"),
        ("収束判定", "収束判定"),
        ("収束判定を行う", "収束判定…"),
        ("cnn収束判定", "cnn収束判…"),
        ("", ""),
    ],
)
def test_names_are_cut_by_width(name: str, shown: str) -> None:
    assert short(name, 10) == shown
