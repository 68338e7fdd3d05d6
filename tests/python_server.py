"""The process that ``tests.python_process`` forks: it has imported all that programs need.

Importing boto3, flowy and moto costs a second of CPU; a fork costs some milliseconds. This process
has one thread and no SWF, client, logging or handler of its own, so a child begins as a Python
process that has only imported modules. The child runs its program as Python would, on the main
thread and to the ordinary end of an interpreter, in a session of its own.

An order comes as JSON, with the child's standard files and a pipe. The child's process id goes into
the pipe, and its exit code when it has ended. When the tests end, so does this process.
"""

from __future__ import annotations

import builtins
import gc
import importlib
import importlib.util
import io
import json
import multiprocessing.process
import os
import re
import select
import signal
import socket
import struct
import sys
import tempfile
import types
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

#: An order is preceded by its length in bytes.
LENGTH = struct.Struct("!I")


class Order(NamedTuple):
    """A process to start: ``python`` with *arguments*, its environment and its folder."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    ignores_hang_up: bool


def preload() -> None:
    """Import what the programs of the tests import, and what boto3 imports for its first client."""
    sys.path.insert(0, str(ROOT))
    for name in ("asyncio", "flowy.cli", "flowy.swf.boilerplate", "flowy.swf.worker", "sqlite3"):
        importlib.import_module(name)
    import boto3
    import botocore.loaders
    import botocore.session

    # A session's first client reads a megabyte of JSON. The loader keeps it for the default session
    # of each child; all else, such as settings and credentials, the child's session reads itself.
    loader = botocore.loaders.create_loader()

    def session() -> Any:
        made = botocore.session.Session()
        made.register_component("data_loader", loader)
        return made

    boto3.session.Session("any", "any", region_name="any", botocore_session=session()).client("swf")
    boto3.setup_default_session(botocore_session=session())
    with suppress(ImportError):
        from flowy.local.moto_loader import load_service

        load_service()
    sys.path.remove(str(ROOT))


def serve(control: socket.socket) -> tuple[Order, list[int]] | None:
    """Fork for each order; return it and its standard files in the child, None at the end."""
    ended: dict[int, int] = {}  # the pipe of each child, by process id
    heard, told = os.pipe()
    for descriptor in (heard, told):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    while True:
        ready, _, _ = select.select([control.fileno(), heard], [], [])
        if heard in ready:
            os.read(heard, 4096)
            _reap(ended)
        if control.fileno() not in ready:
            continue
        length, files, _, _ = socket.recv_fds(control, LENGTH.size, 4)
        if not length:
            for process_id in ended:
                os.kill(process_id, signal.SIGKILL)
            return None
        order = Order(**json.loads(_received(control, *LENGTH.unpack(length))))
        process_id = os.fork()
        if not process_id:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (control.detach(), heard, told, files.pop(), *ended.values()):
                os.close(descriptor)
            return order, files
        ended[process_id] = files.pop()
        os.write(ended[process_id], b"%d\n" % process_id)
        for descriptor in files:
            os.close(descriptor)


def _received(control: socket.socket, length: int) -> bytes:
    whole = b""
    while len(whole) < length:
        whole += control.recv(length - len(whole))
    return whole


def _reap(ended: dict[int, int]) -> None:
    while ended:
        process_id, status = os.waitpid(-1, os.WNOHANG)
        if not process_id:
            return
        pipe = ended.pop(process_id)
        with suppress(BrokenPipeError):  # nobody waits for it
            os.write(pipe, b"%d\n" % os.waitstatus_to_exitcode(status))
        os.close(pipe)


def become(order: Order, files: list[int], base: list[str]) -> list[str]:
    """Make this process the one that was ordered; return what comes after Python's options."""
    os.setsid()
    if order.ignores_hang_up:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number, descriptor in enumerate(files):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    # What modules took from this process when they were imported.
    multiprocessing.process.ORIGINAL_DIR = order.folder  # type: ignore[attr-defined]
    tempfile.tempdir = None
    added = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:] = [*added, *base]
    importlib.invalidate_caches()
    rest, unbuffered = list(order.arguments), bool(os.environ.get("PYTHONUNBUFFERED"))
    _warn(os.environ.get("PYTHONWARNINGS", ""))
    while rest[0].startswith(("-u", "-W")):
        option = rest.pop(0)
        unbuffered |= option == "-u"
        if option.startswith("-W"):
            _warn(option[2:] or rest.pop(0))
    _open_standard_files(unbuffered)
    return rest


def _warn(options: str) -> None:
    """Obey ``PYTHONWARNINGS`` or ``-W``."""
    for option in filter(None, options.split(",")):
        action, message, category = (*option.split(":"), "", "")[:3]
        kind = getattr(builtins, category or "Warning")
        warnings.filterwarnings(action, re.escape(message), kind)  # type: ignore[arg-type]
        sys.warnoptions.append(option)  # for the processes that this one starts


def _open_standard_files(unbuffered: bool) -> None:
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    encoding = encoding or sys.stdout.encoding

    def text(number: int, errors: str) -> io.TextIOWrapper:
        binary: Any = os.fdopen(number, "wb", 0 if unbuffered else -1, closefd=False)
        at_once = number == 2 or os.isatty(number)
        return io.TextIOWrapper(
            binary, encoding, errors, line_buffering=at_once, write_through=unbuffered
        )

    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding=encoding, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = text(1, errors or "strict")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = text(2, "backslashreplace")  # type: ignore[misc]


def run(arguments: list[str]) -> None:
    """Run a program as Python's main module: ``-m`` and a module, ``-c`` and a text, or a file."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    if arguments[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        name, *arguments = arguments[1:]
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{name}.__main__")
        assert found is not None, f"no module {name}"
        loader: Any = found.loader
        module.__spec__, module.__loader__, module.__package__ = found, loader, found.parent
        module.__file__ = found.origin
        sys.argv = [str(found.origin), *arguments]
        code = loader.get_code(found.name)
    elif arguments[0] == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *arguments[2:]]
        code = compile(arguments[1], "<string>", "exec")
    else:
        module.__file__ = arguments[0]
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        sys.argv = arguments
        code = compile(Path(arguments[0]).read_bytes(), arguments[0], "exec")
    exec(code, module.__dict__)


if __name__ == "__main__":
    base = sys.path[1:]
    preload()
    gc.collect()
    gc.freeze()
    if (child := serve(socket.socket(fileno=int(sys.argv[1])))) is not None:
        run(become(*child, base))
