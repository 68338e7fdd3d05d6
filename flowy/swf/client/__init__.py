"""The calls that Flowy makes, through boto3; the only door to it."""

from .actions import SWFClient
from .caller import Layer1
from .connect import connect

__all__ = ["Layer1", "SWFClient", "connect"]
