"""Pages are self-contained, escaped, and say plainly where a model fails."""

import json
import re

import pytest

from recursionlab.judge.comparison import Scored, compare
from recursionlab.judge.pool import failing, fails_at, pool, spans
from recursionlab.plot import accuracy, curves, new_axes, svg
from recursionlab.report.experiment import _differences
from recursionlab.report.page import Page, Section, failure_table, percent, table
from recursionlab.report.run import cost_row, run_page

ROWS = [
    {"value": v, "n": 100, "exact": k, "rate": k / 100, "low": k / 120, "high": min(1, k / 80)}
    for v, k in [(1, 100), (2, 99), (3, 98), (4, 10), (6, 0)]
]


def test_pool_adds_up_and_spans_join_neighbours():
    both = pool([ROWS, ROWS])
    assert [(r["value"], r["n"], r["exact"]) for r in both][:2] == [(1, 200, 200), (2, 200, 198)]
    assert fails_at(ROWS, 0.99) == [3, 4, 6]
    assert spans([]) == ""
    assert failing(ROWS, "size", 0.99) == ("below 99 % exact at size 3 to 4, 6 (lowest 0.0 % at 6)")
    assert failing(ROWS[:2], "size", 0.99) == "at least 99 % exact at every size"


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.0, "0 %"), (0.99999, "> 99.9 %"), (0.00001, "< 0.1 %"), (0.5, "50.0 %")],
)
def test_a_share_is_never_rounded_to_all_or_none(share, text):
    assert percent(share) == text


def test_figures_are_the_same_text_every_time_and_mark_the_training_range():
    texts = [svg(accuracy(new_axes(), ROWS, by="size", trained=(1, 3))) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "seen in training" in texts[0]
    assert "size (constructors)" in texts[0]
    drawn = curves(new_axes(), {"a": [(1, 2.0), (2, 1.0)], "none": []}, ylabel="loss", log=True)
    assert "training step" in svg(drawn)


def test_a_page_stands_alone_and_escapes_what_it_shows():
    figure = {"svg": svg(accuracy(new_axes(), ROWS, by="size")), "caption": "<b>a</b>"}
    bad = {"input": "<script>alert(1)</script>", "expected": "a b", "got": "a", "first_wrong": 1}
    page = Page(
        "<i>title</i>",
        cards=[{"label": "l", "value": "<v>", "note": "n"}],
        sections=[
            Section("s", text=["<p>"], points=["<li>"], figures=[figure]),
            Section("f", tables=[failure_table([bad], ["size"]), table([{"a": 1.5, "rate": 1.0}])]),
            Section("none", tables=[table([], empty="nothing at all")], code="<pre>"),
        ],
    )
    text = page.render()
    assert "<script" not in text
    assert "<i>title" not in text
    assert "<mark>(end)</mark>" in text
    assert "nothing at all" in text
    assert "100 %" in text
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"@import|url\((?!#)", text)


def test_the_first_wrong_token_is_marked():
    row = {"input": "x", "expected": "a b c", "got": "a z c", "first_wrong": 1}
    page = Page("t", sections=[Section("f", tables=[failure_table([row], [])])]).render()
    assert "<mark>b</mark>" in page
    assert "<mark>z</mark>" in page
    assert page.count("<mark>") == 2


def test_a_run_says_how_it_ended_and_what_it_cost(tmp_path):
    assert cost_row(tmp_path, {}) == {}
    told = {"status": "diverged", "steps": 1200, "flops": 3.25e12}
    (tmp_path / "summary.json").write_text(json.dumps(told))
    assert cost_row(tmp_path, {"seed": "3"})["updates"] == "1,200"
    cost = {"train_seconds": 65.04, "evaluate_seconds": 2.0, "peak_bytes": 2**28}
    (tmp_path / "cost.json").write_text(json.dumps({**cost, "flops_per_second": 5e10}))
    row = cost_row(tmp_path, {"seed": "3"})
    assert row["ended"].startswith("diverged: ")
    assert (row["FLOPs"], row["seconds of training"]) == ("3.25e+12", "65.0")
    assert (row["most memory"], row["GFLOP/s in training"]) == ("256 MiB", "50.0")
    (tmp_path / "settings.json").write_text("{}")
    text = run_page(tmp_path).render()
    assert "256 MiB" in text and "diverged" in text


def test_configurations_are_compared_in_percent_with_intervals():
    runs = [
        Scored(f"{name}{k}", {str(i): i < good + k for i in range(100)}, name, k)
        for name, good in (("a", 50), ("b", 90))
        for k in range(3)
    ]
    found = compare(runs).to_dict()
    summary = {"names": {"test": "held out"}, "comparisons": {"test": found}}
    (section,) = _differences(summary)
    cells = [[c["text"] for c in row] for row in section.tables[0]["rows"]]
    # Mean 51 %, deviation 1 %, so 4.303 / sqrt(3) to either side.
    assert cells[0] == ["a", "3", "51.0 %", "48.5 % to 53.5 %", "50.0 %", "52.0 %"]
    assert section.tables[1]["rows"][0][1]["text"] == "+40.0 points"
