"""Forked children of an activity: they end in ``run``, and the worker's hooks see each fork.

Each script forks in a process of its own: the test's own has threads.
"""

from __future__ import annotations

import pytest

from tests.unit.concurrency.conftest import Script

FORK = """
import atexit, os, sys
from flowy.concurrency.forks import ProcessGuard, around_forks

def forked(call):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        call()
        os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("None", 0),
        ("SystemExit()", 0),
        ("SystemExit(3)", 3),
        ("SystemExit(300)", 300 & 0xFF),
        ("SystemExit('why')", 1),
        ("ValueError('why')", 1),
        ("KeyboardInterrupt()", 1),
    ],
)
def test_a_forked_child_ends_as_a_script_would(script: Script, error: str, code: int) -> None:
    """With the exit code of what it ended with; the parent's exit hooks do not run."""
    printed = script(
        FORK
        + f"""
def child():
    print("child")
    guard.end_child({error})

guard = ProcessGuard()
atexit.register(print, "hook")
print(forked(child))
"""
    )
    assert printed == f"child\n{code}\nhook\n"


def test_a_child_ends_though_another_thread_was_writing(script: Script) -> None:
    """Its copy of that thread's lock is never released: the child does not wait for it."""
    printed = script(
        FORK
        + """
import select, threading

reader, writer = os.pipe()
sys.stdout.flush()
sys.stdout = open(writer, "w")
threading.Thread(target=sys.stdout.write, args=("x" * 1_000_000,), daemon=True).start()
select.select([reader], [], [])  # the thread writes, and waits for somebody to read

guard = ProcessGuard()
pid = os.fork()
if pid == 0:
    guard.end_child()
os.write(1, f"{os.waitpid(pid, 0)[1]}\\n".encode())
os._exit(0)
"""
    )
    assert printed == "0\n"


@pytest.mark.parametrize(("run", "code"), [("submit", 0), ("run", 3)])
def test_a_child_of_a_thread_takes_no_calls(script: Script, run: str, code: int) -> None:
    """It ends with the call that forked it, and does not wait for the calls of its parent."""
    printed = script(
        f"""
import os, queue, sys
from flowy.concurrency.threads import Threads

def fork():
    pid = os.fork()
    if pid == 0:
        sys.exit(3)  # which ``submit`` logs, as any other error
    forked.put(pid)

forked, threads = queue.SimpleQueue(), Threads(1, "thread")
threads.{run}(fork)
print(os.waitstatus_to_exitcode(os.waitpid(forked.get(), 0)[1]))
"""
    )
    assert printed == f"{code}\n"


def test_the_parent_goes_on(script: Script) -> None:
    """The guard tells the two apart, and ends nothing but the child; a grandchild is one, too."""
    printed = script(
        FORK
        + """
def look():
    print(guard.is_forked)
    sys.stdout.flush()

guard = ProcessGuard()
guard.end_child(SystemExit(3))
look()
forked(look)
forked(lambda: forked(look))
"""
    )
    assert printed == "False\nTrue\nTrue\n"


def test_hooks_around_forks(script: Script) -> None:
    """Before the fork, after it in the parent, and in the child, whose own forks are its own."""
    printed = script(
        FORK
        + """
def hook(name):
    return lambda: os.write(1, name.encode() + b"\\n")  # in one piece: processes write at once

def child():
    forked(hook("grandchild"))
    hook("child")()

with around_forks(hook("before"), hook("in parent"), hook("in child")):
    forked(child)
hook("after")()
forked(child)
"""
    )
    during, after = printed.split("after\n")
    assert during.startswith("before\n")
    # The child and its parent go on side by side.
    assert sorted(during.split("\n")) == sorted(
        ["before", "in parent", "in child", "grandchild", "child", ""]
    )
    assert after == "grandchild\nchild\n"


def test_the_inner_of_two_blocks_is_nearer_to_the_fork(script: Script) -> None:
    """What the outer block does first it undoes last: a signal that both block is let through."""
    printed = script(
        FORK
        + """
import signal

def blocking(name, number):
    before = []
    def block():
        os.write(1, f"before: {name}\\n".encode())
        before[:] = [signal.pthread_sigmask(signal.SIG_BLOCK, [number])]
    def unblock():
        signal.pthread_sigmask(signal.SIG_SETMASK, before.pop())
    return around_forks(block, unblock, unblock)

def blocked():
    os.write(1, f"blocked: {signal.pthread_sigmask(signal.SIG_BLOCK, [])}\\n".encode())

with blocking("outer", signal.SIGTERM), blocking("inner", signal.SIGTERM):
    forked(blocked)
    blocked()
"""
    )
    assert printed == "before: outer\nbefore: inner\nblocked: set()\nblocked: set()\n"


def test_the_child_may_leave_the_block(script: Script) -> None:
    """It has forgotten the hooks, and may leave them all the same."""
    printed = script(
        FORK
        + """
def nothing(): pass

sys.stdout.flush()
with around_forks(nothing, nothing, nothing):
    pid = os.fork()
if pid == 0:
    os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    )
    assert printed == "5\n"
