"""Build both images and run them: `make containers`, as root, some ten minutes.

No registry is asked. debootstrap makes the base, buildah builds the Dockerfile on it, and the
sections of apptainer.def are done one after another as its manual says (Debian has no Apptainer).
Each result is then run by bubblewrap as Docker would: read-only root but for /dev/shm, no
network, a user that nobody knows.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.cluster.test_slurm import archive
from tests.conversion.archive import result, write_key

REPOSITORY: Final = Path(__file__).resolve().parents[2]
BASE: Final = "localhost/fastdeid-base"
IMAGE: Final = "localhost/fastdeid"
PACKAGES: Final = "python3,python3-venv,python-is-python3,ca-certificates"
USER: Final = 23456
_PROGRAMS: Final = ("debootstrap", "buildah", "bwrap")


def do(*command: str | Path, **options: Any) -> str:
    """Run a command that must end well; return what it says."""
    print("+", shlex.join(map(str, command))[:160], flush=True)
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, **options
    )
    if done.returncode:
        sys.exit(f"exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


# Base ----------------------------------------------------------------------------------------


def debian(folder: Path, suite: str, mirror: str) -> Path:
    """Return the root of a small Debian with Python."""
    root = folder / f"{suite}-root"
    if not root.exists():
        unfinished = folder / f"{suite}-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ("--variant=minbase", f"--include={PACKAGES}")
        do("debootstrap", *options, suite, unfinished, mirror)
        unfinished.rename(root)
    return root


class Pip:
    """What pip is told on this machine, for builds: a file, and the folders that it names."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "pip.conf"
        lines, named = ["[global]"], []
        for line in do(sys.executable, "-m", "pip", "config", "list").splitlines():
            name, _, value = line.partition("=")
            text = value.strip("'")
            if not name.startswith(":env:.config"):
                lines.append(f"{name.rpartition('.')[2]} = {text}")
            # Of an index, files stand beside its pages.
            named += [os.path.dirname(one[7:]) for one in text.split() if one[:7] == "file://"]
            named += [one for one in text.split() if one.startswith("/")]
        self.file.write_text("\n".join(dict.fromkeys(lines)) + "\n")
        places = map(Path, named)
        # Links among certificates lead to others of their folder.
        found = {one.parent if one.is_file() else one for one in places if one.exists()}
        self.folders = sorted(found)


# Docker --------------------------------------------------------------------------------------


class Buildah:
    """buildah, with images below a folder of ours and nothing that needs privileges of a host."""

    def __init__(self, folder: Path) -> None:
        self._options = ("--root", folder / "images", "--runroot", folder / "run")

    def __call__(self, *arguments: str | Path) -> str:
        """Return what a command of buildah says."""
        return do("buildah", *self._options, "--storage-driver", "vfs", *arguments).strip()

    def import_base(self, root: Path) -> None:
        """Make an image of a root, named BASE."""
        container = self("from", "scratch")
        self("add", "--quiet", container, root, "/")
        self("commit", "--quiet", "--rm", container, BASE)

    def build(self, base: Path, pip: Pip) -> Path:
        """Build the Dockerfile on a root; return where the root of its image is."""
        self.import_base(base)
        bound = [("--volume", f"{pip.file}:/etc/pip.conf:ro")]
        bound += [("--volume", f"{folder}:{folder}:ro") for folder in pip.folders]
        options = [one for pair in bound for one in pair]
        self(
            *("bud", "--isolation", "chroot", "--build-arg", f"BASE={BASE}", *options),
            *("--tag", IMAGE, REPOSITORY),
        )
        return self.mounted()

    def mounted(self) -> Path:
        """Return where the root of the image is."""
        return Path(self("mount", self("from", IMAGE)))

    def configuration(self, name: str) -> list[str]:
        """Return a list of the image's configuration, such as Env or Entrypoint."""
        each = f"{{{{range .OCIv1.Config.{name}}}}}{{{{println .}}}}{{{{end}}}}"
        return self("inspect", "--type", "image", "--format", each, IMAGE).splitlines()

    def user(self) -> str:
        """Return the user of the image."""
        return self("inspect", "--type", "image", "--format", "{{.OCIv1.Config.User}}", IMAGE)


# Apptainer -----------------------------------------------------------------------------------


def sections(definition: str) -> dict[str, str]:
    """Return the text of each section of a definition, by its name; the head is ""."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in definition.splitlines():
        if line.startswith("%"):
            name = line[1:].strip()
            found[name] = []
        elif not line.lstrip().startswith("#"):
            found[name].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def definition() -> dict[str, str]:
    """Return the sections of apptainer.def."""
    return sections((REPOSITORY / "apptainer.def").read_text())


def build_apptainer(base: Path, root: Path, pip: Pip) -> dict[str, str]:
    """Do what apptainer.def says to a copy of a base; return its sections."""
    shutil.rmtree(root, ignore_errors=True)
    do("cp", "--archive", base, root)
    parts = definition()
    for line in filter(None, map(str.split, parts["files"].splitlines())):
        source, target = line[0], line[-1]
        place = root / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        do("cp", "--recursive", "--no-target-directory", REPOSITORY / source, place)
    bound: list[str | Path] = ["--ro-bind", pip.file, "/etc/pip.conf"]
    for folder in (*pip.folders, Path("/etc/resolv.conf")):
        bound += ["--ro-bind", folder, folder]
    do(
        *("bwrap", "--bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
        *(*bound, "--chdir", "/", "--clearenv", "--setenv", "PATH", os.defpath),
        *("/bin/sh", "-ec", parts["post"]),
    )
    return parts


# Run -----------------------------------------------------------------------------------------


def run(root: Path, command: Sequence[str], environment: Sequence[str], place: Path) -> str:
    """Run a command over a root that nobody can write, where only `place` can be written."""
    variables: list[str | Path] = []
    for one in environment:
        name, _, value = one.partition("=")
        variables += ["--setenv", name, value]
    # Users of bubblewrap's own are root to what is outside: become another one inside.
    user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs")
    options: list[str | Path] = ["--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc"]
    # As Docker does: shared memory that all can write, and no home for a user without a name.
    options += ["--perms", "1777", "--tmpfs", "/dev/shm", "--setenv", "HOME", "/"]
    options += [*variables, "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent"]
    for name in ("SETUID", "SETGID", "SETPCAP"):
        options += ["--cap-add", f"CAP_{name}"]
    options += ["--bind", place, "/mnt", "--chdir", "/mnt"]
    return do("bwrap", "--clearenv", *options, *user, *command)


def n_loaded(said: str) -> int:
    """Return how many kernels a run has loaded, from what numba says of its cache."""
    return said.count("data loaded from")


def check(name: str, root: Path, command: Sequence[str], environment: Sequence[str]) -> None:
    """Let an image de-identify an archive; the result must be that of this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        archive(place / "source")
        key = write_key(place / "key")
        ours: tuple[str | Path, ...] = (
            sys.executable,
            "-m",
            "fastdeid",
            "run",
            place / "source",
            place / "here",
        )
        noting = {"NUMBA_DEBUG_CACHE": "1"}
        options = ("--workers", "0")
        for _ in range(2):  # the first one may have to compile
            shutil.rmtree(place / "here", ignore_errors=True)
            shutil.rmtree(place / "here.link-table", ignore_errors=True)
            here = do(*ours, "--key", key, *options, cwd="/", env={**os.environ, **noting})
        for path in (place, *place.rglob("*")):
            os.chown(path, USER, USER)
        noted = (*environment, *map("=".join, noting.items()))
        there = run(
            root, [*command, "run", "source", "there", "--key", "key", *options], noted, place
        )
        if not n_loaded(there) or n_loaded(there) != n_loaded(here):
            sys.exit(f"{name}: {n_loaded(there)} kernels loaded, not {n_loaded(here)}")
        if result(place / "there") != result(place / "here"):
            sys.exit(f"{name}: the result is another one")
    print(
        f"{name}: built, run as {USER}, same result, {n_loaded(there)} kernels loaded", flush=True
    )


def main() -> None:
    """Build and run both."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.containers", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "build" / "containers")
    parser.add_argument("--suite", default="bookworm", help="of Debian, for the base")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    parser.add_argument("--again", action="store_true", help="only run what is built")
    parser.add_argument("--only", default="docker,apptainer")
    options = parser.parse_args()
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing or os.geteuid():
        sys.exit(f"needs root and Debian's {' '.join(missing or _PROGRAMS)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    base = debian(options.folder, options.suite, options.mirror)
    pip = Pip(options.folder)
    if "docker" in options.only:
        buildah = Buildah(options.folder)
        root = buildah.mounted() if options.again else buildah.build(base, pip)
        if buildah.user() in {"", "root", "0"}:
            sys.exit("docker: the image runs as root")
        check("docker", root, buildah.configuration("Entrypoint"), buildah.configuration("Env"))
        buildah("rm", "--all")
    if "apptainer" in options.only:
        root = options.folder / "apptainer-root"
        parts = definition() if options.again else build_apptainer(base, root, pip)
        script = f"{parts['environment']}\n{parts['runscript']}"
        path = f"PATH={os.defpath}"
        check("apptainer", root, ["/bin/sh", "-c", script, "fastdeid"], [path])


if __name__ == "__main__":
    main()
