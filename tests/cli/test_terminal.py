"""What the commands print in a terminal of a given width, and in a pipe."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from rich.cells import cell_len

from tests.cli.asking import QUERY
from tests.planner_cases import fitted
from tests.processes import ROOT, python

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DRAWN = re.compile("[\u2500-\u259f\u2800-\u28ff]")  # lines, blocks and Braille dots
POLICY, RUNS = fitted().policy_path, fitted().runs_path
COMMANDS = {
    "solve": ("solve", POLICY, "--min-quality", "0.6", "--verbose", "--limit", "share of thinker at most 0.9"),
    "plan": ("plan", POLICY, QUERY, "--request", "litellm"),
    "replay": ("replay", POLICY, RUNS),
    "show": ("show", POLICY),
    "help": ("fit", "--help"),
    "error": ("plan", POLICY, QUERY, "--models", "large"),
}


SET_BY_USERS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LC_CTYPE", "PYTHONUTF8", "PYTHONIOENCODING")


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in SET_BY_USERS}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"} | more


def in_terminal(tmp_path, arguments, columns: int, **more: str) -> str:
    """Run a command in a terminal of so many columns; return what the terminal receives."""
    if arguments[0] == "solve":
        arguments = (*arguments, "--out", "new.yaml")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    done = subprocess.Popen(
        [sys.executable, "-m", "paretoroute", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=environment(**more),
    )
    os.close(theirs)
    received = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the terminal is closed once the command has ended
            break
        if not piece:
            break
        received += piece
    done.wait()
    os.close(ours)
    return received.decode()


def test_an_error_is_as_wide_as_a_terminal_that_takes_ascii_alone(tmp_path):
    text = ESCAPES.sub("", in_terminal(tmp_path, COMMANDS["error"], 40, LC_ALL="C", PYTHONIOENCODING="ascii"))
    lines = text.replace("\r", "").splitlines()

    assert len(lines) >= 2
    assert [line for line in lines if len(line) > 40] == []


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_is_wider_than_the_terminal(tmp_path, name, columns):
    text = ESCAPES.sub("", in_terminal(tmp_path, COMMANDS[name], columns))
    lines = text.replace("\r", "").splitlines()

    assert len(lines) >= 2
    assert [line for line in lines if cell_len(line) > columns] == []


def test_columns_overrides_the_width_and_no_color_switches_styles_off(tmp_path):
    wide = in_terminal(tmp_path, COMMANDS["replay"], 40, COLUMNS="200")
    plain = in_terminal(tmp_path, COMMANDS["show"], 60, NO_COLOR="1")

    assert any(len(line) > 60 for line in ESCAPES.sub("", wide).splitlines())
    assert "\x1b" not in plain
    assert "\x1b" in in_terminal(tmp_path, COMMANDS["show"], 60)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "error"])
def test_a_pipe_gets_plain_lines_that_are_not_wrapped(tmp_path, name):
    arguments = COMMANDS[name] + (("--out", "new.yaml") if name == "solve" else ())

    done = python("-m", "paretoroute", *arguments, cwd=tmp_path, COLUMNS="40", FORCE_COLOR="1", LANG="C.UTF-8")

    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert not DRAWN.search(done.stdout)
    if name != "help":
        assert max(map(len, done.stdout.splitlines())) > 80


def test_columns_of_a_piped_table_are_two_blanks_apart():
    out = python("-m", "paretoroute", "show", POLICY, LANG="C.UTF-8").stdout
    table = out.split("Points: ")[1].split("\n\n")[0].splitlines()[1:]

    rows = [re.split(" {2,}", line) for line in table]

    assert len(rows) == 1 + len(fitted().policy.grid.points)
    assert {len(row) for row in rows} == {6}
    assert all(float(row[1]) <= 1 and float(row[3]) > 0 for row in rows[1:])
