"""Kinds of wrong outputs: each by a small example, with and without tokens that stand still."""

import pytest

from recursionlab.interpret.shortcut_remaining import kind_of

CASES = [
    ("abcd", "bacd", "order: two neighbours exchanged"),
    ("abcd", "dbca", "order: two exchanged that stand apart"),
    ("abcde", "acdbe", "order: one moved later"),
    ("abcde", "adbce", "order: one moved earlier"),
    ("abcde", "edcba", "order: a stretch turned round"),
    ("abcde", "cdeab", "order: two stretches exchanged"),
    ("abcde", "cadeb", "order: another one"),
    ("abcd", "abbd", "1 wrong token: its neighbour's"),
    ("abcd", "cbcd", "1 wrong token"),
    ("abcde", "acdex", "one lost, what follows too early"),
    ("abcde", "axbcd", "one too many, what follows too late"),
    ("abcde", "xbcye", "2 wrong tokens"),
    ("abcdef", "uvwxef", "4 or more wrong tokens"),
    ("abcd", "ab", "cut off: 2 too short"),
    ("abcd", "acd", "1 too short"),
    ("abcd", "abcdd", "1 too long"),
    ("abcd", "", "cut off: 4 too short"),
]


@pytest.mark.parametrize(("want", "got", "kind"), CASES)
def test_a_kind_is_told_with_and_without_tokens_that_stand_still(want, got, kind):
    assert kind_of(list(map(ord, want)), list(map(ord, got))) == kind
    if len(want) == len(got):
        cells = [[t for c in word for t in (0, ord(c))] for word in (want, got)]
        assert kind_of(*cells, {0: 0} | dict.fromkeys(map(ord, want + got), 1)) == kind
