#!/usr/bin/env python3
"""What a proxied request costs: `brume lb` (with and without an access log), HAProxy and nginx, one thread each, in front of the
same backend.

  load_balancer.py BRUME BACKEND FOLDER     FOLDER is for configurations and logs

Everything is on 127.0.0.1. wrk asks over 32 keep-alive connections from one thread; processor time is the proxy's own, from
/proc. The proxies take turns, three times each; the median counts. Prints the rows of a Markdown table:
proxy | requests a second | processor µs a request | median ms | p99 ms
"""
import glob
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

ROUNDS = 3
SECONDS = 3
CONNECTIONS = 32


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


def wait_until_answers(port, process):
    request = b"GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    for _ in range(500):
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended instead of answering")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as s:
                s.sendall(request)
                if s.recv(4096).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit(f"bench: {process.args[0]} does not answer")


class Proxy:
    """One of the compared programs, running."""

    def __init__(self, name, argv, port, log):
        self.name, self.port = name, port
        self.results = []
        with open(log, "ab") as output:
            self.process = subprocess.Popen(argv, stdout=output, stderr=output)

    def ready(self):
        wait_until_answers(self.port, self.process)
        # nginx works in a child.
        self.pids = [self.process.pid] + children(self.process.pid)

    def measure(self, seconds):
        before = cpu_seconds(self.pids)
        wrk = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{self.port}/"],
            capture_output=True, text=True, check=True).stdout
        used = cpu_seconds(self.pids) - before
        requests = int(re.search(r"(\d+) requests in", wrk)[1])
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", wrk)[1])
        if "Non-2xx" in wrk or "Socket errors" in wrk:
            sys.exit(f"bench: {self.name} had errors:\n{wrk}")
        return rate, used * 1e6 / requests, latency(wrk, "50%"), latency(wrk, "99%")


def latency(wrk, part):
    value, unit = re.search(rf"{part}\s+([\d.]+)(us|ms|s)\b", wrk).groups()
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def brume(program, backend, folder, logs=False):
    name = "brume lb, access log" if logs else "brume lb"
    port, path = free_port(), f"{folder}/bench-{'logs' if logs else 'lb'}.sock"
    proxy = Proxy(name, [program, "lb", "--socket", path, "--threads", "1"], port, f"{folder}/brume-lb.log")
    forward = {"forward": [{"target_group": "bench", "weight": 1}]}
    snapshot = {
        "version": 1,
        "load_balancers": [{
            "id": "bench", "listen_address": "127.0.0.1",
            "nodes": [{"zone": "a", "address": "127.0.0.1"}],
            **({"access_log": {"folder": f"{folder}/access", "name": "app/bench/0123456789abcdef"}} if logs else {}),
            "listeners": [{"id": "bench", "port": port, "clients": ["0.0.0.0/0"], "rules": [], "default_action": forward}],
        }],
        "target_groups": [{
            "id": "bench", "health_check": {"path": "/"},
            "targets": [{"id": "backend", "address": "127.0.0.1", "port": backend, "zone": "a"}],
        }],
    }
    while not os.path.exists(path):
        time.sleep(0.01)
    # The connection stays open as long as this program runs, as the daemon's does.
    proxy.channel = socket.socket(socket.AF_UNIX)
    proxy.channel.connect(path)
    proxy.channel.sendall(json.dumps(snapshot).encode() + b"\n")
    return proxy


def haproxy(program, backend, folder):
    port, path = free_port(), f"{folder}/haproxy.cfg"
    with open(path, "w") as f:
        f.write(f"""global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend bench
  bind 127.0.0.1:{port}
  default_backend bench
backend bench
  server backend 127.0.0.1:{backend}
""")
    return Proxy("HAProxy " + version(program, "-v"), [program, "-db", "-f", path], port, f"{folder}/haproxy.log")


def nginx(program, backend, folder):
    port, path = free_port(), f"{folder}/nginx.conf"
    with open(path, "w") as f:
        f.write(f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  upstream bench {{ server 127.0.0.1:{backend}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
  }}
}}
""")
    return Proxy("nginx " + version(program, "-v"), [program, "-c", path], port, f"{folder}/nginx.log")


def version(program, flag):
    shown = subprocess.run([program, flag], capture_output=True, text=True)
    return re.search(r"(\d+\.\d+\.\d+)", shown.stdout + shown.stderr)[1]


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    program, backend_program, folder = sys.argv[1:]
    if not shutil.which("wrk"):
        row("skipped: wrk is not installed (apt-get install wrk)", "", "", "", "")
        return
    port = free_port()
    running = [subprocess.Popen([backend_program, str(port)])]
    try:
        wait_until_answers(port, running[0])
        proxies = [brume(program, port, folder), brume(program, port, folder, logs=True)]
        running += [proxy.process for proxy in proxies]
        for name, make in (("haproxy", haproxy), ("nginx", nginx)):
            found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
            if not found:
                row(f"{name}: skipped, not installed (apt-get install {name})", "", "", "", "")
                continue
            proxies.append(make(found, port, folder))
            running.append(proxies[-1].process)
        for proxy in proxies:
            proxy.ready()
            proxy.measure(1)  # connections, buffers, pages
        for _ in range(ROUNDS):
            for proxy in proxies:
                proxy.results.append(proxy.measure(SECONDS))
                # As the daemon takes them.
                for file in glob.glob(f"{folder}/access/*.log"):
                    os.remove(file)
        for proxy in proxies:
            rate, cpu, middle, late = (statistics.median(values) for values in zip(*proxy.results))
            row(proxy.name, f"{rate:,.0f}", f"{cpu:.1f}", f"{middle:.2f}", f"{late:.2f}")
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


main()
