"""The project beside its peers, measured side by side in one run. `python -m benchmarks [name…]`

Each module here has `measure()`, which yields a `Row` for each ratio that is asked for.
"""
