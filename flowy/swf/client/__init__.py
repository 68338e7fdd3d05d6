"""The calls to SWF, and the boto3 clients that make them."""

from .actions import SWFClient
from .caller import Layer1
from .connect import connect

__all__ = ["Layer1", "SWFClient", "connect"]
