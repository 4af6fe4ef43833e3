#!/usr/bin/env python3
"""Rushlight and Debian's Prometheus scrape one node_exporter side by side and are asked the same.

    tests/side_by_side/node_exporter.py --rushlight PATH [--secs 600] [--queries FILE] [--kill]

Two comparisons, both of instant queries at one moment:
- live: both scrape the exporter itself, each at its own phase. Values differ by what changed between
  the two scrapes, so only the label sets and, within --tolerance, the values are compared.
- exact: both scrape a proxy that gives every page the whole second it was read at, so both store the
  same samples at the same times, and every answer must be the same to 1e-9.

`="v1"` in the queries (a dashboard variable) becomes `=~".*"`. With --kill Rushlight is killed with
SIGKILL half way and started again; samples older than the flush interval must all be there.
Only loopback is used; only processes started here are ended.
"""

import argparse
import collections
import http.server
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

PORTS = {"exporter": 29100, "proxy": 29101, "prometheus": 29090, "rushlight": 29091}
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: live
  static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]
- job_name: exact
  scrape_interval: 500ms
  scrape_timeout: 500ms
  static_configs: [{{targets: ['127.0.0.1:{proxy}']}}]
"""


def get(url, timeout=30):
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return response.read()


def wait_for(url, secs=30):
    deadline = time.time() + secs
    while time.time() < deadline:
        try:
            return get(url, 2)
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"no answer from {url}")


class Proxy:
    """Serves the exporter's page of the current second, every sample with its time."""

    def __init__(self):
        self.page = b""
        threading.Thread(target=self.refresh, daemon=True).start()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(proxy.page)))
                self.end_headers()
                self.wfile.write(proxy.page)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", PORTS["proxy"]), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def refresh(self):
        while True:
            time.sleep(1 - time.time() % 1)
            now = int(time.time()) * 1000
            try:
                lines = get(f"http://127.0.0.1:{PORTS['exporter']}/metrics").decode().split("\n")
            except OSError:
                continue
            self.page = "\n".join(
                f"{line} {now}" if line and not line.startswith("#") else line for line in lines
            ).encode()


def start_all(args, work):
    config = os.path.join(work, "prometheus.yml")
    with open(config, "w") as file:
        file.write(CONFIG.format(**PORTS))
    log = open(os.path.join(work, "log"), "ab")

    def run(*command):
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=work)

    def server(binary, name, *more):
        return run(binary, f"--config.file={config}", f"--storage.tsdb.path={work}/{name}",
                   f"--web.listen-address=127.0.0.1:{PORTS[name]}", *more)

    exporter = run("prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{PORTS['exporter']}")
    wait_for(f"http://127.0.0.1:{PORTS['exporter']}/metrics")
    return {
        "exporter": exporter,
        "prometheus": server("prometheus", "prometheus"),
        "rushlight": server(args.rushlight, "rushlight"),
        "restart": lambda: server(args.rushlight, "rushlight"),
    }


def ask(name, query, at):
    url = f"http://127.0.0.1:{PORTS[name]}/api/v1/query?" + urllib.parse.urlencode(
        {"query": query, "time": f"{at:.3f}"})
    try:
        answer = json.loads(get(url))
    except urllib.error.HTTPError as error:
        answer = json.loads(error.read())
    if answer["status"] != "success":
        return answer["error"]
    data = answer["data"]
    if data["resultType"] in ("scalar", "string"):
        return {"scalar": data["result"][1]}
    return {
        json.dumps(series["metric"], sort_keys=True): series.get("value", [0, series.get("values")])[1]
        for series in data["result"]
    }


def same(a, b, tolerance):
    if isinstance(a, list) or isinstance(b, list):
        return a == b
    a, b = float(a), float(b)
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-300)


def compare(queries, job, at, tolerance, show):
    counts = collections.Counter()
    for text in queries:
        query = with_job(text, job)
        ours, theirs = ask("rushlight", query, at), ask("prometheus", query, at)
        if isinstance(ours, str) or isinstance(theirs, str):
            kind = "both refuse" if isinstance(ours, str) and isinstance(theirs, str) else "refused by one"
            detail = (ours, theirs)
        elif ours.keys() != theirs.keys():
            kind, detail = "labels differ", (sorted(ours.keys() ^ theirs.keys())[:2], len(ours), len(theirs))
        else:
            far = [k for k in ours if not same(ours[k], theirs[k], tolerance)]
            kind = "values differ" if far else ("same" if ours else "same (empty)")
            detail = [(k, ours[k], theirs[k]) for k in far[:2]]
        counts[kind] += 1
        if kind not in ("same", "same (empty)") and show:
            print(f"  {job}: {kind}: {query}\n    {detail}")
    print(f"{job}: " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()), flush=True)


def with_job(query, job):
    """Dashboard variables become "anything", within one job."""
    query = re.sub(r'job\s*=~?\s*"[^"]*"', f'job="{job}"', query)
    return re.sub(r'=\s*"v1"', '=~".*"', query)


def holes(job, start, end):
    """Seconds of `start`..`end` without a sample of `up`, as Rushlight tells."""
    query = f'up{{job="{job}"}}[{int(end - start)}s]'
    url = f"http://127.0.0.1:{PORTS['rushlight']}/api/v1/query?" + urllib.parse.urlencode(
        {"query": query, "time": f"{end:.3f}"})
    result = json.loads(get(url))["data"]["result"]
    times = [float(t) for series in result for t, _ in series["values"]]
    return [(round(a, 3), round(b, 3)) for a, b in zip(times, times[1:]) if b - a > 1.5]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rushlight", required=True)
    parser.add_argument("--secs", type=float, default=600)
    data = os.environ.get("DATA_DIR", "../shared/data")
    parser.add_argument("--queries", default=f"{data}/queries/node-exporter-full-1860.txt")
    parser.add_argument("--tolerance", type=float, default=0.05)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    args.rushlight = os.path.abspath(args.rushlight)
    queries = [line.strip() for line in open(args.queries) if line.strip()]
    work = tempfile.mkdtemp(prefix="side-by-side-")
    Proxy()
    servers = start_all(args, work)
    try:
        begun = time.time()
        killed = None
        while time.time() - begun < args.secs:
            time.sleep(0.2)
            if args.kill and killed is None and time.time() - begun > args.secs / 2:
                servers["rushlight"].send_signal(signal.SIGKILL)
                servers["rushlight"].wait()
                killed = time.time()
                servers["rushlight"] = servers["restart"]()
                wait_for(f"http://127.0.0.1:{PORTS['rushlight']}/-/ready")
                print(f"killed and ready again after {time.time() - killed:.2f} s", flush=True)
        # Between two samples of the exact job: whether a window holds the sample on its left edge
        # changed with Prometheus 3, and Debian's is older.
        at = math.floor(time.time()) - 1.5
        for job, tolerance in (("exact", 1e-9), ("live", args.tolerance)):
            compare(queries, job, at, tolerance, not args.quiet)
        print("gaps over 1.5 s in up (live):", holes("live", begun + 2, at),
              f"killed at {killed:.3f}" if killed else "")
        for query in ('up{job="live"}', 'sum by (mode) (rate(node_cpu_seconds_total{job="live"}[1m]))'):
            print(query, {k: (v, ask("prometheus", query, at).get(k)) for k, v in ask("rushlight", query, at).items()})
    finally:
        for name in ("rushlight", "prometheus", "exporter"):
            servers[name].terminate()
            servers[name].wait(30)
        if args.keep:
            print("kept:", work)
        else:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
