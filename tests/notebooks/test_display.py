"""What objects show in a notebook: well-formed HTML with what matters in it, text escaped."""

from html.parser import HTMLParser

import pytest

import recursionlab as rlab
from recursionlab import display
from recursionlab.judge.comparison import Scored, compare
from recursionlab.machines import Cut, machine_of

OPEN = {"br", "path", "polyline"}  # elements without an end


class Elements(HTMLParser):
    """Counts elements and fails where one is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag not in OPEN:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def shown(thing):
    elements = Elements(thing._repr_html_())
    return elements, " ".join(elements.text)


@pytest.fixture(scope="module")
def succ():
    return rlab.library("binary")["succ"]


@pytest.fixture(scope="module")
def data(succ):
    return rlab.make_dataset(succ, sizes=range(2, 9), measures=["carry"], seed=0)


def test_a_term_is_text_and_a_tree(succ):
    elements, _ = shown(succ("xI (xO xH)"))
    assert elements.seen.count("text") == 3 and elements.seen.count("path") == 2
    assert "xO (xI xH)" in elements.text


def test_a_tree_has_every_constructor_once_and_leaves_on_lines_of_their_own():
    preorder = rlab.library("tree")["preorder"].at(A="label")
    value = preorder.domain.unrank(size=13, rank=99)
    elements, _ = shown(value)
    words = str(value).replace("(", " ").replace(")", " ").split()
    assert sorted(elements.text[1:]) == sorted(words)
    assert elements.seen.count("path") == len(words) - 1


@pytest.mark.parametrize(
    "text", ["[a; b]", "1 + n", "fun x => x", "(", ")", "", "()", "f (", "x" * 9000]
)
def test_what_is_no_application_is_text_alone(text):
    assert display.tree(text) is None or not display.tree(text)[1]
    assert "<svg" not in display.term(text)


def test_a_deep_value_is_cut(succ):
    elements, text = shown(succ.domain.parse("xI (" * 3000 + "xH" + ")" * 3000))
    assert "svg" not in elements.seen and len(text) < 400


def test_a_trace_is_shown_without_being_taken(succ):
    trace = succ.trace("xI (xI xH)", granularity="call")
    elements, text = shown(trace)
    assert elements.seen.count("tr") == 5 and "UNROLL (xI xH)" in text
    steps = list(trace)
    assert len(steps) == 3
    assert "xO (xO (xO xH))" in shown(steps[-1])[1]
    assert shown(trace)[0].seen.count("tr") == 5


def test_a_long_trace_is_cut(succ):
    elements, text = shown(succ.trace("xI (" * 99 + "xH" + ")" * 99, granularity="call"))
    assert elements.seen.count("tr") == 42 and "and more steps" in text


def test_programs_functions_and_machines_show_their_text(succ):
    assert "positive -> positive" in shown(succ.program)[1]
    assert succ.source.startswith("Fixpoint succ") and succ.source.endswith("end.")
    assert "| xI q => xO (succ q)" in shown(succ)[1]
    assert "machine succ" in shown(machine_of(succ))[1]


def test_a_function_shows_its_own_command_alone():
    program = rlab.loads(
        "Inductive t := a | b.\nDefinition f (x : t) : t := x. (* no part of it. *)\n"
        "Definition g (x : t) : t := f x."
    )
    assert program["f"].source == "Definition f (x : t) : t := x."
    assert program["g"].source == "Definition g (x : t) : t := f x."
    assert (
        rlab.library("binary")["succ"].program["app"].source.startswith(("Fixpoint", "Definition"))
    )


def test_data_show_their_splits_and_items(data):
    elements, text = shown(data)
    assert elements.seen.count("tr") > len(data) and "<pad>" in text
    elements, text = shown(data["train"])
    assert elements.seen.count("tr") == 6 and "more" in text
    assert data["train"][0]["input"] in text
    assert shown(data["train"].take(slice(0)))[0].seen.count("td") == 0


def test_a_run_and_what_is_found_of_it(data, tmp_path):
    run = rlab.train(
        {"d_model": 8, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1},
        data["train"],
        valid=data["valid"],
        steps=4,
        eval_every=2,
        output=tmp_path / "run",
        progress=False,
    )
    elements, text = shown(run)
    assert elements.seen.count("polyline") == 3 and str(tmp_path) in text
    assert "queries" in shown(rlab.falsify(run, data, sizes="2..5", max_queries=5))[1]
    assert "exact" in shown(rlab.evaluate(run, data["test"]))[1]


def test_shortcuts_and_comparisons(succ, data):
    split = data["train"]
    short = machine_of(succ, cut=Cut(2, "copy")).run(split.input_ids, split.input_offsets)
    found = rlab.reconstruct(succ, [short[i].tolist() for i in range(len(short))], split)
    assert "cut, copy; k = 2" in shown(found)[1] and "letter" in shown(found)[1]
    right = rlab.reconstruct(succ, split.targets, split)
    assert "No shortcut" in shown(right)[1]
    a, b = (Scored(n, {str(i): i < k for i in range(50)}) for n, k in (("a<b", 10), ("c", 40)))
    assert "a<b" in shown(compare([a, b]))[1]


def test_curves_leave_out_what_is_no_number():
    text = display.curves({"loss": [(0, float("nan")), (1, 2.0), (2, 1.0)]}, log=True)
    assert "nan" not in text and Elements(text).seen.count("polyline") == 1
    assert display.curves({"loss": [(0, float("inf"))]}) == ""


def test_cells_are_escaped():
    assert "<b>" not in display.table([{"<b>": "<b>"}])
    assert "<b>x" not in display.facts("<b>x", {"<b>x": "<b>x"}) + display.code("<b>x")
