"""What the worker costs, beside a hand-written boto3 loop and simpleflow: ``python -m benchmarks``.

The contestants run in processes of their own against a stub of SWF in a process of its own,
interleaved round by round, so that whatever else the machine does meets all of them alike. The
main figure is CPU time per task; medians are over the rounds.
"""
