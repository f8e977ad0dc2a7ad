#!/usr/bin/env python3
"""What a deployment costs those who ask meanwhile: `brume deploy` of another image to a group of 20 under load.

  refresh.py BRUME IMAGE FOLDER PORT     IMAGE: a root file system; FOLDER: `brume --root`, its API's port set; PORT: for the service

The stack is examples/web without its UpdatePolicy, so that an instance refresh replaces the instances: each new one serves before
an old one goes, two at a time. First wrk asks as fast as it gets answers; that is the capacity. Then it asks 80 % of that a
second, evenly on average, on 256 connections that stay: for a while before, and all through the deployment. A request that got no answer, or
none of 200, has failed. Prints a row of a Markdown table:
instances | capacity, requests a second | before / during, requests a second | wall time, s | answered | failed | p50 / p99 before, ms |
p50 / p99 during, ms
"""
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

INSTANCES = 20
SHARE = 0.8
CONNECTIONS = 256  # so many that each waits for long between its requests, and the rate hangs little on the answers' time
BEFORE = 10  # seconds


def latency(wrk, part):
    value, unit = re.search(rf"{part}\s+([\d.]+)(us|ms|s)\b", wrk).groups()
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


class Asked:
    """What a run of wrk has printed."""

    def __init__(self, text):
        self.rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        self.answered = int(re.search(r"(\d+) requests in", text)[1])
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        others = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        self.failed = sum(map(int, errors.groups() if errors else ())) + int(others[1] if others else 0)
        self.latency = f"{latency(text, '50%'):.1f} / {latency(text, '99%'):.1f}"


class Load:
    def __init__(self, port, folder):
        self.url, self.pace = f"http://127.0.0.1:{port}/", Path(folder) / "pace.lua"

    def begin(self, seconds, pause=0):
        """wrk, each of whose connections waits `pause` ms on average after an answer."""
        self.pace.write_text(f"function delay() return math.random(0, {round(2 * pause)}) end\n")
        return subprocess.Popen(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency",
                                 *(["-s", str(self.pace)] if pause else []), self.url], stdout=subprocess.PIPE, text=True)

    @staticmethod
    def end(wrk):
        text = wrk.communicate()[0]
        if wrk.returncode != 0:
            sys.exit(f"bench: wrk ended with {wrk.returncode}:\n{text}")
        return Asked(text)

    def run(self, seconds, pause=0):
        return self.end(self.begin(seconds, pause))


def stack_of(port):
    text = (Path(__file__).resolve().parent.parent / "examples/web/stack.yaml").read_text()
    text, found = re.subn(r"    UpdatePolicy:\n(?:      .*\n)+", "", text)
    assert found == 1, "examples/web has no UpdatePolicy any more"
    text = text.replace("FromPort: 80, ToPort: 80, CidrIp", f"FromPort: {port}, ToPort: {port}, CidrIp")
    before, listener = text.split("\n  Listener:\n")
    return before + "\n  Listener:\n" + listener.replace("Port: 80", f"Port: {port}", 1)


def main():
    program, image, root, port = sys.argv[1:]

    def brume(*arguments):
        done = subprocess.run([program, "--root", root, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"bench: brume {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    folder = Path(root) / "fleet"
    (folder / "parameters").mkdir(parents=True)
    (folder / "stack.yaml").write_text(stack_of(port))
    sizes = ", ".join(f'"{name}={INSTANCES}"' for name in ("MinSize", "MaxSize", "DesiredCapacity"))
    (folder / "parameters/bench.json").write_text(f'[{sizes}, "InstanceWarmup=0", "DeregistrationDelay=5"]')
    brume("start")
    brume("image", "import", image, "--name", "one", "--parameter", "/web/image")
    brume("up", str(folder), "--env", "bench")
    other = brume("image", "import", image, "--name", "two")

    load = Load(port, root)
    load.run(2)  # connections, pages
    capacity = load.run(5).rate
    wanted = SHARE * capacity
    pause = 1000 * CONNECTIONS / wanted
    for _ in range(3):  # an answer takes its time too
        pause *= load.run(3, pause).rate / wanted
    before = load.run(BEFORE, pause)
    asking = load.begin(3600, pause)
    time.sleep(1)
    began = time.monotonic()
    brume("deploy", "fleet-bench", "--image", other)
    took = time.monotonic() - began
    asking.send_signal(signal.SIGINT)  # wrk then says what it has counted
    during = load.end(asking)
    print("| " + " | ".join([str(INSTANCES), f"{capacity:,.0f}", f"{before.rate:,.0f} / {during.rate:,.0f}", f"{took:.0f}", f"{during.answered:,}",
                             str(before.failed + during.failed), before.latency, during.latency]) + " |", flush=True)
    brume("down")


main()
