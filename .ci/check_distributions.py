"""Check that the wheel and the source distribution hold the data files that the package needs.

python .ci/check_distributions.py dist
"""

import sys
import tarfile
import zipfile
from pathlib import Path

DATA = {
    "paretoroute/data/README.md",
    "paretoroute/data/demo_runs.parquet",
    "paretoroute/data/policy.schema.json",
    "paretoroute/py.typed",
    "paretoroute/serving/http/explorer.html",
}
SOURCES = {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "policies/demo-same-quality.yaml"}


def only(folder: Path, pattern: str) -> Path:
    """Return the one file of a folder that matches."""
    files = sorted(folder.glob(pattern))
    if len(files) != 1:
        sys.exit(f"{folder}: expected one file {pattern}, found {[file.name for file in files]}")
    return files[0]


def main(folder: Path) -> None:
    """Stop with the names of the files that are missing or do not belong there."""
    wheel, source = only(folder, "*.whl"), only(folder, "*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    in_source = {name.split("/", 1)[1] for name in tarfile.open(source).getnames() if "/" in name}
    strays = [name for name in in_wheel if not name.startswith(("paretoroute/", "paretoroute-"))]
    for name, missing in (("wheel", DATA - in_wheel), ("source distribution", (DATA | SOURCES) - in_source)):
        if missing:
            sys.exit(f"the {name} lacks {', '.join(sorted(missing))}")
    if strays:
        sys.exit(f"the wheel holds files outside the package: {', '.join(sorted(strays)[:5])}")
    for path in (wheel, source):
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
