"""What each task's items must be, from the language's own slow ways, one item at a time."""

from recursionlab.data import present
from recursionlab.data.dataset import Packed
from recursionlab.data.tasks.program import program_words
from recursionlab.machines import machine_of


class Truth:
    """A data set's function and its ways of writing things."""

    def __init__(self, data, program):
        self.data, self.config = data, data.config
        self.function = program[self.config.function].at(**self.config.at)
        options = (self.config.encoding, self.config.order, self.config.renames)
        self.codec = self.function.codec(*options)
        self.program, self.options = program, options

    def words(self, ids):
        return [self.data.vocabulary[i] for i in ids]

    def bare(self, ids, side):
        packed = Packed.of([list(ids)])
        shown = present.bare(packed, self.config, self.data.vocabulary, side)
        return self.words(shown[0])

    def value(self, item):
        got = self.function.domain.unrank(item["size"], item["rank"])
        return got if isinstance(got, tuple) else (got,)

    def written(self, value):
        return self.words(self.codec.encode(value if len(value) > 1 else value[0], "input"))

    def result(self, function, value):
        return self.words(self.codec.encode(function(*value), "output"))

    def terms(self, item):
        c = self.config
        steps = self.function.trace(
            *self.value(item), granularity=c.granularity, strategy=c.strategy, every=c.every
        )
        terms = [steps.start, *(s.term for s in steps)]
        return [self.words(self.codec.encode_term(t)) for t in terms]

    def chosen(self, item):
        return self.program[item["function"]].at(**self.config.at)


def joined(terms):
    return [w for i, t in enumerate(terms) for w in (["<step>"] if i else []) + t]


def split_at(words, mark):
    out = [[]]
    for word in words:
        if word == mark:
            out.append([])
        else:
            out[-1].append(word)
    return out


def edited(before, edit):
    """Apply one edit, as its words say."""
    assert edit[0] == "<keep>"
    drop, put = edit.index("<drop>"), edit.index("<put>")
    keep, gone = (
        int("".join(w[2] for w in digits)) for digits in (edit[1:drop], edit[drop + 1 : put])
    )
    return before[:keep] + edit[put + 1 :] + before[keep + gone :]


def replayed(words):
    """Write in full a trace of a first term and edits."""
    first, *changes = split_at(words, "<step>")
    terms = [first]
    for change in changes:
        terms.append(edited(terms[-1], change))
    return joined(terms)


def value(truth, item, source, target):
    assert source == truth.written(truth.value(item))
    assert target == truth.result(truth.function, truth.value(item))


def trace(truth, item, source, target):
    assert source == truth.written(truth.value(item))
    if truth.config.scratchpad == "edits":
        target = replayed(target)
    assert target == joined(truth.terms(item))


def leap(truth, item, source, target, distance=None, terms=None):
    terms = terms or truth.terms(item)
    at = item["step"]
    assert source == terms[at]
    if truth.config.scratchpad == "edits":
        target = edited(source, target)
    assert target == terms[min(at + (distance or truth.config.distance), len(terms) - 1)]


def step(truth, item, source, target):
    leap(truth, item, source, target, distance=1)


def state(truth, item, source, target):
    machine = machine_of(truth.function, *truth.options)
    words = machine.trace(truth.written(truth.value(item))).words()
    leap(truth, item, source, target, distance=1, terms=split_at(words, "<step>"))


def repair(truth, item, source, target):
    terms = truth.terms(item)
    kind, at = item["mistake"], item["at"]
    if truth.config.scratchpad == "edits":
        target = edited(source, target)
    assert target == joined(terms)
    broken = split_at(source, "<step>")
    if kind == 0:
        assert broken == terms
    elif kind == 1:
        (place,) = (i for i, (a, b) in enumerate(zip(broken, terms, strict=True)) if a != b)
        assert place == at
        changed = [a != b for a, b in zip(broken[at], terms[at], strict=True)]
        assert sum(changed) == 1
    elif kind == 2:
        assert broken == terms[:at] + terms[at + 1 :]
    elif kind == 3:
        assert broken == terms[: at + 1] + terms[at:]
    else:
        assert broken == [*terms[:at], terms[at + 1], terms[at], *terms[at + 2 :]]
    assert (at == 0) == (kind == 0)


def induction(truth, item, source, target):
    *shown, query = split_at(source, "<next>")
    assert len(shown) == truth.config.demonstrations
    value = truth.value(item)
    assert query == [*truth.written(value), "<to>"]
    function = truth.chosen(item)
    assert target == truth.result(function, value)
    train = [truth.written(truth.value(i)) for i in truth.data["train"]]
    questions = []
    for words in shown:
        question, answer = split_at(words, "<to>")
        questions.append(question)
        assert question in train
        ids = [truth.data.vocabulary.index(w) for w in question]
        found = truth.codec.decode(as_ids(ids), "input")
        found = found if isinstance(found, tuple) else (found,)
        assert answer == truth.result(function, found)
    assert len({tuple(q) for q in [*questions, query[:-1]]}) == len(questions) + 1


def program(truth, item, source, target):
    words = program_words(truth.chosen(item))
    assert source == [*words, "<run>", *truth.written(truth.value(item))]
    assert target == truth.result(truth.chosen(item), truth.value(item))


def as_ids(ids):
    import numpy as np

    return np.array(ids, np.int32)
