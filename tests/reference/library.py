"""The library's functions once more, in plain Python: what each computes, said another way.

Values: nat is int, bool is bool, list is list, a pair is ("pair", x, y), a constructor without
arguments is its name, one with arguments a tuple of its name and them.
"""

import itertools
import math
import re

TOKEN = re.compile(r"[A-Za-z_][\w']*|\d+|::|[\[\]();,]")
WORDS = {"true": True, "false": False}


def read(text):
    """Read a printed value."""
    tokens = [*TOKEN.findall(text), ""]
    value, end = _term(tokens, 0)
    assert tokens[end] == "", text
    return value


def _term(tokens, at):
    """term = application ("::" term)?"""
    value, at = _application(tokens, at)
    if tokens[at] == "::":
        tail, at = _term(tokens, at + 1)
        return [value, *tail], at
    return value, at


def _application(tokens, at):
    """application = atom atom*"""
    items = []
    while tokens[at] and tokens[at] not in ")];,::":
        item, at = _atom(tokens, at)
        items.append(item)
    if len(items) == 1:
        return items[0], at
    assert isinstance(items[0], str), tokens
    if items[0] == "S":
        return items[1] + 1, at
    return tuple(items), at


def _atom(tokens, at):
    """atom = number | name | "[" terms "]" | "(" terms ")" """
    token = tokens[at]
    at += 1
    if token.isdigit():
        return int(token), at
    if token not in "([":
        return WORDS.get(token, token), at
    items = []
    while tokens[at] not in ")]":
        item, at = _term(tokens, at)
        items.append(item)
        at += tokens[at] in ";,"
    if token == "[":
        return items, at + 1
    value = items[0]
    for item in items[1:]:
        value = pair(value, item)
    return value, at + 1


def pair(left, right):
    return ("pair", left, right)


def some(value):
    return "None" if value is None else ("Some", value)


def order(n, m):
    return "Lt" if n < m else "Gt" if n > m else "Eq"


# ---- numbers -------------------------------------------------------------------------------------


def positive(p):
    """Value of xI, xO, xH."""
    total, place = 0, 1
    while p != "xH":
        total += place * (p[0] == "xI")
        place, p = 2 * place, p[1]
    return total + place


def binary(n):
    """Positive of a value: xI, xO, xH."""
    p = "xH"
    for digit in bin(n)[3:]:
        p = ("xI" if digit == "1" else "xO", p)
    return p


def bits(w):
    """Digits of a Gray code word."""
    digits = []
    while w != "stop":
        digits.append(int(w[0] == "one"))
        w = w[1]
    return digits


def word(digits):
    w = "stop"
    for digit in reversed(digits):
        w = ("one" if digit else "zero", w)
    return w


def number(digits):
    return sum(digit << place for place, digit in enumerate(reversed(digits)))


def gray(n, length):
    return [(n ^ n >> 1) >> place & 1 for place in reversed(range(length))]


def gray_rank(w):
    digits = bits(w)
    return next(n for n in range(2 ** len(digits)) if gray(n, len(digits)) == digits)


def gray_move(back, w):
    length = len(bits(w))
    rank = gray_rank(w) + (-1 if back else 1)
    return word(gray(min(max(rank, 0), 2**length - 1), length))


def fibonacci(n):
    x, y = 0, 1
    for _ in range(n):
        x, y = y, x + y
    return x


def ackermann(m, n):
    closed = [n + 1, n + 2, 2 * n + 3, 2 ** (n + 3) - 3]
    return closed[m] if m < 4 else None


def collatz(fuel, n):
    steps = 0
    while n > 1:
        n = 3 * n + 1 if n % 2 else n // 2
        steps += 1
    return some(steps if steps < fuel else None)


NUMBERS = {
    "binary.succ": lambda p: binary(positive(p) + 1),
    "binary.pred_double": lambda p: binary(2 * positive(p) - 1),
    "binary.pred": lambda p: binary(max(1, positive(p) - 1)),
    "binary.add": lambda p, q: binary(positive(p) + positive(q)),
    "binary.add_carry": lambda p, q: binary(positive(p) + positive(q) + 1),
    "binary.digits": lambda p: positive(p).bit_length(),
    "binary.carry": lambda p: (positive(p) ^ positive(p) + 1).bit_length() - 1,
    "binary.all_ones": lambda p: set(bin(positive(p))[2:]) == {"1"},
    "positive.multiply": lambda p, q: binary(positive(p) * positive(q)),
    "positive.square": lambda p: binary(positive(p) ** 2),
    "positive.compare": lambda p, q: order(positive(p), positive(q)),
    "positive.equal": lambda p, q: p == q,
    "positive.to_nat": positive,
    "positive.of_succ_nat": lambda n: binary(n + 1),
    "positive.ones": lambda p: bin(positive(p)).count("1"),
    "positive.power_of_two": lambda p: bin(positive(p)).count("1") == 1,
    "positive.complement": lambda p: binary(
        3 * 2 ** (positive(p).bit_length() - 1) - 1 - positive(p)
    ),
    "gray.encode": lambda w: word(gray(number(bits(w)), len(bits(w)))),
    "gray.decode": lambda w: word(
        [gray_rank(w) >> place & 1 for place in reversed(range(len(bits(w))))]
    ),
    "gray.flip": lambda w: word([1 - digit for digit in bits(w)]),
    "gray.first": lambda w: gray_rank(w) == 0,
    "gray.last": lambda w: gray_rank(w) == 2 ** len(bits(w)) - 1,
    "gray.move": gray_move,
    "gray.codes": lambda n: [word(gray(k, n)) for k in range(2**n)],
    "gray.odd_ones": lambda w: sum(bits(w)) % 2 == 1,
    "gray.changes": lambda w: sum(x != y for x, y in itertools.pairwise(bits(w))),
    "nat.double": lambda n: 2 * n,
    "nat.half": lambda n: n // 2,
    "nat.add": lambda n, m: n + m,
    "nat.add_onto": lambda n, m: n + m,
    "nat.subtract": lambda n, m: max(0, n - m),
    "nat.multiply": lambda n, m: n * m,
    "nat.power": lambda n, m: n**m,
    "nat.factorial": math.factorial,
    "nat.triangle": lambda n: n * (n + 1) // 2,
    "nat.fibonacci": fibonacci,
    "nat.fibonacci_from": lambda n, x, y: y * fibonacci(n) + x * (fibonacci(n - 1) if n else 1),
    "nat.larger": max,
    "nat.smaller": min,
    "nat.distance": lambda n, m: abs(n - m),
    "nat.compare": order,
    "nat.equal": lambda n, m: n == m,
    "nat.at_most": lambda n, m: n <= m,
    "parity.even": lambda n: n % 2 == 0,
    "parity.odd": lambda n: n % 2 == 1,
    "parity.half_down": lambda n: n // 2,
    "parity.half_up": lambda n: (n + 1) // 2,
    "parity.threefold": lambda n: n % 3 == 0,
    "parity.threefold_1": lambda n: n % 3 == 1,
    "parity.threefold_2": lambda n: n % 3 == 2,
    "parity.even_places": lambda xs: xs[::2],
    "parity.odd_places": lambda xs: xs[1::2],
    "parity.even_length": lambda xs: len(xs) % 2 == 0,
    "ackermann.ackermann": ackermann,
    "ackermann.ackermann_iterated": ackermann,
    "fuel.gcd_remainder": lambda fuel, n, m: math.gcd(n, m) if fuel > n else None,
    "fuel.gcd_subtract": lambda fuel, n, m: math.gcd(n, m) if fuel > n + m else None,
    "fuel.quotient": lambda fuel, n, m: min(fuel, n // m) if m else fuel,
    "fuel.collatz": collatz,
    "fuel.logarithm": lambda fuel, n: min(fuel, max(n, 1).bit_length() - 1),
    "choice.binomial": math.comb,
}

# ---- lists ---------------------------------------------------------------------------------------


def runs(xs):
    return [pair(x, len(list(group))) for x, group in itertools.groupby(xs)]


def scan(digits, modulus, start=0):
    return [total % modulus for total in itertools.accumulate(digits, initial=start)][1:]


def digit(d):
    return int(d[1])


def is_subsequence(xs, m):
    rest = iter(m)
    return all(x in rest for x in xs)


def cancel(xs):
    text = "".join(xs)
    while True:
        shorter = re.sub(r"(.)\1", "", text, count=1)
        if shorter == text:
            return list(text)
        text = shorter


def rule_110(row):
    cells = [0, *map(int, row), 0]
    return [
        bool(110 >> (4 * x + 2 * y + z) & 1)
        for x, y, z in zip(cells, cells[1:], cells[2:], strict=False)
    ]


def rule_90(row):
    cells = [0, *map(int, row), 0]
    return [bool(x ^ z) for x, _, z in zip(cells, cells[1:], cells[2:], strict=False)]


def generations_110(n, row):
    for _ in range(n):
        row = rule_110(row)
    return row


def tag(fuel, xs):
    text = "".join(xs)
    for _ in range(fuel):
        if len(text) < 2:
            break
        text = text[2:] + {"a": "bc", "b": "a", "c": "aaa"}[text[0]]
    return list(text)


def interleave(xs, m):
    n = min(len(xs), len(m))
    return [x for both in zip(xs, m, strict=False) for x in both] + xs[n:] + m[n:]


LISTS = {
    "sequence.size": len,
    "sequence.append": lambda xs, m: xs + m,
    "sequence.snoc": lambda xs, x: [*xs, x],
    "sequence.reverse": lambda xs: xs[::-1],
    "sequence.reverse_onto": lambda xs, m: xs[::-1] + m,
    "sequence.take": lambda n, xs: xs[:n],
    "sequence.drop": lambda n, xs: xs[n:],
    "sequence.all_but_last": lambda xs: xs[:-1],
    "sequence.last_of": lambda xs: some(xs[-1] if xs else None),
    "sequence.zip": lambda xs, m: [pair(x, y) for x, y in zip(xs, m, strict=False)],
    "sequence.unzip": lambda xs: pair([x for _, x, _ in xs], [y for _, _, y in xs]),
    "sequence.interleave": interleave,
    "sequence.stutter": lambda xs: [x for x in xs for _ in range(2)],
    "sequence.swap_pairs": lambda xs: [
        x for k in range(0, len(xs), 2) for x in reversed(xs[k : k + 2])
    ],
    "sequence.rotate": lambda n, xs: xs[n % len(xs) :] + xs[: n % len(xs)] if xs else [],
    "sequence.suffixes": lambda xs: [xs[k:] for k in range(len(xs) + 1)],
    "sequence.count": lambda x, xs: xs.count(x),
    "sequence.member": lambda x, xs: x in xs,
    "sequence.delete": lambda x, xs: [y for y in xs if y != x],
    "sequence.distinct_after": lambda seen, xs: [x for x in dict.fromkeys(xs) if x not in seen],
    "sequence.prefix": lambda xs, m: m[: len(xs)] == xs,
    "sequence.subsequence": is_subsequence,
    "sort.insertion_sort": sorted,
    "sort.merge_sort": sorted,
    "sort.sorted_from": lambda low, xs: [low, *xs] == sorted([low, *xs]),
    "sort.smaller": lambda x, xs: sum(y < x for y in xs),
    "sort.inversions": lambda xs: sum(x > y for x, y in itertools.combinations(xs, 2)),
    "sort.deal": lambda xs: pair(xs[::2], xs[1::2]),
    "sort.merge_sort_fuelled": lambda fuel, xs: sorted(xs) if fuel >= len(xs) else None,
    "sort.selection_sort_fuelled": lambda fuel, xs: sorted(xs) if fuel >= len(xs) else None,
    "sort.quick_sort_fuelled": lambda fuel, xs: sorted(xs) if fuel >= len(xs) else None,
    "search_tree.sort": lambda xs: sorted(set(xs)),
    "runs.encode": runs,
    "runs.encode_from": lambda x, n, xs: runs([x] * n + xs) if n else None,
    "runs.decode": lambda rs: [x for _, x, n in rs for _ in range(n)],
    "runs.copies": lambda x, n, xs: [x] * n + xs,
    "runs.squeeze": lambda xs: [x for x, _ in itertools.groupby(xs)],
    "runs.runs": lambda xs: len(runs(xs)),
    "runs.longest": lambda xs: max((n for _, _, n in runs(xs)), default=0),
    "sums.scan_from": lambda d, xs: [f"d{n}" for n in scan(map(digit, xs), 3, digit(d))],
    "sums.total": lambda xs: f"d{sum(map(digit, xs)) % 3}",
    "sums.value": lambda xs: sum(digit(d) * 3**k for k, d in enumerate(xs)),
    "sums.carry": lambda xs: len(list(itertools.takewhile("d2".__eq__, xs))),
    "sums.prefix_sums": lambda n, xs: list(itertools.accumulate(xs, initial=n))[1:],
    "sums.prefix_sums_modulo": lambda m, n, xs: scan(xs, m, n) if m else None,
    "sums.running_maximum": lambda n, xs: list(itertools.accumulate(xs, max, initial=n))[1:],
    "sums.running_parity": lambda odd, xs: [n == 1 for n in scan(xs, 2, int(odd))],
    "sums.alternate": lambda xs: pair(sum(xs[::2]), sum(xs[1::2])),
    "choice.sublists": lambda xs: [
        list(itertools.compress(xs, chosen)) for chosen in itertools.product((1, 0), repeat=len(xs))
    ],
    "choice.insertions": lambda x, xs: [[*xs[:k], x, *xs[k:]] for k in range(len(xs) + 1)],
    "choice.combinations": lambda n, xs: list(map(list, itertools.combinations(xs, n))),
    "choice.cuts": lambda xs: [pair(xs[:k], xs[k:]) for k in range(len(xs) + 1)],
    "rewriting.grow": lambda xs: list("".join({"a": "ab", "b": "a", "c": "c"}[x] for x in xs)),
    "rewriting.thue_morse": lambda xs: list(
        "".join({"a": "ab", "b": "ba", "c": ""}[x] for x in xs)
    ),
    "rewriting.cancel_onto": lambda s, xs: cancel(s[::-1] + xs) if cancel(s) == s else None,
    "rewriting.tag": tag,
    "rewriting.descents": lambda xs: sum(x > y for x, y in itertools.pairwise(xs)),
    "rewriting.rewrite": lambda old, new, xs: some(
        list("".join(xs).replace("".join(old), "".join(new), 1))
        if "".join(old) in "".join(xs)
        else None
    ),
    "cellular.next_after": lambda x, row: rule_110([x, *row])[1:],
    "cellular.pascal_after": lambda x, row: rule_90([x, *row])[1:],
    "cellular.generations": generations_110,
    "cellular.alive": sum,
    "cellular.any_alive": any,
}

# ---- languages -----------------------------------------------------------------------------------


def letters(pattern):
    return lambda xs: re.fullmatch(pattern, "".join(xs)) is not None


BRACKETS = dict(zip("open_round close_round open_square close_square".split(), "()[]", strict=True))


def shrink(xs):
    """Take balanced pairs away as long as there are any."""
    text = "".join(BRACKETS[x] for x in xs)
    while "()" in text or "[]" in text:
        text = text.replace("()", "").replace("[]", "")
    return text


def complete(stack, xs):
    rest = shrink(["open_round" if x else "open_square" for x in reversed(stack)] + xs)
    if re.search(r"[)\]]", rest):
        return "None"
    return some([f"close_{'round' if x == '(' else 'square'}" for x in reversed(rest)])


def nesting(xs):
    """Openings that wait, as brackets.nesting counts them: closing below zero stays at zero."""
    opened = most = 0
    for x in xs:
        opened = opened + 1 if x.startswith("open") else max(opened - 1, 0)
        most = max(most, opened)
    return most


def divisible(xs):
    return int("0" + "".join("01"[x == "b"] for x in xs), 2) % 3 == 0


def pattern_of(e):
    """A regular expression in Python's syntax; [^\\S\\s] matches nothing."""
    if e in ("empty", "epsilon"):
        return "[^\\S\\s]" if e == "empty" else ""
    kind, *parts = e
    if kind == "letter_is":
        return parts[0]
    inner = [f"(?:{pattern_of(part)})" for part in parts]
    return {"choice": "|", "then_": "", "star": ""}[kind].join(inner) + "*" * (kind == "star")


def repeated(*parts):
    """Words x^n y^n ..."""

    def test(xs):
        n = len(xs) // len(parts)
        return "".join(xs) == "".join(part * n for part in parts)

    return test


def lukasiewicz(wanted, xs):
    for x in xs:
        if wanted == 0:
            return False
        wanted += {"a": 1, "b": 0, "c": -1}[x]
    return wanted == 0


LANGUAGES = {
    "brackets.dyck": lambda xs: shrink(xs) == "",
    "brackets.complete": complete,
    "brackets.nesting": nesting,
    "regular.even_a": letters("(b*ab*a)*b*"),
    "regular.odd_a": letters("b*ab*(ab*ab*)*"),
    "regular.alternating": letters("(ab)*"),
    "regular.alternating_b": letters("b(ab)*"),
    "regular.no_aaa": lambda xs: "aaa" not in "".join(xs),
    "regular.no_aa": lambda xs: "aaa" not in "a" + "".join(xs),
    "regular.no_a": lambda xs: "aaa" not in "aa" + "".join(xs),
    "regular.divisible_from": lambda r, xs: divisible(
        {"zero": [], "one": ["b"], "two": ["b", "a"]}[r] + xs
    ),
    "regular.nullable": lambda e: re.fullmatch(pattern_of(e), "") is not None,
    "regular.matches": lambda e, xs: re.fullmatch(pattern_of(e), "".join(xs)) is not None,
    "context_free.a_then_b": lambda n, xs: repeated("a", "b")(["a"] * n + xs),
    "context_free.only_b": lambda n, xs: xs == ["b"] * n,
    "context_free.palindrome": lambda xs: xs == xs[::-1],
    "context_free.marked_palindrome": lambda s, xs: (
        "c" in xs and xs[: xs.index("c")][::-1] + s == xs[xs.index("c") + 1 :]
    ),
    "context_free.prefix_terms": lukasiewicz,
    "context_free.a_b_c": lambda m, n, xs: repeated("a", "b", "c")(xs) if m == n == 0 else None,
    "context_free.as_many": lambda b, n, xs: xs.count("a") - xs.count("b") == (n if b else -n),
    "context_free.derive": lambda n: ["a"] * n + ["c"] + ["b"] * n,
}

# ---- trees ---------------------------------------------------------------------------------------


def inorder(t):
    return [] if t == "leaf" else inorder(t[1]) + [t[2]] + inorder(t[3])


def preorder(t):
    return [] if t == "leaf" else [t[2]] + preorder(t[1]) + preorder(t[3])


def postorder(t):
    return [] if t == "leaf" else postorder(t[1]) + postorder(t[3]) + [t[2]]


def by_level(t):
    rows, row = [], [t]
    while row := [u for u in row if u != "leaf"]:
        rows.append([u[2] for u in row])
        row = [v for u in row for v in (u[1], u[3])]
    return rows


def tree_depth(t):
    return len(by_level(t))


def mirror(t):
    return t if t == "leaf" else ("node", mirror(t[3]), t[2], mirror(t[1]))


def number_nodes(t, path=""):
    """The same tree with labels that differ."""
    if t == "leaf":
        return t
    return ("node", number_nodes(t[1], path + "l"), path, number_nodes(t[3], path + "r"))


def is_search_tree(t):
    return inorder(t) == sorted(set(inorder(t)))


def insert(x, t):
    if t == "leaf":
        return ("node", "leaf", x, "leaf")
    _, left, y, right = t
    if x == y:
        return t
    return ("node", insert(x, left), y, right) if x < y else ("node", left, y, insert(x, right))


def rose_rows(t):
    rows, row = [], [t]
    while row:
        rows.append([u[1] for u in row])
        row = [v for u in row for v in u[2]]
    return rows


def rose_preorder(t):
    return [t[1]] + [x for u in t[2] for x in rose_preorder(u)]


def rose_postorder(t):
    return [x for u in t[2] for x in rose_postorder(u)] + [t[1]]


def rose_mirror(t):
    return (t[0], t[1], [rose_mirror(u) for u in reversed(t[2])])


def rose_degree(t):
    return max([len(t[2]), *map(rose_degree, t[2])])


TREES = {
    "tree.preorder": preorder,
    "tree.inorder": inorder,
    "tree.postorder": postorder,
    "tree.mirror": mirror,
    "tree.height": tree_depth,
    "tree.size": lambda t: len(inorder(t)),
    "tree.leaves": lambda t: len(inorder(t)) + 1,
    "traversal.preorder_onto": lambda t, xs: preorder(t) + xs,
    "traversal.inorder_onto": lambda t, xs: inorder(t) + xs,
    "traversal.postorder_onto": lambda t, xs: postorder(t) + xs,
    "traversal.levels": by_level,
    "traversal.level_order": lambda t: sum(by_level(t), []),
    "traversal.width": lambda t: max(map(len, by_level(t)), default=0),
    "traversal.right_comb": lambda t: preorder(number_nodes(t)) == inorder(number_nodes(t)),
    "search_tree.insert": insert,
    "search_tree.member": lambda x, t: x in inorder(t) if is_search_tree(t) else None,
    "search_tree.to_list_onto": lambda t, xs: inorder(t) + xs,
    "search_tree.ordered": is_search_tree,
    "rose.preorder": rose_preorder,
    "rose.postorder": rose_postorder,
    "rose.preorder_onto": lambda t, xs: rose_preorder(t) + xs,
    "rose.levels": rose_rows,
    "rose.level_order": lambda t: sum(rose_rows(t), []),
    "rose.mirror": rose_mirror,
    "rose.size": lambda t: len(rose_preorder(t)),
    "rose.height": lambda t: len(rose_rows(t)),
    "rose.degree": rose_degree,
}

# ---- languages of terms --------------------------------------------------------------------------

VARIABLES = {"x": 1, "y": 2, "z": 3}


def source(e):
    """A Python expression over the memory m."""
    if e[0] in ("number", "read"):
        return str(e[1]) if e[0] == "number" else f"m[{VARIABLES[e[1]]}]"
    return f"({source(e[1])} {'+' if e[0] == 'plus' else '*'} {source(e[2])})"


def evaluate(m, e):
    return eval(source(e), {"m": m})


def program(s, indent="  "):
    """Lines of Python that do what a statement does."""
    if s == "skip":
        return [indent + "pass"]
    kind, *parts = s
    if kind == "assign":
        return [f"{indent}m[{VARIABLES[parts[0]]}] = {source(parts[1])}"]
    if kind == "sequence":
        return program(parts[0], indent) + program(parts[1], indent)
    if kind == "loop":
        head = f"{indent}for _ in range({source(parts[0])}):"
        return [head, *program(parts[1], indent + " ")]
    return [
        f"{indent}if {source(parts[0])}:",
        *program(parts[1], indent + " "),
        f"{indent}else:",
        *program(parts[2], indent + " "),
    ]


def execute(s, m):
    cells = list(m)
    exec("\n".join(["if True:", *program(s)]), {"m": cells})
    return tuple(cells)


def stack_value(e):
    if e == "one":
        return 1
    return (sum if e[0] == "plus" else math.prod)([stack_value(e[1]), stack_value(e[2])])


def postfix(e):
    if e == "one":
        return ["push"]
    return postfix(e[1]) + postfix(e[2]) + [{"plus": "add", "times": "multiply"}[e[0]]]


def proposition(w, f):
    world = dict(zip("pqr", w[1:], strict=True))

    def text(g):
        if g == "truth":
            return "True"
        if g[0] == "var":
            return str(world[g[1]])
        if g[0] == "not":
            return f"(not {text(g[1])})"
        return f"({text(g[1])} {g[0]} {text(g[2])})"

    return eval(text(f))


def count_atoms(f):
    return str(f).count("'var'")


TERMS = {
    "expression.evaluate": evaluate,
    "expression.execute": execute,
    "expression.operations": lambda e: source(e).count("("),
    "expression.constant": lambda e: "m" not in source(e),
    "stack.evaluate": stack_value,
    "stack.compile": postfix,
    "stack.compile_onto": lambda e, xs: postfix(e) + xs,
    "formula.value": proposition,
    "formula.occurrences": count_atoms,
}

# "file.function" -> the function; None for an answer that is not looked at.
FUNCTIONS = {**NUMBERS, **LISTS, **LANGUAGES, **TREES, **TERMS}
