"""Compare a killed and resumed collection byte by byte: python check_resume.py MODEL [--questions 12]."""

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
    """Collect once uninterrupted and once killed twice, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NAMES + WITH_STEPS)
    parser.add_argument("--questions", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, torn = Path(folder) / "whole", Path(folder) / "torn"

        def command(out: Path) -> list[str]:
            count = ["--questions", str(args.questions)]
            return [sys.executable, str(HERE / "collect.py"), args.model, "--out", str(out), *count]

        subprocess.run(command(whole), check=True, stderr=subprocess.DEVNULL)
        name = f"{args.model}.generations.jsonl"
        kills, lines = 0, len(asked_of(args.model, write_questions(args.questions, seed=0)))
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
            file.write(b'{"id": "half a li')  # as a kill during a write leaves it
        subprocess.run(command(torn), check=True, stderr=subprocess.DEVNULL)
        names = {file.name for folder in (whole, torn) for file in folder.glob("*.json*")}
        same = all((whole / name).read_bytes() == (torn / name).read_bytes() for name in names)
        verdict = "identical" if same else "DIFFERENT"
        print(f"{args.model}: {lines} questions, killed {kills} times, {len(names)} files: {verdict}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
