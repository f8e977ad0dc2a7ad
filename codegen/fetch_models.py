#!/usr/bin/env python3
"""Puts the pinned botocore service models at FOLDER: fetch_models.py FOLDER SERVICE…

They come from the botocore wheel, downloaded by hash. For builds without a network set BRUME_BOTOCORE to a wheel file
or to an unpacked botocore package; the version must be the pinned one.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

VERSION = "1.43.11"
SHA256 = "0108b5604df5a26918936c845e1e761866ee9ea8d1c1f9358ed3c69afdc37436"


def wheel(folder):
    """The path of the pinned wheel, downloaded into `folder` and checked by pip against the hash."""
    requirements = pathlib.Path(folder, "requirements.txt")
    requirements.write_text(f"botocore=={VERSION} --hash=sha256:{SHA256}\n")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                    "--only-binary", ":all:", "--require-hashes", "-r", str(requirements), "-d", folder], check=True)
    return next(pathlib.Path(folder).glob("botocore-*.whl"))


def check_version(init_text, source):
    found = re.search(r"__version__ = '([^']+)'", init_text)
    if not found or found[1] != VERSION:
        sys.exit(f"{source} is botocore {found[1] if found else '?'}; this build is pinned to {VERSION}")


def latest(versions):
    return max(v for v in versions if re.fullmatch(r"\d{4}-\d{2}-\d{2}", v))


def from_wheel(path, services, folder):
    with zipfile.ZipFile(path) as archive:
        check_version(archive.read("botocore/__init__.py").decode(), path)
        names = archive.namelist()
        for service in services:
            version = latest({n.split("/")[3] for n in names if n.startswith(f"botocore/data/{service}/")})
            data = archive.read(f"botocore/data/{service}/{version}/service-2.json.gz")
            pathlib.Path(folder, f"{service}.json.gz").write_bytes(data)


def from_package(path, services, folder):
    check_version((path / "__init__.py").read_text(), path)
    for service in services:
        version = latest(os.listdir(path / "data" / service))
        data = (path / "data" / service / version / "service-2.json.gz").read_bytes()
        pathlib.Path(folder, f"{service}.json.gz").write_bytes(data)


def main():
    folder, services = sys.argv[1], sys.argv[2:]
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    stamp = pathlib.Path(folder, f"botocore-{VERSION}")
    if stamp.exists() and stamp.read_text().split() == services:
        return
    local = os.environ.get("BRUME_BOTOCORE")
    if local and pathlib.Path(local).is_dir():
        from_package(pathlib.Path(local), services, folder)
    elif local:
        from_wheel(local, services, folder)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            from_wheel(wheel(temporary), services, folder)
    stamp.write_text(" ".join(services))


if __name__ == "__main__":
    main()
