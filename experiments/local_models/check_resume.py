"""Is a collection that was killed and resumed the same to the byte? python check_resume.py MODEL [--questions 12]."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from collect import asked_of
from models import NAMES, WITH_STEPS
from questions import write_questions

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
        kills, lines = 0, len(asked_of(asked.model, write_questions(asked.questions, seed=0)))
        for share in (0.25, 0.6):
            running = subprocess.Popen(command(torn), stderr=subprocess.DEVNULL)
            while running.poll() is None:
                file = torn / name
                if file.exists() and file.read_bytes().count(b"\n") >= share * lines:
                    running.send_signal(signal.SIGKILL)
                    running.wait()
                    kills += 1
                    break
                time.sleep(0.02)
        with open(torn / name, "ab") as file:
            file.write(b'{"id": "half a li')  # what a kill in the middle of a write leaves
        subprocess.run(command(torn), check=True, stderr=subprocess.DEVNULL)
        names = {file.name for folder in (whole, torn) for file in folder.glob("*.json*")}
        same = all((whole / name).read_bytes() == (torn / name).read_bytes() for name in names)
        said = "the same bytes" if same else "DIFFERENT"
        print(f"{asked.model}: {lines} questions, killed {kills} times, {len(names)} files: {said}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
