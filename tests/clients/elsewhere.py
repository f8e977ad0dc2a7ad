"""Services that Brume does not have, as somebody else implements them: moto's server, on a port of its own."""

import os
import subprocess
import sys
import tempfile

import boto3
import requests
from botocore.config import Config

from cloud import eventually, free_port, plain_environment

KEYS = {"aws_access_key_id": "AKIDELSEWHERE", "aws_secret_access_key": "elsewhere"}


class Elsewhere:
    """`start` and `kill` are about its process, with which all goes that it holds."""

    def __init__(self, certificate=None, key=None):
        self.certificate, self.key, self.port = certificate, key, free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.process = None
        self.folder = tempfile.TemporaryDirectory()  # where it records what it is asked

    def start(self):
        arguments = ["-H", "127.0.0.1", "-p", str(self.port)]
        if self.certificate:
            arguments += ["-c", str(self.certificate), "-k", str(self.key)]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", *arguments], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=plain_environment(), cwd=self.folder.name)
        eventually(lambda: self.process.poll() is not None or self.answers(), 60, "moto answers", every=0.1)
        assert self.process.poll() is None, f"moto ended with {self.process.returncode}: {self.output()}"
        return self

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def answers(self):
        try:
            return self.own("GET", "data.json").status_code == 200
        except requests.RequestException:
            return False

    def own(self, method, path, **more):
        """moto's own interface."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.url}/moto-api/{path}", verify=str(self.certificate) if self.certificate else True, timeout=5, **more)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def client(self, service, region="eu-west-1"):
        return boto3.client(service, endpoint_url=self.url, region_name=region, verify=str(self.certificate) if self.certificate else None,
                            config=Config(proxies={}, s3={"addressing_style": "path"}), **KEYS)


def credentials_file(cloud):
    """Keys for what is elsewhere, where the daemon looks for them."""
    path = cloud.root / "etc/credentials"
    path.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in KEYS.items()))
    os.chmod(path, 0o600)
    return path
