"""A fresh Python process that imports the package under test, wherever it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import paretoroute

ROOT = Path(paretoroute.__path__[0]).parent


def python(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments; return its exit code and what it wrote.

    Args:
        arguments: of the interpreter, such as ``"-c", code``.
        cwd: folder to run in; None: this process's.
        environment: variables to add to this process's.
    """
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": search} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def without(*packages: str) -> str:
    """Return code that makes packages look as if they were not installed, to run before any other import."""
    return (
        "import sys\n"
        "class NotInstalled:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {packages!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, NotInstalled())\n"
    )
