"""Experiments: a configuration file each, and one runner for all of them."""
