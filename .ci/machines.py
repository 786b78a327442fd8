"""Run both commands of the README in new environments, as on other machines: other kernels, threads and versions.

    python .ci/machines.py [--settings newest-haswell-1 ...] [--workers 2]

Every setting is a new clone of the last commit, a new environment, and the two commands as they stand in the README,
with variables set. A setting is called by its versions, kernel and threads:

- `oldest`: `PIP_CONSTRAINT` holds every direct dependency at its lower bound in pyproject.toml; `newest`: without;
- the kernel that OpenBLAS takes in NumPy and in SciPy (checked in the environment afterwards), and with it the
  instructions that NumPy and XLA may use, as on a processor that has no later ones;
- 1 or 2 threads of OpenBLAS and OpenMP; with 1, XLA takes one too;

and `newest-plain`, `newest-rich`: other locales, time zones, widths, colours and home folders. Results are kept in a
folder, so that a run that was stopped goes on; outputs and versions of each setting lie there, too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(tempfile.gettempdir()) / "paretoroute-machines"
MOST_SECONDS = 1800  # of one command
SOONEST_SLEEP = "4"  # of idle threads of OpenBLAS: else they spin on the cores that another setting needs
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")  # variables that every setting keeps
AVX512 = "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"
AVX = "AVX F16C FMA3 AVX2 X86_V3"
PROBE = """
import json, numpy, scipy.linalg, threadpoolctl
pools = [pool for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"]
print(json.dumps([[pool["architecture"], pool["num_threads"]] for pool in pools]))
"""


@dataclass(frozen=True)
class Kernel:
    """A kernel of OpenBLAS.

    Args:
        name: as OpenBLAS spells it.
        flags: of the processor, which the kernel needs.
        xla_isa: the latest instructions that XLA may use.
        numpy_without: the instructions that NumPy has to do without, by the names of old and of new versions.
    """

    name: str
    flags: frozenset[str]
    xla_isa: str
    numpy_without: str


KERNELS = (
    Kernel("Nehalem", frozenset({"sse4_2"}), "SSE4_2", f"{AVX} {AVX512}"),
    Kernel("Sandybridge", frozenset({"avx"}), "AVX", f"FMA3 AVX2 X86_V3 {AVX512}"),
    Kernel("Haswell", frozenset({"avx2", "fma"}), "AVX2", AVX512),
    Kernel("SkylakeX", frozenset({"avx512dq", "avx512vl"}), "AVX512", ""),
)
SURROUNDINGS = {
    "plain": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Pacific/Kiritimati",
        "COLUMNS": "40",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "HOME": "/proc/no-home",
        "PYTHONHASHSEED": "1",
        "PIP_PROGRESS_BAR": "off",  # pip's own cannot be written in ASCII
    },
    "rich": {
        "LC_ALL": "C.UTF-8",
        "TZ": "America/St_Johns",
        "COLUMNS": "250",
        "LINES": "10",
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
        "PYTHONHASHSEED": "2",
    },
}


@dataclass(frozen=True)
class Setting:
    """Versions and variables of a run.

    Args:
        name: of the setting.
        versions: ``oldest`` or ``newest``.
        variables: of the environment of both commands.
        kernel: the kernel that OpenBLAS has to take, or None.
    """

    name: str
    versions: str
    variables: dict[str, str]
    kernel: Kernel | None = None


@dataclass(frozen=True)
class Result:
    """A finished setting.

    Args:
        setting: its name.
        commit: the commit that was run.
        exits: exit codes of the two commands.
        tests: the last line of pytest.
        kernels: kernel and threads of every OpenBLAS in the environment.
        seconds: that both commands took.
    """

    setting: str
    commit: str
    exits: list[int]
    tests: str
    kernels: str
    seconds: int

    @property
    def has_passed(self) -> bool:
        """Whether both commands ended with 0, on the kernel of the setting."""
        return self.exits == [0, 0] and "wrong" not in self.kernels

    def row(self) -> str:
        """Format the row of the table."""
        counts = [self._count(word) for word in ("passed", "failed", "error", "skipped")]
        cells = (self.setting, *self.exits, *counts, self.seconds, self.kernels)
        return "| " + " | ".join(map(str, cells)) + " |"

    def _count(self, word: str) -> int:
        match = re.search(rf"(\d+) {word}", self.tests)
        return int(match[1]) if match else 0


def settings() -> Iterator[Setting]:
    """Yield the settings that this machine can run: the earliest kernel and the latest two of its processor."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    own = set(flags[1].split()) if flags else set()
    supported = [kernel for kernel in KERNELS if kernel.flags <= own]
    kernels = supported[:-2][:1] + supported[-2:]
    for versions in ("oldest", "newest"):
        for kernel in kernels:
            for threads in (1, 2):
                name = f"{versions}-{kernel.name.lower()}-{threads}"
                yield Setting(name, versions, _variables(kernel, threads), kernel)
    for name, variables in SURROUNDINGS.items():
        yield Setting(f"newest-{name}", "newest", variables)


def _variables(kernel: Kernel, threads: int) -> dict[str, str]:
    variables = {
        "OPENBLAS_CORETYPE": kernel.name,
        "OPENBLAS_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "XLA_FLAGS": f"--xla_cpu_max_isa={kernel.xla_isa}",
    }
    if threads == 1:
        variables["XLA_FLAGS"] += " --xla_cpu_multi_thread_eigen=false"
    return variables


def lower_bounds() -> list[str]:
    """Return a constraint for every direct dependency, those of all extras but ``local``, and of the build."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = document["project"]
    extras = project["optional-dependencies"]
    parts = (
        document["build-system"]["requires"],
        project["dependencies"],
        extras["fit"],
        extras["serve"],
        extras["redis"],
        extras["signatures"],
        extras["dev"],
    )
    bounds = (re.match(r"([\w.-]+)>=([\w.]+)", requirement) for part in parts for requirement in part)
    return sorted(f"{bound[1]}=={bound[2]}" for bound in bounds if bound)


def readme_commands() -> list[str]:
    """Return the first two blocks tagged sh."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)[:2]


def run(setting: Setting, commit: str, folder: Path) -> Result:
    """Clone, run both commands, and look at the kernels."""
    place = folder / setting.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    variables = _environment(setting, place)
    if setting.kernel is not None:
        variables |= _numpy_without(setting.kernel, variables, place / "numpy")
    began, exits = time.monotonic(), []
    for number, command in enumerate(readme_commands(), 1):
        clone = place / f"clone-{number}"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=clone, check=True)
        exits.append(_logged(command, clone, variables, place / f"command-{number}.txt"))
    seconds = round(time.monotonic() - began)
    tests = (place / "command-2.txt").read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-1:]
    kernels = _kernels(setting, clone, variables)
    _logged(".venv/bin/pip freeze", clone, variables, place / "versions.txt")
    for number in (1, 2):
        shutil.rmtree(place / f"clone-{number}")  # half a gigabyte each
    return Result(setting.name, commit, exits, "".join(tests), kernels, seconds)


def _environment(setting: Setting, place: Path) -> dict[str, str]:
    """Keep what finds and downloads packages, and set the variables of the setting."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("PIP_")}
    if setting.versions == "oldest":
        bounds = place / "oldest.txt"
        bounds.write_text("\n".join(lower_bounds()) + "\n", encoding="utf-8")
        kept["PIP_CONSTRAINT"] = str(bounds)
    return kept | {"OPENBLAS_THREAD_TIMEOUT": SOONEST_SLEEP} | setting.variables


def _numpy_without(kernel: Kernel, variables: dict[str, str], place: Path) -> dict[str, str]:
    """Ask the NumPy that will be installed for the instructions to disable; it warns of those it does not know."""
    install = f"python3 -m venv {place} && {place}/bin/pip install --quiet numpy"
    subprocess.run(["bash", "-c", install], env=variables, check=True)
    ask = "from numpy._core._multiarray_umath import __cpu_dispatch__; print(*__cpu_dispatch__)"
    dispatched = subprocess.check_output([place / "bin/python", "-c", ask], env=variables, text=True).split()
    shutil.rmtree(place)
    disabled = " ".join(name for name in kernel.numpy_without.split() if name in dispatched)
    return {"NPY_DISABLE_CPU_FEATURES": disabled} if disabled else {}


def _logged(command: str, clone: Path, variables: dict[str, str], log: Path) -> int:
    """Run a command with its output in a file, and return its exit code; 124 if it takes too long."""
    with log.open("w", encoding="utf-8") as output:
        try:
            return subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=clone,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=MOST_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            return 124


def _kernels(setting: Setting, clone: Path, variables: dict[str, str]) -> str:
    """Return kernel and threads of each OpenBLAS; they are wrong if not those of the setting."""
    probe = subprocess.run(
        [clone / ".venv/bin/python", "-c", PROBE], env=variables, capture_output=True, text=True, check=False
    )
    if probe.returncode:
        return "wrong: no environment"
    pools = json.loads(probe.stdout)
    described = ", ".join(f"{kernel} x{threads}" for kernel, threads in pools)
    threads = setting.variables.get("OPENBLAS_NUM_THREADS", "0")
    wanted = setting.kernel is None or pools == [[setting.kernel.name, int(threads)]] * 2
    return described if wanted else f"wrong: {described}"


def finished(path: Path, commit: str) -> dict[str, Result]:
    """Read the results of a commit, by setting."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    results = (Result(**json.loads(line)) for line in lines)
    return {result.setting: result for result in results if result.commit == commit}


def main() -> int:
    """Run the settings that have no result yet, print the table, and return 1 if one has failed."""
    every = {setting.name: setting for setting in settings()}
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="settings: " + ", ".join(every), allow_abbrev=False
    )
    parser.add_argument("--settings", nargs="+", choices=list(every), default=list(every), metavar="NAME")
    parser.add_argument("--workers", type=int, default=1, help="settings at the same time")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of results and outputs")
    parser.add_argument("--again", action="store_true", help="also run settings that have a result")
    arguments = parser.parse_args()

    began = time.monotonic()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    results_file = arguments.folder / "results.jsonl"
    commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    results = {} if arguments.again else finished(results_file, commit)
    missing = [every[name] for name in arguments.settings if name not in results]
    with ThreadPoolExecutor(arguments.workers) as pool:
        for result in pool.map(lambda setting: run(setting, commit, arguments.folder), missing):
            results[result.setting] = result
            with results_file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(asdict(result)) + "\n")
            print(f"{result.setting}: {result.exits}, {result.tests}, {result.kernels}", flush=True)

    print("\n| setting | demo exits | tests exit | passed | failed | errors | skipped | seconds | kernels |")
    print("|---|---|---|---|---|---|---|---|---|")
    asked = [results[name] for name in arguments.settings]
    print("\n".join(result.row() for result in asked))
    passed = sum(result.has_passed for result in asked)
    print(f"\n{passed} of {len(asked)} passed at {commit[:12]}, in {time.monotonic() - began:.0f} s")
    return int(passed < len(asked))


if __name__ == "__main__":
    sys.exit(main())
