"""Recommenders on tables of (user, item, optional rating, time, features).

`data` reads tables, `split` holds out, `ranking` and `metrics` judge over all items, `baselines`
and `als` are what a neural model has to beat.
"""
