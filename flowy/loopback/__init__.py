"""HTTP servers of Flowy's own, and the checks that keep web pages away from them.

SWF checks signatures; these servers check none. They listen on this machine's loopback unless told
otherwise, and answer no request that a web page of somebody else makes a browser send.
"""
