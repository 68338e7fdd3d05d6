"""SWF's quotas: how much it keeps and how often it may be called.

The numbers are AWS's, from the page "Amazon SWF Quotas" of the developer guide:
https://docs.aws.amazon.com/amazonswf/latest/developerguide/swf-dg-limits.html
"""

from __future__ import annotations

from dataclasses import dataclass

#: The longest time of an execution, in seconds: "Maximum workflow execution time - 1 year. This is
#: a hard quota".
EXECUTION_SECONDS = 366 * 24 * 3600


@dataclass(frozen=True)
class Quotas:
    """Limits of what SWF keeps; the defaults are AWS's, and 0 allows none.

    Attributes:
        open_activity_tasks: open activity tasks of one execution; beyond that,
            ScheduleActivityTask fails with OPEN_ACTIVITIES_LIMIT_EXCEEDED.
        open_timers: open timers of one execution; beyond that, StartTimer fails with
            OPEN_TIMERS_LIMIT_EXCEEDED.
        open_children: open child executions of one execution; beyond that,
            StartChildWorkflowExecution fails with OPEN_CHILDREN_LIMIT_EXCEEDED.
        open_executions: open executions of one domain, children included; beyond that,
            StartWorkflowExecution gets LimitExceededFault, and StartChildWorkflowExecution fails
            with OPEN_WORKFLOWS_LIMIT_EXCEEDED.
        pollers: polls that wait on one task list at once; beyond that, polls get
            LimitExceededFault.
        events: events in one history; an execution with more is terminated with the cause
            EVENT_LIMIT_EXCEEDED.

    Raises:
        ValueError: a quota is below 0.
    """

    open_activity_tasks: int = 1_000
    open_timers: int = 1_000
    pollers: int = 1_000
    events: int = 25_000
    open_children: int = 1_000
    open_executions: int = 100_000

    def __post_init__(self) -> None:
        for name, number in vars(self).items():
            if not number >= 0:
                raise ValueError(f"Cannot use the quota {name}={number}: give 0 or more.")


#: A token bucket: for how many calls it has room, and by how many it refills each second.
Bucket = tuple[float, float]

#: The account's bucket for each action ("Throttling quotas for all Regions").
AWS_BUCKETS: dict[str, Bucket] = {
    "CountClosedWorkflowExecutions": (2000, 6),
    "CountOpenWorkflowExecutions": (2000, 6),
    "CountPendingActivityTasks": (200, 6),
    "CountPendingDecisionTasks": (200, 6),
    "DeleteActivityType": (200, 6),
    "DeleteWorkflowType": (200, 6),
    "DeprecateActivityType": (200, 6),
    "DeprecateDomain": (100, 6),
    "DeprecateWorkflowType": (200, 6),
    "DescribeActivityType": (2000, 6),
    "DescribeDomain": (200, 6),
    "DescribeWorkflowExecution": (2000, 6),
    "DescribeWorkflowType": (2000, 6),
    "GetWorkflowExecutionHistory": (2000, 60),
    "ListActivityTypes": (200, 6),
    "ListClosedWorkflowExecutions": (200, 6),
    "ListDomains": (100, 6),
    "ListOpenWorkflowExecutions": (200, 48),
    "ListTagsForResource": (50, 30),
    "ListWorkflowTypes": (200, 6),
    "PollForActivityTask": (2000, 200),
    "PollForDecisionTask": (2000, 200),
    "RecordActivityTaskHeartbeat": (2000, 160),
    "RegisterActivityType": (200, 60),
    "RegisterDomain": (100, 6),
    "RegisterWorkflowType": (200, 60),
    "RequestCancelWorkflowExecution": (2000, 30),
    "RespondActivityTaskCanceled": (2000, 200),
    "RespondActivityTaskCompleted": (2000, 200),
    "RespondActivityTaskFailed": (2000, 200),
    "RespondDecisionTaskCompleted": (2000, 200),
    "SignalWorkflowExecution": (2000, 30),
    "StartWorkflowExecution": (2000, 200),
    "TagResource": (50, 30),
    "TerminateWorkflowExecution": (2000, 60),
    "UndeprecateActivityType": (200, 6),
    "UndeprecateDomain": (100, 6),
    "UndeprecateWorkflowType": (200, 6),
    "UntagResource": (50, 30),
}

#: The account's bucket for each decision that the local SWF carries out ("Decision quotas for all
#: Regions"). A decision fails if its bucket is empty.
DECISION_BUCKETS: dict[str, Bucket] = {
    "RequestCancelExternalWorkflowExecution": (1200, 120),
    "ScheduleActivityTask": (1000, 200),
    "SignalExternalWorkflowExecution": (1200, 120),
    "StartChildWorkflowExecution": (500, 12),
    "StartTimer": (2000, 200),
}

#: The buckets of each execution ("Workflow-level quotas").
WORKFLOW_BUCKETS: dict[str, Bucket] = {
    "GetWorkflowExecutionHistory": (400, 200),
    "RecordActivityTaskHeartbeat": (1000, 1000),
    "RequestCancelWorkflowExecution": (200, 200),
    "SignalWorkflowExecution": (1000, 1000),
}

#: The bucket of each task list, for the activity tasks scheduled on it: "2,000 tasks per second".
LIST_BUCKET: Bucket = (2000, 2000)
