"""Measurements against peers: interleaved in one process, medians, ratios as JSON rows."""
