"""Doors to other tools; each module needs its own optional package, named when it is missing."""
