"""Flowy's own HTTP servers, and the checks that keep web pages away from them.

SWF checks signatures; these servers do not. They listen on loopback unless told otherwise, and
refuse requests that a foreign web page makes a browser send.
"""
