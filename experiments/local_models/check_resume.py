"""Is a collection that was killed and resumed the same to the byte? python check_resume.py MODEL [--questions 12]."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from models import NAMES, WITH_STEPS

HERE = Path(__file__).parent


def main() -> None:
    """Collect once in one go, once killed twice in the middle, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NAMES + WITH_STEPS)
    parser.add_argument("--questions", type=int, default=12)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, torn = Path(folder) / "whole", Path(folder) / "torn"

        def command(out: Path) -> list[str]:
            count = ["--questions", str(asked.questions)]
            return [sys.executable, str(HERE / "collect.py"), asked.model, "--out", str(out), *count]

        subprocess.run(command(whole), check=True, stderr=subprocess.DEVNULL)
        name = f"{asked.model}.generations.jsonl"
        kills = 0
        for share in (0.25, 0.6):
            running = subprocess.Popen(command(torn), stderr=subprocess.DEVNULL)
            while running.poll() is None:
                file = torn / name
                if file.exists() and file.read_bytes().count(b"\n") >= share * asked.questions:
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                    kills += 1
                    break
                time.sleep(0.02)
        with open(torn / name, "ab") as file:
            file.write(b'{"id": "half a li')  # what a kill in the middle of a write leaves
        subprocess.run(command(torn), check=True, stderr=subprocess.DEVNULL)
        same = (whole / name).read_bytes() == (torn / name).read_bytes()
        said = "the same bytes" if same else "DIFFERENT"
        print(f"{asked.model}: {asked.questions} questions, killed {kills} times: {said}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
