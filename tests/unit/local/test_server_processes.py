"""LocalSWF and processes: settings for others, imports, and the end of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from flowy.local import LocalSWF
from tests.environments import clean_environment
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_swf import SWFClient


def domains(client: SWFClient) -> list[str]:
    answer = client.list_domains(registrationStatus="REGISTERED")
    return [info["name"] for info in answer["domainInfos"]]


def run_python(code: str, **environment: str) -> str:
    """The output of another process that has only the given AWS settings."""
    process = PythonProcess(["-W", "error", "-c", code], env={**clean_environment(), **environment})
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert err == ""
    return out.strip()


def test_the_environment_makes_boto3_use_it(swf: LocalSWF) -> None:
    """An unchanged boto3 script uses the local SWF if it has these variables."""
    code = (
        "import boto3\n"
        "print(boto3.client('swf').list_domains(registrationStatus='REGISTERED')"
        "['domainInfos'][0]['name'])"
    )
    assert set(swf.environment) == {
        "AWS_ENDPOINT_URL_SWF",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }
    assert run_python(code, **swf.environment) == "local"


def test_a_client_ignores_the_users_settings(tmp_path: Path) -> None:
    """The user's profiles, configuration files, endpoints and proxies change nothing."""
    broken = tmp_path / "config"
    broken.write_text("[profile\nnot a configuration")
    nowhere = "http://127.0.0.1:9"
    settings = {
        "AWS_PROFILE": "missing",
        "AWS_CONFIG_FILE": str(broken),
        "AWS_SHARED_CREDENTIALS_FILE": str(broken),
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_ENDPOINT_URL_SWF": nowhere,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "secret",
        "HTTP_PROXY": nowhere,
        "http_proxy": nowhere,
    }
    code = (
        "from flowy.local import LocalSWF\n"
        "with LocalSWF() as swf:\n"
        "    client = swf.client()\n"
        "    found = client.list_domains(registrationStatus='REGISTERED')['domainInfos']\n"
        "    print(found[0]['name'], client.meta.region_name, swf.region)"
    )
    assert run_python(code, **settings).split() == ["local", "us-east-1", "us-east-1"]


def test_importing_it_imports_nothing_heavy() -> None:
    """moto, boto3 and botocore are imported when a local SWF is used."""
    code = (
        "import sys, flowy\n"
        "before = set(sys.modules)\n"
        "import flowy.local\n"
        "flowy.local.LocalSWF()\n"
        "print([name for name in ('moto', 'boto3', 'botocore', 'werkzeug', 'flask')"
        " if name in set(sys.modules) - before])"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout == "[]\n"


def test_a_process_ends_though_it_serves() -> None:
    """A script that does not stop it, with a poll held, still ends."""
    code = (
        "import json, threading, urllib.request\n"
        "from flowy.local import LocalSWF\n"
        "swf = LocalSWF(page_port=0); swf.start(); client = swf.client()\n"
        "poll = lambda: client.poll_for_activity_task(domain='local', taskList={'name': 't'})\n"
        "threading.Thread(target=poll, daemon=True).start()\n"
        "look = swf.page_url + 'look/overview'\n"
        "while not json.load(urllib.request.urlopen(look))['pollers']: pass\n"
        "print('done')"
    )
    assert run_python(code) == "done"


def test_a_connection_that_comes_as_the_process_ends() -> None:
    """It is served or closed without a traceback, because an exiting process has no new threads."""
    code = (
        "import atexit, socket\n"
        "from urllib.parse import urlsplit\n"
        "from flowy.local import LocalSWF\n"
        "swf = LocalSWF(); swf.start()\n"
        "def connect():\n"
        "    url = urlsplit(swf.endpoint_url)\n"
        "    with socket.create_connection((url.hostname, url.port)) as connection:\n"
        "        connection.sendall(b'GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n')\n"
        "        while connection.recv(4096): pass\n"
        "    print('done')\n"
        "atexit.register(connect)\n"
    )
    assert run_python(code) == "done"
