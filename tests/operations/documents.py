#!/usr/bin/env python3
"""The manuals say what is so: documents.py BINARY SOURCE_DIRECTORY   Prints TAP.

Each block of YAML that configures the gateway is a configuration that it takes, and each link to a file or to a
heading of this tree leads there.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

BINARY, ROOT = sys.argv[1:3]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def documents():
    for pattern in ("*.md", "docs/*.md", "docs/decisions/*.md"):
        yield from sorted(glob.glob(os.path.join(ROOT, pattern)))


def refused(text):
    """What the gateway has to say against a configuration; '' when it takes it."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        checked = subprocess.run([BINARY, "--check-config", "--config", file.name], capture_output=True, text=True)
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def anchors(path):
    """The names that a Markdown file's headings have in links."""
    with open(path, encoding="utf-8") as file:
        text = BLOCK.sub("", file.read())
    names = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        names.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return names


def broken(path, text):
    """Those links of a document that lead nowhere."""
    for target in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(file):
            yield f"{target}: no such file"
        elif anchor and file.endswith(".md") and anchor not in anchors(file):
            yield f"{target}: no such heading"


def main():
    number = failures = 0

    def check(name, said):
        nonlocal number, failures
        number += 1
        failures += bool(said)
        print(f"{'not ok' if said else 'ok'} {number} - {name}")
        for line in said.splitlines():
            print("#", line)

    for path in documents():
        with open(path, encoding="utf-8") as file:
            text = file.read()
        short = os.path.relpath(path, ROOT)
        for block in BLOCK.finditer(text):
            if block.group(1) == "yaml":
                check(f"{short}:{text[:block.start()].count(chr(10)) + 1}: a configuration", refused(block.group(2)))
        check(f"{short}: links", "\n".join(broken(path, text)))
    print(f"1..{number}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
