"""Breaks a platform of its own in every way it knows while customers use it, and counts the damage: there must be none."""
