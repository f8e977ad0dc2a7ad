"""A Brume of a test's own: a private root folder, a free port, a live daemon; and the image that its instances start from."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

BUSYBOX = Path("/bin/busybox")
REGION = "ap-southeast-1"
SKIPPED = 77  # what CTest takes for a skipped test


def program():
    """The `brume` under test: BRUME_BIN, or the one in the path."""
    found = os.environ.get("BRUME_BIN") or shutil.which("brume")
    if not found:
        sys.exit("BRUME_BIN is not set and there is no brume in the path")
    return str(Path(found).resolve())


def missing():
    """What keeps this machine from running instances; None if nothing does."""
    if os.geteuid() != 0:
        return "needs root, to make namespaces and cgroups"
    for tool in ("runc", "conmon", "nft"):
        if not shutil.which(tool):
            return f"needs {tool}; scripts/install-deps run installs it"
    if not BUSYBOX.exists():
        return "needs busybox-static; scripts/install-deps test installs it"
    return None


def free_port():
    """A TCP port of 127.0.0.1 that nobody has now, outside of the range from which Linux takes ports by itself."""
    while True:
        port = 20000 + int.from_bytes(os.urandom(2), "big") % 10000
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def eventually(probe, limit=30, what=None, every=0.05):
    """Calls probe() until what it returns is true, and returns that."""
    end = time.monotonic() + limit
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what or getattr(probe, '__name__', 'it')}; last was {value!r}")
        time.sleep(every)


def get(url, timeout=5, headers=None):
    """(status, body) of a GET. Never through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers or {}), timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def make_image(path, programs=None):
    """A root file system with nothing but busybox, and scripts by path, as a tarball."""
    names = subprocess.run([BUSYBOX, "--list"], check=True, capture_output=True, text=True).stdout.split()
    with tarfile.open(path, "w") as tar:
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "var", "srv", "root"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(BUSYBOX, "bin/busybox")
        for name in names:
            if name == "busybox":
                continue
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for name, text in (programs or {}).items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = 0o755, len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path


class Cloud:
    """One Brume. `start` and `kill` are about its daemon, `down` about all of it."""

    def __init__(self, **settings):
        # Short, since sockets have their place in it.
        self.root = Path(tempfile.mkdtemp(prefix="brume-t."))
        self.root.chmod(0o711)  # an instance's root has to get through
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        (self.root / "etc").mkdir()
        (self.root / "etc/brume.json").write_text(json.dumps({"api_port": self.port, **settings}))
        self.log = self.root / "daemon-output.log"
        self.process = None
        self.handlers = []  # (event, function): what every client's botocore calls

    def run(self, *arguments, check=True, env=None, timeout=300):
        """`brume --root … arguments`."""
        done = subprocess.run([program(), "--root", str(self.root), *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, env={**plain_environment(), **(env or {})}, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"brume {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program(), "--root", str(self.root), "daemon"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env=plain_environment())

        def answers():
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.tail()}"
            try:
                return get(f"{self.endpoint}/health", timeout=2)[0] == 200
            except OSError:
                return False

        eventually(answers, 30, "the daemon answers", every=0.02)
        return self

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def daemon_pid(self):
        return int((self.root / "run/daemon.pid").read_text().split()[0])

    def kill(self, how=9):
        """Ends the daemon with a signal and waits until it is gone."""
        self.process.send_signal(how)
        return self.process.wait(15)

    def environment(self):
        """What `brume env` gives to a shell."""
        exports = {}
        for line in self.run("env").stdout.splitlines():
            if line.startswith("export "):
                name, value = line.removeprefix("export ").split("=", 1)
                exports[name] = value
        return exports

    def client(self, service, region=REGION, key=None, secret=None, **config):
        given = self.environment_cache()
        session = boto3.Session(aws_access_key_id=key or given["AWS_ACCESS_KEY_ID"],
                                aws_secret_access_key=secret or given["AWS_SECRET_ACCESS_KEY"], region_name=region)
        client = session.client(service, endpoint_url=self.endpoint,
                                config=Config(**{"retries": {"total_max_attempts": 1}, "proxies": {}, **config}))
        for event, function in self.handlers:
            client.meta.events.register(event, function)
        return client

    def environment_cache(self):
        if not hasattr(self, "_environment"):
            self._environment = self.environment()
        return self._environment

    def down(self):
        """`brume down` and the folder: what is left of it afterwards is a failure of Brume's."""
        stuck = False
        try:
            if self.process and self.process.poll() is None:
                try:
                    self.kill(15)
                except subprocess.TimeoutExpired:  # told below; what it made goes all the same
                    stuck = True
                    self.kill(9)
            done = self.run("down", check=False)
            assert done.returncode == 0, f"brume down ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            assert self.traces() == [], "brume down left something behind"
            assert not stuck, "the daemon did not end within 15 s of SIGTERM"
        finally:
            if not self.mounts():
                shutil.rmtree(self.root, ignore_errors=True)

    def mounts(self):
        return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.root) in line]

    def traces(self):
        """Processes, mounts and links of the host that name the root folder."""
        found = [f"mount: {line}" for line in self.mounts()]
        found += [f"link: {link.parent.name}" for link in Path("/sys/class/net").glob("*/ifalias") if str(self.root) in link.read_text()]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if str(self.root) in line and folder.name != str(os.getpid()):
                found.append(f"process {folder.name}: {line}")
        return found


def plain_environment():
    """The caller's environment without anything of AWS in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
