"""What the tests of exports share: texts that break a careless export, and the programs that run one."""

import shutil
import subprocess
import sys
from pathlib import Path

HOSTILE = [
    "quote \" and ' and \\",
    "new\nline\r\t",
    "trigraph ??/ ??' */ /* // #",
    "</script><!-- ]]>",
    "${x} `y` {z} %s @PREFIX@ @",
    "na\u00efve \u4e2d \U0001f600 \u2028",
    "\ud800 alone",
    "1\x7f2\x01",
    "x" * 300 + "\u00e9" * 300 + "?",
    '"""',
    "",
]

COMPILERS = [
    command.split()
    for command in ("gcc -std=c89", "gcc -std=c99", "g++ -x c++ -std=c++98", "clang -std=c89", "clang -x c++ -std=c++17")
    if shutil.which(command.split()[0])
]


def ran(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[:2000]
    return done.stdout


def oldest_python():
    """Return the oldest Python from 3.8 on that is installed under pyenv or on PATH, or this one."""
    found = {}
    candidates = [
        *Path.home().glob(".pyenv/versions/3.*/bin/python"),
        *map(shutil.which, ("python3.8", "python3.9", "python3.10")),
    ]
    for path in filter(None, candidates):
        script = "import sys; print(sys.version_info[1])"
        asked = subprocess.run([path, "-c", script], capture_output=True, text=True)
        if asked.returncode == 0 and int(asked.stdout) >= 8:
            found[int(asked.stdout)] = path
    return found[min(found)] if found else sys.executable


def executed(model):
    module = {}
    exec(model.export("python"), module)
    return module
