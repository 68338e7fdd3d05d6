"""Metrics of a worker: observers that count and time for Prometheus or OpenTelemetry.

SWF's own metrics, in CloudWatch, tell how long tasks wait and how many do. They say nothing of the
workers: how many slots are taken, which calls SWF refuses, how long answers take.
"""
