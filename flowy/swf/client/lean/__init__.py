"""A lean HTTP layer for the boto3 clients that Flowy makes for itself.

A task is two short calls to SWF, and nearly all CPU time of a worker goes into botocore, urllib3
and the signatures of these calls. botocore still does parameters, credentials, retries, parsing and
errors; this package signs the request, sends it over a connection of its own, and reads the answer.
"""
