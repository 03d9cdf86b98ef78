"""What runs come to: evaluations pooled over seeds, and where each variant fails, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recursionlab.judge import Evaluation, compare, read_scored
from recursionlab.judge.pool import distinct_columns, failing, pool, share

SPLITS = {
    "test": "held-out values of trained sizes",
    "gen_size": "sizes beyond training",
    "gen_depth": "deeper than training",
    "stress": "unseen values from regular to irregular",
    "test-rollout": "held-out values, step by step to the end",
    "gen_size-rollout": "sizes beyond training, step by step to the end",
    "gen_depth-rollout": "deeper than training, step by step to the end",
}
Results = dict[str, dict[int, dict[str, Evaluation]]]  # variant, seed, split


def run_folder(folder: Path, variant: str, seed: int) -> Path:
    """Return where the run of a variant and a seed is."""
    return folder / "runs" / variant / f"seed-{seed}"


def read_evaluations(folder: Path) -> dict[str, Evaluation]:
    """Return the evaluations in a run's folder by split."""
    found = (Evaluation.load(f) for f in sorted(folder.glob("evaluation-*.json")))
    by_split = {e.split: e for e in found}
    order = [*SPLITS, *by_split]
    return {name: by_split[name] for name in dict.fromkeys(order) if name in by_split}


def read_results(folder: Path, config: Mapping[str, Any]) -> Results:
    """Return the evaluations of all finished runs of an experiment."""
    return {
        variant: {
            seed: read_evaluations(run_folder(folder, variant, seed))
            for seed in config["seeds"]
            if (run_folder(folder, variant, seed) / "summary.json").is_file()
        }
        for variant in config["variants"]
    }


def findings(evaluations: Mapping[str, Evaluation], goal: float) -> list[str]:
    """Return sentences about where one run fails."""
    return [
        f"{SPLITS.get(name, name)}: {failing(e.groups[by], by, goal)}."
        for name, e in evaluations.items()
        for by in distinct_columns(e.groups)
    ]


def summarize(results: Results, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page of an experiment shows, as plain JSON values.

    Returns
    -------
    dict
        `results`: a row a variant and split; `seeds`: a row a variant and seed; `findings`;
        `pooled`: variant, split, column to rows; `columns`: those worth a figure, by split; `names`
        of splits; `trained`: column to its range in training.
    """
    pooled: dict[str, Any] = {}
    trained: dict[str, list[int]] = {}
    sentences = []
    for variant, seeds in results.items():
        goal = float(config["variants"][variant]["evaluate"]["goal"])
        pooled[variant] = {split: _pooled(seeds, split) for split in splits_of(seeds)}
        for split, groups in pooled[variant].items():
            for by in distinct_columns(groups):
                text = failing(groups[by], by, goal)
                sentences.append(f"{variant}, {SPLITS.get(split, split)}: {text}.")
        for found in seeds.values():
            for e in found.values():
                for by, (low, high) in e.trained.items():
                    old = trained.get(by, [low, high])
                    trained[by] = [min(low, old[0]), max(high, old[1])]
    return {
        "results": _rows(results),
        "seeds": _seed_rows(results),
        "findings": sentences,
        "pooled": pooled,
        "columns": _columns(pooled),
        "names": SPLITS,
        "trained": trained,
    }


def differences(folder: Path, results: Results) -> dict[str, Any]:
    """Return whether variants differ over their seeds, split by split, where there are several.

    `findings` and `configurations` of each `Comparison`; splits whose items no two runs share are
    left out.
    """
    if len(results) < 2:
        return {}
    out = {}
    for split in dict.fromkeys(s for seeds in results.values() for s in splits_of(seeds)):
        files = sorted((folder / "runs").rglob(f"samples-{split}.jsonl"))
        runs = read_scored([file.parent for file in files], split) if len(files) > 1 else []
        if len(runs) < 2 or not set.intersection(*(set(run.exact) for run in runs)):
            continue
        found = compare(runs).to_dict()
        out[split] = {key: found[key] for key in ("findings", "configurations", "tests")}
    return out


def _columns(pooled: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the columns of each split that are worth a figure for any variant."""
    out: dict[str, list[str]] = {}
    for splits in pooled.values():
        for split, groups in splits.items():
            first = ["size"] if "size" in groups else []
            names = [*out.get(split, first), *distinct_columns(groups)]
            out[split] = list(dict.fromkeys(names))
    return out


def splits_of(seeds: Mapping[int, Mapping[str, Evaluation]]) -> list[str]:
    """Return the splits that any of some runs was evaluated on."""
    return list(dict.fromkeys(split for found in seeds.values() for split in found))


def _pooled(
    seeds: Mapping[int, Mapping[str, Evaluation]], split: str
) -> dict[str, list[dict[str, Any]]]:
    found = [e[split] for e in seeds.values() if split in e]
    names = dict.fromkeys(name for e in found for name in e.groups)
    return {name: pool(e.groups.get(name, []) for e in found) for name in names}


def _rows(results: Results) -> list[dict[str, Any]]:
    """Return one row a variant and split: pooled share, interval, lowest and highest seed."""
    rows = []
    for variant, seeds in results.items():
        for split in splits_of(seeds):
            each = [e[split].overall for e in seeds.values() if split in e]
            pooled = share(sum(o["exact"] for o in each), sum(o["n"] for o in each))
            rates = [o["rate"] for o in each]
            tokens = sum(o["token_accuracy"] * o["n"] for o in each) / max(1, pooled["n"])
            rows.append(
                {
                    "variant": variant,
                    "split": split,
                    "seeds": len(each),
                    **pooled,
                    "min_accuracy": min(rates),
                    "max_accuracy": max(rates),
                    "token_accuracy": tokens,
                }
            )
    return rows


def _seed_rows(results: Results) -> list[dict[str, Any]]:
    """Return one row a variant and seed, a column a split."""
    return [
        {
            "variant": variant,
            "seed": str(seed),
            **{f"{s} accuracy": e.accuracy for s, e in found.items()},
        }
        for variant, seeds in results.items()
        for seed, found in seeds.items()
    ]
