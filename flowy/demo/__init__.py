"""What ``flowy demo`` runs: files become activities, and SWF's history tells what became of them.

Read it as an example, in this order: ``activities`` is what an author of activities writes,
``approver`` is another program that completes a suspended one, ``workflow`` is a decider,
``files`` is the real input, ``report`` reads the history, and ``run`` starts it all.
"""

from .run import run_demo

__all__ = ["run_demo"]
