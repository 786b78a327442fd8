"""The vendored libraries are the files that their page names."""

import hashlib
import re
from importlib.resources import files

from paretoroute.report.page.scripts import LIBRARIES, libraries

FOLDER = files("paretoroute.report.page").joinpath("vendored")


def test_versions_and_sums_are_those_of_the_page():
    page = FOLDER.joinpath("README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+)` \| `(\S+)`, \S+ \| (\S+) \| `(\w{64})` \|$", page, re.M)

    assert [row[0] for row in rows] == [name for name, _ in LIBRARIES]
    for name, _, version, digest in rows:
        content = FOLDER.joinpath(name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, name
        assert f"v{version} Copyright".encode() in content[:100], name


def test_no_library_can_end_its_script_element():
    for script in libraries():
        assert "</script" not in script.lower() and "<!--" not in script


def test_plot_is_built_for_the_d3_beside_it():
    d3, plot = libraries()

    wanted = re.search(r'require\("d3@([\d.]+)/', plot)
    assert wanted is not None and f"d3js.org v{wanted[1]} " in d3
