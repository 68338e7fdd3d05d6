"""A copy of many files that goes on where the attempt before was killed."""

from __future__ import annotations

import shutil
from pathlib import Path

from flowy import Activity, activity


@activity(
    name="copy", version=1, task_list="files",
    heartbeat=60, schedule_to_close=None, schedule_to_start=None, start_to_close=4 * 3600,
    history="needed",
)  # fmt: skip
class CopyFiles(Activity):
    """Copy the files of a folder, in the order of their names."""

    def run(self, source: str, target: str) -> dict[str, int | None] | None:
        """Copy what earlier attempts have not copied; return how many files that were."""
        last = (self.previous_details or {"last": ""})["last"]
        files = sorted(each for each in Path(source).iterdir() if each.is_file())
        left = [each for each in files if each.name > last]
        for file in left:
            self.copy(file, Path(target, file.name))
            if not self.heartbeat({"last": file.name}):
                return None
        return {"copied": len(left), "attempt": self.attempt}

    def copy(self, file: Path, target: Path) -> None:
        """Copy one file; what is under its name is always a whole file."""
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(file, part)
        part.replace(target)
