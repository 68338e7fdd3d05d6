"""Build the wheel and the sdist, install each into an empty environment, and try it there.

Run by tox's environment ``dist`` as ``python tests/dist/smoke.py FOLDER``; not part of pytest's
run, because it needs minutes and a package index.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

#: What a core-only installation must be able to do, and must not have.
CORE = """
import importlib.util, sys

import flowy
from flowy.swf.boilerplate import async_scheduler, start_activity_worker
from flowy.swf.scanner import activity

assert flowy.__file__.startswith(sys.prefix), flowy.__file__
assert importlib.util.find_spec("moto") is None
print("flowy", flowy.__version__, "in", sys.prefix)

from flowy.local import LocalSWF

try:
    LocalSWF().start()
except flowy.FlowyError as error:
    assert "pip install" in str(error), error
else:
    raise AssertionError("the local SWF starts without moto")
"""


def run(*command: str | Path, cwd: Path) -> None:
    """Run *command*, with no trace of the caller's environment or of the checkout."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "COVERAGE", "VIRTUAL_ENV"))
    }
    environment = {**mine, "AWS_EC2_METADATA_DISABLED": "true"}
    ran = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        timeout=600,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(f"$ {shlex.join(map(str, command))}\n{ran.stdout}", flush=True)  # two run at once
    ran.check_returncode()


def empty_environment(folder: Path) -> Path:
    """Make a virtual environment and return its folder of programs."""
    run(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    return folder / "bin"


def check_contents(wheel: Path, sdist: Path) -> None:
    """The wheel holds the package and its type marker, and no tests; the sdist holds it all."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"flowy"}, tops
    assert "flowy/py.typed" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names), names
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"setup.py", "pyproject.toml", "tox.ini", "README.rst", "LICENSE", "CONTRIBUTING.rst"}
    wanted |= {"docs/conf.py", "tests/conftest.py", ".ci/run", "benchmarks/__main__.py"}
    wanted |= {"examples/approvals/__main__.py"}
    assert wanted <= inside, wanted - inside


def main(folder: Path) -> None:
    """Build into *folder* and try both."""
    shutil.rmtree(folder, ignore_errors=True)
    samples = folder / "samples"
    samples.mkdir(parents=True)
    (samples / "one.txt").write_text("Twelve words make a file that somebody may want to count "
                                     "here.\n")  # fmt: skip
    (samples / "two.txt").write_text("Two lines,\nfour words.\n")
    run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    check_contents(wheel, sdist)
    with ThreadPoolExecutor() as pool:  # each waits for pip most of the time
        list(pool.map(lambda archive: try_out(archive, folder, samples), (wheel, sdist)))


def try_out(archive: Path, folder: Path, samples: Path) -> None:
    """Install one of both into an empty environment, without and with the extra, and run it."""
    programs = empty_environment(folder / f"venv-{archive.suffix[1:]}")
    run(programs / "pip", "install", "-q", "--no-compile", archive, cwd=folder)
    run(programs / "python", "-W", "error", "-c", CORE, cwd=folder)
    run(programs / "flowy", "--help", cwd=folder)
    run(programs / "pip", "install", "-q", "--no-compile", f"{archive}[local]", cwd=folder)
    run(programs / "flowy", "demo", samples, cwd=folder)
    run(programs / "pip", "check", cwd=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
