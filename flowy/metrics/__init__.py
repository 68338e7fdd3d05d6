"""Metrics of a worker: observers that count and time for Prometheus or OpenTelemetry.

SWF's own metrics, in CloudWatch, show how many tasks wait and for how long. They do not cover the
workers: how many slots are taken, which calls SWF refuses, how long answers take.
"""
