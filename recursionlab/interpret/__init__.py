"""Opening a model: hooks, interventions, and experiments on what it computes and how."""

from recursionlab.interpret.ablation import ablate
from recursionlab.interpret.attention import attention_map
from recursionlab.interpret.attribution import attribute
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import ActivationCache
from recursionlab.interpret.capture import Capture
from recursionlab.interpret.edits import Replace, Scale
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.heads import find_heads, visits_of
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.lens import logit_lens
from recursionlab.interpret.patching import patch, path_patch
from recursionlab.interpret.perturb import corrupt, perturb_inputs, perturb_positions
from recursionlab.interpret.probes import depth_labels, probe, stack_labels, state_labels
from recursionlab.interpret.trees import arities
from recursionlab.models.where import Where

__all__ = [
    "ActivationCache",
    "Batch",
    "Capture",
    "Finding",
    "HookedModel",
    "Replace",
    "Scale",
    "Where",
    "ablate",
    "arities",
    "attention_map",
    "attribute",
    "corrupt",
    "depth_labels",
    "find_heads",
    "logit_lens",
    "patch",
    "path_patch",
    "perturb_inputs",
    "perturb_positions",
    "probe",
    "stack_labels",
    "state_labels",
    "visits_of",
]
