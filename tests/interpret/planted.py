"""Models with a known shortcut: answers of hidden machines chosen by hidden rules, with noise.

What is planted is drawn here from the functions' own machines, by its own random numbers; it is
never read from the table of candidates that the reconstruction tries.
"""

import random
from dataclasses import dataclass

import numpy as np

import recursionlab as rlab
from recursionlab.data.dataset import Packed
from recursionlab.machines import Budget, Cut, Refused, machine_of, shortcut

FUNCTIONS = [  # program, function, sizes, values of each size (0: all)
    ("binary", "succ", range(2, 11), 0),
    ("binary", "pred_double", range(2, 11), 0),
    ("gray", "encode", range(2, 11), 0),
    ("gray", "flip", range(2, 11), 0),
    ("positive", "complement", range(2, 11), 0),
    ("parity", "even_places", range(2, 12), 100),
    ("runs", "squeeze", range(2, 12), 100),
    ("rewriting", "thue_morse", range(2, 12), 100),
    ("tree", "preorder", range(4, 20), 150),
    ("tree", "inorder", range(4, 20), 150),
    ("tree", "mirror", range(4, 20), 150),
]
BUDGET = Budget(steps=2000, work=20_000, locations=8000)


@dataclass
class Plant:
    """A function, its data, and what the hidden rules answer, with and without noise."""

    label: str
    function: object
    order: str
    split: object
    clean: Packed
    noisy: Packed


def data_of(program, name, sizes, per_size, order):
    """Return a function at labels and all its values in one split."""
    function = rlab.library(program)[name]
    function = function.at(**dict.fromkeys(function.type_parameters, "label"))
    data = rlab.make_dataset(
        function, sizes=sizes, per_size=per_size, order=order, fractions=(1.0, 0.0, 0.0)
    )
    return function, data["train"]


def _machine(draw, function, order, vocabulary):
    """Draw a machine: a cut with one of its fallbacks, a window, or a shortcut on sequences."""
    kind = draw.choice(["copy", "copy", "stop", "branch", "branch", "window", "sequence"])
    k = draw.choice([*range(1, 7), f"length - {draw.randint(2, 4)}", "length / 2"])
    if kind == "sequence":
        name = draw.choice(["copy", "reverse", "shift", "last"])
        values = {"shift": {"s": draw.randint(1, 3)}, "last": {"m": draw.randint(2, 5)}}
        return f"{name} {values.get(name)}", shortcut(name, vocabulary, **values.get(name, {}))
    if kind == "window":
        return f"window {k}", machine_of(function, order=order, window=k)
    constructors = [c.name for c in function.signature()[0][0].inductive.constructors]
    branch = draw.choice(constructors) if kind == "branch" else ""
    cut = Cut(k, kind, branch=branch)
    return f"{kind} {branch} {k}", machine_of(function, order=order, cut=cut)


def _answers(machine, split):
    runs = machine.run(split.input_ids, split.input_offsets, budget=BUDGET)
    return [runs[i].tolist() for i in range(len(split))], runs.fine


def plant(seed):
    """Return a model with a hidden shortcut, a function of the seed alone."""
    draw = random.Random(seed)
    while True:
        row = draw.choice(FUNCTIONS)
        order = draw.choice(["natural", "reversed"])
        function, split = data_of(*row, order)
        target = [split.targets[i].tolist() for i in range(len(split))]
        arms = []
        try:
            for _ in range(draw.randint(1, 2)):
                label, machine = _machine(draw, function, order, split.vocabulary)
                said, fine = _answers(machine, split)
                arms.append((label, said, fine))
        except Refused:
            continue
        if len(arms) == 1 and draw.random() < 0.5:
            arms.append(("true", target, np.ones(len(split), bool)))
        column = draw.choice(["length", "calls", "size", "depth"])
        values = split.inputs.lengths if column == "length" else split.column(column)
        threshold = int(np.quantile(values, draw.uniform(0.25, 0.75)))
        low = np.asarray(values) <= threshold
        clean = [arms[0][1][i] if low[i] else arms[-1][1][i] for i in range(len(split))]
        fine = np.where(low, arms[0][2], arms[-1][2])
        wrong = np.array([a != b for a, b in zip(clean, target, strict=True)])
        sides = zip((arms[0], arms[-1]), (low, ~low), strict=True)
        shown = [wrong[side].mean() for arm, side in sides if arm[0] != "true" and side.any()]
        if not fine.all() or min(shown, default=0) < 0.05:
            continue  # a hidden machine must end, and must show
        noise = draw.choice([0.0, 0.0, 0.02])
        noisy = [_noisy(draw, a) if draw.random() < noise else a for a in clean]
        rule = f" if {column} <= {threshold} else {arms[1][0]}" if len(arms) > 1 else ""
        label = f"{row[1]}, {order}: {arms[0][0]}{rule}; noise {noise}"
        return Plant(label, function, order, split, Packed.of(clean), Packed.of(noisy))


def _noisy(draw, answer):
    """Change one token to another of the answer, or drop the last."""
    if len(answer) < 2:
        return [*answer, *answer]
    at, other = draw.randrange(len(answer)), draw.choice(answer)
    changed = [*answer[:at], other, *answer[at + 1 :]]
    return changed if changed != answer else answer[:-1]
