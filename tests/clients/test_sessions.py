"""Into an instance: `brume exec`, `brume tunnel`, `brume ssh` and `brume console`, and the sessions of SSM behind them."""

import base64
import fcntl
import http.client
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tarfile
import termios
import time
from pathlib import Path

import pytest

import cloud as clouds
from api import refused, tags, waiter
from cloud import eventually

SSHD, KEYGEN = Path("/usr/sbin/sshd"), Path("/usr/bin/ssh-keygen")
PASSWD = "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:100::/run/sshd:/bin/false\nec2-user:x:1000:1000::/home/ec2-user:/bin/sh\n"


def with_sshd(path):
    """The busybox image with OpenSSH's server in it, as this machine has it, and an account ec2-user."""
    plain = clouds.make_image(path.with_suffix(".plain"), {"etc/passwd": PASSWD, "etc/group": "root:x:0:\nsshd:x:100:\nec2-user:x:1000:\n"})
    tree = path.with_suffix(".tree")
    with tarfile.open(plain) as tar:
        tar.extractall(tree, filter="fully_trusted")
    for program in (SSHD, KEYGEN):
        libraries = re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout)
        for file in (str(program), *libraries):
            target = tree / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(os.path.realpath(file), target)
    for folder in ("etc/ssh", "home/ec2-user", "run"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    os.chown(tree / "home/ec2-user", 1000, 1000)
    (tree / "etc/ssh/sshd_config").write_text("UsePAM no\nPasswordAuthentication no\n")
    # As an image has them that was made by installing the package.
    subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", tree / "etc/ssh/ssh_host_ed25519_key"], check=True)
    with tarfile.open(path, "w") as tar:
        tar.add(tree, ".")
    return path


@pytest.fixture(scope="module")
def instance(aws, image, network):
    """One instance for all that does not end it."""
    key = aws.ec2.create_key_pair(KeyName="sessions", KeyType="ed25519")
    (made,) = aws.ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, KeyName="sessions",
                                    SubnetId=network.subnets[0], SecurityGroupIds=[network.group],
                                    TagSpecifications=tags("instance", Name="session host"))["Instances"]
    made = made["InstanceId"]
    waiter(aws.ec2, "instance_running", InstanceIds=[made])
    yield made
    aws.ec2.terminate_instances(InstanceIds=[made])
    waiter(aws.ec2, "instance_terminated", InstanceIds=[made])
    aws.ec2.delete_key_pair(KeyPairId=key["KeyPairId"])


def brume(cloud, *arguments, text="", env=None, user=None):
    """Runs `brume`; (status, output, errors)."""
    done = subprocess.run([clouds.program(), "--root", str(cloud.root), *arguments], input=text.encode(), capture_output=True, timeout=60,
                          env={**clouds.plain_environment(), **(env or {})}, user=user)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def inside(cloud, instance, script):
    status, output, errors = brume(cloud, "exec", instance, "--", "sh", "-c", script)
    assert status == 0, (status, output, errors)
    return output


class Terminal:
    """`brume` on a terminal of its own."""

    def __init__(self, cloud, *arguments, rows=33, columns=99):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(clouds.program(), [clouds.program(), "--root", str(cloud.root), *arguments],
                      {**clouds.plain_environment(), "TERM": "vt100"})
        self.seen = ""
        self.size(rows, columns)

    def size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, text, limit=20):
        end = time.monotonic() + limit
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"no {text!r} in {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"ended without {text!r}: {self.seen!r}") from None
        self.seen = self.seen.split(text, 1)[1]

    def end(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_a_program_has_its_streams_and_its_status(cloud, instance):
    assert brume(cloud, "exec", instance, "--", "sh", "-c", "cat; echo oops >&2; exit 7", text="hello\n") == (7, "hello\n", "oops\n")
    assert brume(cloud, "exec", "session host", "--", "echo", "", "-n", "a  b", "$HOME", "'\"") == (0, " -n a  b $HOME '\"\n", "")
    assert brume(cloud, "exec", instance, text="echo $HOME; exit 3\n") == (3, "/root\n", "")  # a shell
    much = "0123456789abcdef\n" * 200_000
    assert brume(cloud, "exec", instance, "--", "cat", text=much) == (0, much, "")
    # One that does not read its input, and one whose reader goes away.
    assert brume(cloud, "exec", instance, "--", "true", text=much)[0] == 0
    piped = subprocess.run(f"{clouds.program()} --root {cloud.root} exec {instance} -- yes | head -n 1", shell=True,
                           capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert piped.stdout == "y\n"
    eventually(lambda: "yes" not in inside(cloud, instance, "ps -o comm"), 15, "yes has ended")


def test_what_cannot_be_run_is_said(cloud, instance):
    status, _, errors = brume(cloud, "exec", instance, "--", "no-such-program")
    assert status == 127 and "no-such-program" in errors
    assert brume(cloud, "exec", instance, "--user", "nobody-there", "--", "id") == (1, "", f"brume: The instance '{instance}' has no user 'nobody-there'.\n")
    assert brume(cloud, "exec", "i-0123456789abcdef0", "--", "id") == (1, "", "brume: The instance ID 'i-0123456789abcdef0' does not exist\n")
    assert brume(cloud, "exec", "i-1x", "--", "id")[2] == "brume: Invalid id: \"i-1x\" (expecting \"i-...\")\n"
    assert brume(cloud, "exec", "nobody", "--", "id") == (1, "", "brume: No running instance has the Name nobody\n")
    status, _, errors = brume(cloud, "tunnel", instance, "22")
    assert status == 1 and errors == (f"brume: Nothing answers on port 22 of {instance}: Connection refused. If its image has no SSH server: "
                                      f"brume exec {instance} needs none.\n")
    status, output, errors = brume(cloud, "ssh", instance, "--", "true")
    assert (status, output) == (255, "") and f"brume exec {instance} needs none." in errors
    status, _, errors = brume(cloud, "tunnel", instance, "23")
    assert (status, errors) == (1, f"brume: Nothing answers on port 23 of {instance}: Connection refused.\n")


def test_an_instance_that_does_not_run_is_said_to(cloud, aws, image, network):
    (made,) = aws.ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, SubnetId=network.subnets[0])["Instances"]
    made = made["InstanceId"]
    waiter(aws.ec2, "instance_running", InstanceIds=[made])
    aws.ec2.stop_instances(InstanceIds=[made])
    waiter(aws.ec2, "instance_stopped", InstanceIds=[made])
    for command in ("exec", "ssh", "tunnel"):
        assert brume(cloud, command, made) == (1, "", f"brume: {made} is stopped; aws ec2 start-instances --instance-ids {made} starts it\n")
    aws.ec2.terminate_instances(InstanceIds=[made])
    waiter(aws.ec2, "instance_terminated", InstanceIds=[made])
    assert brume(cloud, "exec", made) == (1, "", f"brume: {made} is terminated, and a session needs an instance that runs\n")


def test_a_terminal(cloud, instance):
    terminal = Terminal(cloud, "exec", instance)
    terminal.wait("# ")
    terminal.type("stty size; echo $TERM; tty\r")
    terminal.wait("33 99\r\nvt100\r\n/dev/pts/0\r\n")
    terminal.size(44, 101)
    terminal.type("until test \"$(stty size)\" = '44 101'; do :; done; sh -c \"echo re''sized; exec sleep 1000\"\r")
    terminal.wait("resized\r\n")
    terminal.type("\x03")
    terminal.type("echo status $?\r")
    terminal.wait("status 130\r\n")
    terminal.type("exit 5\r")
    assert terminal.end() == 5


def test_a_client_that_vanishes_ends_its_program(cloud, instance):
    for how in (signal.SIGKILL, signal.SIGTERM):
        client = subprocess.Popen([clouds.program(), "--root", str(cloud.root), "exec", instance, "--", "sh", "-c", "echo up; sleep 4321"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clouds.plain_environment())
        assert client.stdout.readline() == b"up\n"
        assert "sleep 4321" in inside(cloud, instance, "ps -o args")
        client.send_signal(how)
        status = client.wait(20)
        assert status == (-how if how == signal.SIGKILL else 128 + how), status
        eventually(lambda: "sleep 4321" not in inside(cloud, instance, "ps -o args"), 15, "the program has ended")
        client.stdin.close()
        client.stdout.close()


def test_a_port(cloud, instance):
    """No group lets port 8321 in, and a session needs none."""
    inside(cloud, instance, "echo through the tunnel > /srv/index.html; httpd -p 127.0.0.1:8321 -h /srv")
    status, output, _ = brume(cloud, "tunnel", instance, "8321", text="GET / HTTP/1.0\r\n\r\n")
    assert status == 0 and output.startswith("HTTP/1.") and output.endswith("through the tunnel\n")


def test_sessions_by_the_api(cloud, aws, instance):
    ssm = aws.ssm
    started = ssm.start_session(Target=instance, Reason="to see")
    session = started["SessionId"]
    assert started["StreamUrl"] == f"ws://127.0.0.1:{cloud.port}/v1/data-channel/{session}?role=publish_subscribe"
    (active,) = ssm.describe_sessions(State="Active", Filters=[{"key": "SessionId", "value": session}])["Sessions"]
    assert (active["Target"], active["Status"], active["Reason"]) == (instance, "Connecting", "to see")
    assert active["DocumentName"] == "SSM-SessionManagerRunShell" and active["Owner"].endswith(":root")
    assert ssm.terminate_session(SessionId=session)["SessionId"] == session
    (past,) = ssm.describe_sessions(State="History", Filters=[{"key": "SessionId", "value": session}])["Sessions"]
    assert past["Status"] == "Terminated" and past["EndDate"]
    for change, code in (({"Target": "i-0123456789abcdef0"}, "TargetNotConnected"), ({"DocumentName": "AWS-Nothing"}, "InvalidDocument"),
                         ({"DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["0"]}}, "ValidationException")):
        with refused(code):
            ssm.start_session(**{"Target": instance, **change})
    with refused("DoesNotExistException"):
        ssm.terminate_session(SessionId="root-none")


def test_terminating_a_session_ends_its_program(cloud, aws, instance):
    client = subprocess.Popen([clouds.program(), "--root", str(cloud.root), "exec", instance, "--", "sh", "-c", "echo up; sleep 5432"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clouds.plain_environment())
    assert client.stdout.readline() == b"up\n"
    (active,) = aws.ssm.describe_sessions(State="Active", Filters=[{"key": "Target", "value": instance}])["Sessions"]
    assert active["Status"] == "Connected"
    aws.ssm.terminate_session(SessionId=active["SessionId"])
    _, errors = client.communicate(timeout=20)
    assert (client.returncode, errors) == (1, b"brume: The session was terminated.\n")
    eventually(lambda: "sleep 5432" not in inside(cloud, instance, "ps -o args"), 15, "the program has ended")


def upgrade(cloud, session, token, protocol="brume.session.v1"):
    """The answer to a WebSocket handshake for a data channel."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Protocol": protocol}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection.request("GET", f"/v1/data-channel/{session}", headers=headers)
    return connection.getresponse().status, connection


def test_a_channel_needs_its_token_and_takes_it_once(cloud, aws, instance):
    started = aws.ssm.start_session(Target=instance)
    session, token = started["SessionId"], started["TokenValue"]
    for wrong in (None, "", token[:-1], token + "0", "0" * 64):
        assert upgrade(cloud, session, wrong)[0] == 403, wrong
    assert upgrade(cloud, "root-0", token)[0] == 403
    assert upgrade(cloud, session, token, protocol="aws")[0] == 400
    status, connection = upgrade(cloud, session, token)
    assert status == 101
    assert upgrade(cloud, session, token)[0] == 403
    # What is no frame of ours ends the session: here an unmasked one, and a whole connection of rubbish.
    connection.sock.sendall(os.urandom(4096))
    eventually(lambda: not aws.ssm.describe_sessions(State="Active", Filters=[{"key": "SessionId", "value": session}])["Sessions"], 10, "it has ended")
    connection.close()


def test_who_may(cloud, aws, instance):
    """A role that may start sessions with this instance only, and only programs."""
    arn = f"arn:aws:ec2:{clouds.REGION}:000000000000:instance/{instance}"
    document = f"arn:aws:ssm:{clouds.REGION}:000000000000:document/Brume-StartCommand"
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:StartSession", "Resource": [arn, document]}]}
    role = aws.iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))["Role"]["Arn"]
    aws.iam.put_role_policy(RoleName="visitor", PolicyName="p", PolicyDocument=json.dumps(allowed))
    try:
        keys = aws.sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
        env = {"AWS_ENDPOINT_URL": cloud.endpoint, "AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_DEFAULT_REGION": clouds.REGION,
               "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["SessionToken"]}
        # As somebody who cannot read the owner's keys.
        assert brume(cloud, "exec", instance, "--", "echo", "in", env=env, user=65534) == (0, "in\n", "")
        for command in (("tunnel", instance, "22"), ("exec", "i-0123456789abcdef0", "--", "id"), ("console", instance), ("exec", "session host")):
            status, output, errors = brume(cloud, *command, env=env, user=65534)
            assert status == 1 and output == "" and "is not authorized to perform" in errors, (command, status, output, errors)
        status, _, errors = brume(cloud, "exec", instance, "--", "id", user=65534)
        assert status == 1 and "root only" in errors
    finally:
        aws.iam.delete_role_policy(RoleName="visitor", PolicyName="p")
        aws.iam.delete_role(RoleName="visitor")
    # It is in the daemon's log who did what.
    assert re.search(rf"arn:aws:sts::000000000000:assumed-role/visitor/me begins \"echo\" \"in\" as root in {instance}", cloud.tail(400))


def test_console(cloud, instance):
    status, output, _ = brume(cloud, "console", instance)
    assert status == 0 and f"this is {instance}\n" in output and "root may log in with the instance's key pair\n" in output
    following = subprocess.Popen([clouds.program(), "--root", str(cloud.root), "console", "-f", instance], stdout=subprocess.PIPE,
                                 env=clouds.plain_environment())
    try:
        inside(cloud, instance, "echo one more line > /proc/1/fd/1")
        seen = b""
        while b"one more line\n" not in seen:
            ready, _, _ = select.select([following.stdout], [], [], 20)
            assert ready, seen
            seen += os.read(following.stdout.fileno(), 65536)
        assert seen.count(b"brume-init: Linux") == 1
    finally:
        following.kill()
        following.wait()
        following.stdout.close()


def console_with(cloud, instance, text):
    def probe():
        printed = brume(cloud, "console", instance)[1]
        return printed if text in printed else None

    try:
        return eventually(probe, 30, f"{text!r} on the console")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{brume(cloud, 'console', instance)[1]}") from None


@pytest.fixture
def own():
    """A Brume of a test's own, since its daemon is killed; with an instance."""
    made = clouds.Cloud()
    try:
        yield made.start()
    finally:
        made.down()


def run_one(own, tarball, **more):
    ec2 = own.client("ec2")
    image = own.run("image", "import", str(tarball)).stdout.strip()
    (made,) = ec2.run_instances(ImageId=image, InstanceType="t2.micro", MinCount=1, MaxCount=1, **more)["Instances"]
    waiter(ec2, "instance_running", InstanceIds=[made["InstanceId"]])
    return ec2, made["InstanceId"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_sessions_end_with_the_daemon(own, tarball, how):
    _, instance = run_one(own, tarball)
    client = subprocess.Popen([clouds.program(), "--root", str(own.root), "exec", instance, "--", "sh", "-c",
                               "trap '' HUP PIPE TERM; echo up; sleep 6543; sleep 6544"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clouds.plain_environment())
    assert client.stdout.readline() == b"up\n"
    own.kill(how)
    _, errors = client.communicate(timeout=20)
    assert client.returncode == 1 and b"the daemon has gone" in errors, errors
    own.start()
    assert "sleep 654" not in inside(own, instance, "ps -o args")


def test_ssh(own):
    """The whole way: a key pair, OpenSSH in the image, its host keys on the console, and no group that lets port 22 in."""
    for program in (SSHD, KEYGEN):
        if not program.exists():
            pytest.skip(f"needs {program}; scripts/install-deps test installs openssh-server")
    tarball = with_sshd(own.root / "sshd.tar")
    rsa = own.root / "rsa"
    subprocess.run([KEYGEN, "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa], check=True)
    ec2 = own.client("ec2")
    made = ec2.create_key_pair(KeyName="made", KeyType="ed25519")["KeyMaterial"]
    ec2.import_key_pair(KeyName="brought", PublicKeyMaterial=rsa.with_suffix(".pub").read_bytes())
    ed25519 = own.root / "ed25519"
    ed25519.write_text(made)
    ed25519.chmod(0o600)
    known = own.root / "known_hosts"
    seen = set()
    for name, key, other in (("made", ed25519, rsa), ("brought", rsa, ed25519)):
        _, instance = run_one(own, tarball, KeyName=name)
        console = console_with(own, instance, "Server listening on")
        options = ["-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-F", "none"]
        done = brume(own, "ssh", instance, "--", *options, "-i", str(key), "echo $USER $(id -u) $HOME; exit 6")
        assert done[:2] == (6, "ec2-user 1000 /home/ec2-user\n"), (done, console)
        status, _, errors = brume(own, "ssh", instance, "--user", "root", "--", *options, "-i", str(key), "true")
        assert status == 255 and "Permission denied" in errors
        status, _, errors = brume(own, "ssh", instance, "--", *options, "-i", str(other), "true")
        assert status == 255 and "Permission denied" in errors
        # The key that ssh has come to know is among those that the console showed, and is no other instance's.
        match = re.search(r"-----BEGIN SSH HOST KEY KEYS-----\n(.*?)-----END SSH HOST KEY KEYS-----\n", console, re.DOTALL)
        shown = {line.split()[1] for line in match[1].splitlines()}
        (line,) = [line.split() for line in known.read_text().splitlines() if instance in line]
        assert line[0] == instance and line[2] in shown and not shown & seen
        seen |= shown
        fingerprints = re.search(r"-----BEGIN SSH HOST KEY FINGERPRINTS-----\n(.*?)-----END", console, re.DOTALL)[1].splitlines()
        assert len(fingerprints) == len(shown) and all(" SHA256:" in f for f in fingerprints)
        # As `ssh` itself takes it, without `brume ssh`.
        proxy = f"{clouds.program()} --root {own.root} tunnel {instance} %p"
        plain = subprocess.run(["ssh", *options, "-o", f"ProxyCommand={proxy}", "-o", "StrictHostKeyChecking=no", "-i", key, f"ec2-user@{instance}", "hostname"],
                               capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
        assert plain.returncode == 0 and plain.stdout.startswith("ip-"), plain
    # The server comes again when it ends.
    listening = brume(own, "console", instance)[1].count("Server listening on 0.0.0.0")
    inside(own, instance, "kill $(cat /run/sshd.pid /var/run/sshd.pid 2>/dev/null | head -n 1)")
    eventually(lambda: brume(own, "console", instance)[1].count("Server listening on 0.0.0.0") > listening, 20, "sshd runs again")
