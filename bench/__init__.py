"""Ringdesk beside its peers: measurements, never tests. `python -m bench [names]`.

How to add one: write `bench/<name>.py` with `def run() -> list[Figure]` (see `bench/harness.py`),
which takes little more than a minute (filling a database not counted), starts its peers and load
generators in processes of their own (and ends them), and measures peers in the same run,
interleaved with ours; then add its name to `BENCHES` in `bench/__main__.py`. A figure that is not
reached is a result, not an error: say it plainly.

The whole program under a bench is `bench/installation.py`: a settings file and a folder of its own.
The figures go to `build/bench.json`, with the machine they were taken on.
"""
