"""What SWF's history of an execution tells: how tasks ended, and what is known of each activity.

SWF hands a worker neither the timeouts in force nor the attempt, and does not announce that it
closed a task. Only the history of the workflow execution, which SWF keeps for the domain's
retention period, has all of it.
"""

from .documents import Document, check_gaps, events_in, lacks_end
from .events import (
    Ending,
    Event,
    attributes,
    closes_execution,
    ending_of,
    ending_of_task,
)
from .records import ActivityRecord, activity_records

__all__ = [
    "ActivityRecord",
    "Document",
    "Ending",
    "Event",
    "activity_records",
    "attributes",
    "check_gaps",
    "closes_execution",
    "ending_of",
    "ending_of_task",
    "events_in",
    "lacks_end",
]
