"""Runs a recorded task again, on this machine, without anything that SWF would notice.

SWF keeps the history of an execution for days or months after its end, with the input of each task.
A replay runs the activity with that input as a worker would, and compares how it ends with what is
recorded. Nothing is sent: the run has a client that only takes notes.
"""

from .comparison import Replay, RunEnd
from .files import history_in, save
from .recording import UNKNOWN, RecordedTask, Recording, recording_of
from .running import replayed

__all__ = [
    "UNKNOWN",
    "RecordedTask",
    "Recording",
    "Replay",
    "RunEnd",
    "history_in",
    "recording_of",
    "replayed",
    "save",
]
