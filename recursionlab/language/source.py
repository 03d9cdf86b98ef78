"""Source text: positions, comments, sentences; the one place that turns an offset into an error."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from recursionlab.errors import LanguageError

__all__ = ["BLANKS", "Excerpt", "Sentence", "Source", "Span"]

# What separates words, as in Coq; other blanks of Unicode do not.
BLANKS = " \t\r\n"
_COMMENT_MARK = re.compile(r'\(\*|\*\)|"')


class Span(NamedTuple):
    """Half-open range of character offsets into the source text."""

    start: int
    end: int

    def to(self, other: Span) -> Span:
        """Smallest span that covers this one and `other`."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True)
class Sentence:
    """One command of a file: its first word and its span without the final dot."""

    word: str
    span: Span
    dotted: bool


@dataclass(frozen=True)
class Excerpt:
    """One sentence of a source; the spans of its syntax tree count from its start."""

    source: Source
    start: int

    def error(self, message: str, span: Span, hint: str = "") -> LanguageError:
        """Build the error for a span of this sentence."""
        at = Span(span.start + self.start, span.end + self.start)
        return self.source.error(message, at, hint)


@dataclass
class Source:
    """A named text and what is needed to point into it."""

    name: str
    text: str
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find where lines start."""
        self._starts = [0] + [m.end() for m in re.finditer("\n", self.text)]

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Text of a line (from 1) without its line break."""
        start = self._starts[line - 1]
        end = self.text.find("\n", start)
        return self.text[start : len(self.text) if end < 0 else end].rstrip("\r")

    def error(self, message: str, span: Span, hint: str = "") -> LanguageError:
        """Build the error for a span; a span over several lines is cut at the first line's end."""
        start = max(0, min(span.start, len(self.text)))
        line, column = self.position(start)
        source_line = self.line_text(line)
        width = min(span.end, start + len(source_line) - column + 1) - start
        return LanguageError(
            message,
            file=self.name,
            line=line,
            column=column,
            source_line=source_line if source_line.strip(BLANKS) else "",
            length=width,
            hint=hint,
        )

    def blank_comments(self) -> str:
        """Text with every comment turned into blanks, so that offsets stay as they are.

        Comments nest, and a string inside a comment hides what it contains, as in Coq.
        """
        text, out, kept = self.text, [], 0
        for start, end in self._comments():
            out += [text[kept:start], re.sub(r"[^\n]", " ", text[start:end])]
            kept = end
        out.append(text[kept:])
        return "".join(out)

    def _comments(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        opened: list[int] = []
        at = 0
        while mark := _COMMENT_MARK.search(self.text, at):
            at = mark.end()
            if mark.group() == "(*":
                opened.append(mark.start())
            elif mark.group() == "*)" and opened:
                first = opened.pop()
                if not opened:
                    found.append((first, at))
            elif mark.group() == '"' and opened:
                at = self.text.find('"', at) + 1
                if at == 0:
                    raise self.error(
                        "this string inside a comment is not closed",
                        Span(mark.start(), mark.end()),
                        'write the closing "; Coq reads strings inside comments too',
                    )
        if opened:
            span = Span(opened[-1], opened[-1] + 2)
            raise self.error("this comment is not closed", span, "write *) at its end")
        return found

    def sentences(self) -> tuple[str, list[Sentence]]:
        """Text without comments, and the commands in it.

        A command ends at a dot followed by a blank or by the end of the file.
        """
        clean = self.blank_comments()
        found: list[Sentence] = []
        start = 0
        for dot in re.finditer(r"\.(?=[ \t\r\n]|\Z)", clean):
            if not clean[start : dot.start()].strip(BLANKS):
                raise self.error(
                    "there is no command before this dot", Span(*dot.span()), "remove the dot"
                )
            found.append(_sentence(clean, start, dot.start(), dotted=True))
            start = dot.end()
        if clean[start:].strip(BLANKS):
            found.append(_sentence(clean, start, len(clean), dotted=False))
        return clean, found


def _sentence(clean: str, start: int, end: int, *, dotted: bool) -> Sentence:
    text = clean[start:end]
    start += len(text) - len(text.lstrip(BLANKS))
    end -= len(text) - len(text.rstrip(BLANKS))
    word = re.match(r"[A-Za-z_][A-Za-z0-9_']*", clean[start:end])
    return Sentence(word.group() if word else "", Span(start, max(start, end)), dotted)
