"""The lean HTTP way: what lies beneath the boto3 clients that Flowy makes for itself.

A task is two short calls to SWF, and nearly all that a worker costs is what botocore, urllib3 and
the signing spend on them. Parameters, credentials, retries, parsing and errors stay botocore's;
this package signs the request, sends it over a connection of its own, and reads the answer.
"""
