"""The contestants: each a small program, run with ``python -m``, which never ends by itself."""
