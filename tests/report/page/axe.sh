#!/usr/bin/env bash
# Check the pages with axe-core, from npm, in an installed Chromium: tests/report/page/axe.sh [PYTHON]
set -euo pipefail
cd "$(dirname "$0")/../../.."
if ! command -v npm > /dev/null; then
    echo "npm is missing: the pages are not checked with axe-core"
    exit 0
fi
folder="$(mktemp -d)"
trap 'rm -r "$folder"' EXIT
npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund axe-core@4.14.1
PARETOROUTE_AXE="$folder/node_modules/axe-core/axe.min.js" "${1:-.venv/bin/python}" -m pytest -q tests/report/page/test_axe.py
