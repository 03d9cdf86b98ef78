"""Documents and a task's YAML for the LM Evaluation Harness (`lm_eval --include_path FOLDER`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines
from recursionlab.interop.questions import difficulty, question

YAML = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
{files}
{splits}
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs:
  until: ["\\n\\n"]
  do_sample: false
filter_list:
  - name: last_line
    filter:
      - function: regex
        regex_pattern: "(?:^|\\n)[ \\t]*(?:(?:Output|Answer):)?[ \\t]*`?([^`\\n]*?)`?[ \\t]*\\n*$"
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
metadata:
  version: "{version}"
"""


def document(item: dict[str, Any], instruction: str) -> dict[str, Any]:
    """Return one item as a document."""
    return {
        "id": item["id"],
        "question": question(item, instruction),
        "target": item["target"],
        "function": item["function"],
        **difficulty(item),
    }


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.jsonl` and `<name>.yaml`."""
    names = write_lines(
        parts,
        folder,
        ".jsonl",
        lambda item: json.dumps(document(item, about.instruction), ensure_ascii=False),
    )
    # Paths as the harness needs them: from the root. Write the task again where it is moved.
    files = "\n".join(
        f"    {name}: {json.dumps(str(about.home / f'{name}.jsonl'))}" for name in names
    )
    roles = {"training_split": "train", "validation_split": "valid", "test_split": "test"}
    splits = "\n".join(f"{role}: {name}" for role, name in roles.items() if name in names)
    text = YAML.format(name=about.name, files=files, splits=splits, version=about.version)
    (folder / f"{about.name}.yaml").write_text(text, encoding="utf-8")
