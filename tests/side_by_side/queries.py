#!/usr/bin/env python3
"""Rushlight and Debian's Prometheus store the same moving pages and are asked all real queries, those
of `corners.py`, and with --api the requests of `api_requests.py`; --speed times heavy queries.

    tests/side_by_side/queries.py --rushlight PATH [--steps 200] [--hold SECS] [--api] [--speed]
    tests/side_by_side/queries.py --again WORK [...]      asks servers that still hold, once more

Pages come from the recorded expositions, and from the queries themselves where no page has a name.
Every sample has its time, and the n-th scrape of a target gets step n whoever asks, so both servers
store the same samples. A step is 15 s of the data's time and half a second of ours; the data ends
before the first scrape, so that no report series (`up`, ...) is ever in a window.

Samples lie 7.3 s beside every multiple of 15 s and queries are asked at half seconds, so that no
sample lies on the edge of a window: 2.42 takes both edges, 3.x only the right one. `le` and
`quantile` are written as 3.x normalises them. What still differs for a known reason is counted apart.
Only loopback is used; only processes started here are ended.
"""

import argparse
import collections
import concurrent.futures
import http.client
import http.server
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import api_requests
import corners
import pages as pages_

PORTS = {"pages": 29200, "prometheus": 29190, "rushlight": 29191}
STEP_MS = 15000
JOB = """
- job_name: {page}
  honor_labels: true
  metrics_path: /{server}/{page}
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


class Pages:
    """Serves step n to the n-th scrape of a path."""

    def __init__(self, pages, steps, begin_ms):
        self.pages, self.steps, self.begin_ms = pages, steps, begin_ms
        self.next = collections.Counter()
        self.cache = {}
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = outer.body(self.path)
                self.send_response(200 if body is not None else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", PORTS["pages"]), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def body(self, path):
        page = path.split("/")[2]
        with self.lock:
            step = self.next[path]
            self.next[path] += 1
            if step >= self.steps:
                return None
            body = self.cache.pop((page, step), None)
            if body is None:
                t_ms = self.begin_ms + step * STEP_MS + 7300
                body = pages_.render(self.pages[page], step, t_ms).encode()
                self.cache[page, step] = body
            return body

    def done(self):
        paths = [f"/{server}/{page}" for server in ("prometheus", "rushlight") for page in self.pages]
        return min(self.next[path] for path in paths)


class Server:
    """Keeps one connection a thread."""

    def __init__(self, name):
        self.name, self.local = name, threading.local()

    def ask(self, method, path, params=(), headers=None):
        """(status, headers, body)"""
        text = urllib.parse.urlencode(params) if not isinstance(params, str) else params
        headers = dict(headers or {})
        if method == "POST":
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        url = path + ("?" + text if text and method != "POST" else "")
        for attempt in (0, 1):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", PORTS[self.name], timeout=120)
            try:
                connection.request(method, url, text if method == "POST" else None, headers)
                response = connection.getresponse()
                return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            except (http.client.HTTPException, OSError):
                self.local.connection = None
                if attempt:
                    raise

    def value(self, path, params):
        status, _, body = self.ask("POST", path, params)
        answer = json.loads(body)
        if answer["status"] != "success":
            return f'{status} {answer["errorType"]}: {answer["error"]}'
        data = answer["data"]
        if data["resultType"] in ("scalar", "string"):
            return {"scalar": [data["result"]]}
        return {
            json.dumps(one["metric"], sort_keys=True): one.get("values") or [one["value"]]
            for one in data["result"]
        }


def same(a, b, tolerance=1e-9):
    if a == b:
        return True
    a, b = float(a), float(b)
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= tolerance * max(abs(a), abs(b))


def judge(ours, theirs):
    """(kind, detail)"""
    if isinstance(ours, str) or isinstance(theirs, str):
        if isinstance(ours, str) and isinstance(theirs, str):
            return ("both refuse" if ours == theirs else "both refuse, other words"), (ours, theirs)
        return "refused by one", (ours if isinstance(ours, str) else len(ours), theirs if isinstance(theirs, str) else len(theirs))
    if ours.keys() != theirs.keys():
        return "labels differ", (len(ours), len(theirs), "only ours", sorted(ours.keys() - theirs.keys())[:2],
                                 "only theirs", sorted(theirs.keys() - ours.keys())[:2])
    for key, points in ours.items():
        if [t for t, _ in points] != [t for t, _ in theirs[key]]:
            a, b = {t for t, _ in points}, {t for t, _ in theirs[key]}
            return "times differ", (key, "only ours", sorted(a - b)[:3], "only theirs", sorted(b - a)[:3])
        for (t, a), (_, b) in zip(points, theirs[key]):
            if not same(a, b):
                return "values differ", (key, t, a, b)
    return ("same" if ours else "same (empty)"), None


def holes_and_zero(detail):
    """2.42 first cuts the way to the window's start at where a counter was zero, then looks whether it
    is long; 3.x the other way round and so gets the smaller result. Within subqueries of a gauge that
    falls often, the sums differ by it."""
    ours, theirs = float(detail[2]), float(detail[3])
    return 0.5 < ours / theirs < 1


def known(query, kind, detail):
    """Why 2.42 is allowed to differ, or None."""
    if kind == "refused by one" and "holt_winters" in query:
        return "known: holt_winters has another name"
    if kind == "values differ" and re.search(r"(rate|increase)\(", query) and (
            holes_and_zero(detail) or re.search(r"_over_time\((deriv\()?rate\(kube_pod_status_phase", query)):
        return "known: a rate cut at zero, with a hole: 3.x looks for the hole first"
    if kind == "values differ" and re.search(r"\b(minute|hour|day_of_\w+|days_in_month|month|year)\(\w", query):
        return "known: the date of an infinity"
    if kind == "both refuse, other words" and detail[1] == detail[0].replace('invalid parameter "query": ', ""):
        return "known: 2.42 does not name the parameter of a range query"
    if kind == "both refuse, other words":
        ours, theirs = (re.sub(r"\{.*?\}|: \[.*\]", "", text, flags=re.S) for text in detail)
        if ours == theirs and "duplicate series for the match group" in ours:
            return "known: both refuse, naming other duplicates"
    return None


def compare(servers, queries, end_s):
    """All queries at two moments and over two ranges."""
    asks = [("instant, end", "/api/v1/query", {"time": f"{end_s:.3f}"}),
            ("instant, hole", "/api/v1/query", {"time": f"{end_s - 1500:.3f}"}),
            ("range 30m/61s", "/api/v1/query_range", {"start": f"{end_s - 1800:.3f}", "end": f"{end_s:.3f}", "step": "61"}),
            ("range 40m/5s", "/api/v1/query_range", {"start": f"{end_s - 2400:.3f}", "end": f"{end_s - 1800:.3f}", "step": "5"})]
    for title, path, params in asks:
        def one(query):
            answers = [server.value(path, {"query": query, **params}) for server in servers]
            return query, *judge(*answers)

        counts = collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for query, kind, detail in pool.map(one, queries):
                why = known(query, kind, detail)
                counts[why or kind] += 1
                if detail and not why and kind != "both refuse":
                    print(f"  {title}: {kind}: {query}\n    {detail}"[:1500])
        print(f"{title}: " + ", ".join(f"{n} {kind}" for kind, n in counts.most_common()), flush=True)


HEAVY = [
    "count({__name__=~\".+\"})",
    "sum by (__name__) ({__name__=~\".+\"})",
    "topk(10, count by (__name__) ({__name__=~\".+\"}))",
    "{__name__=~\".+\"}",
    "sum by (le) (rate(workqueue_queue_duration_seconds_bucket[5m]))",
    "histogram_quantile(0.99, rate(workqueue_work_duration_seconds_bucket[5m]))",
    "max_over_time(sum(rate(workqueue_work_duration_seconds_bucket[1m]))[30m:15s])",
    "quantile_over_time(0.9, kube_pod_status_phase[40m])",
    "stddev_over_time(kube_pod_status_phase[40m])",
    "sum by (phase) (kube_pod_status_phase)",
    "node_cpu_seconds_total",
    "rate(node_cpu_seconds_total[5m])",
    "kube_pod_status_phase * on (namespace, pod) group_left (node) kube_pod_info",
    "label_replace({__name__=~\"kube_.+\"}, \"x\", \"$1\", \"namespace\", \"(.*)\")",
    "sort_desc({__name__=~\"kube_.+\"})",
]


def speed(servers, end_s, rounds=7):
    """Median time of heavy queries, ours and theirs."""
    for path, params in (("/api/v1/query", {"time": f"{end_s:.3f}"}),
                         ("/api/v1/query_range", {"start": f"{end_s - 2400:.3f}", "end": f"{end_s:.3f}", "step": "15"})):
        for query in HEAVY:
            took = [[], []]
            size = 0
            for i, server in enumerate(servers):
                # One after the other: a collector's work after its answer must not fall on the other.
                for _ in range(rounds):
                    begun = time.perf_counter()
                    status, _, body = server.ask("POST", path, {"query": query, **params})
                    took[i].append(time.perf_counter() - begun)
                    size = len(body)
                time.sleep(0.2)
            ours, theirs = (statistics.median(t) * 1000 for t in took)
            print(f"{path[8:]:12} {ours:9.2f} ms ours {theirs:9.2f} ms theirs  {ours / theirs:5.2f}  {status} {size:9}  {query[:90]}", flush=True)


def start(args, work, pages):
    processes = {}
    for name, binary in (("prometheus", "prometheus"), ("rushlight", args.rushlight)):
        config = os.path.join(work, f"{name}.yml")
        with open(config, "w") as file:
            file.write("global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:")
            for page in pages:
                file.write(JOB.format(page=page, server=name, port=PORTS["pages"]))
        processes[name] = subprocess.Popen(
            [binary, f"--config.file={config}", f"--storage.tsdb.path={work}/{name}",
             f"--web.listen-address=127.0.0.1:{PORTS[name]}"],
            stdout=open(os.path.join(work, f"{name}.log"), "ab"), stderr=subprocess.STDOUT, cwd=work)
    return processes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rushlight")
    parser.add_argument("--again")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--hold", type=float, default=0)
    parser.add_argument("--only", default="", help="regular expression that queries must match")
    parser.add_argument("--no-queries", action="store_true")
    parser.add_argument("--api", action="store_true")
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args()
    data = os.environ.get("DATA_DIR", "../shared/data")
    folder = os.path.join(data, "queries")
    lines = [line.strip() for file in sorted(os.listdir(folder)) if file.endswith(".txt")
             for line in open(os.path.join(folder, file)) if line.strip()]
    queries = [re.sub(r'=\s*"v1"', '=~".*"', line) for line in dict.fromkeys(lines)]
    queries = list(dict.fromkeys([*queries, *corners.queries()]))
    asked = [query for query in queries if re.search(args.only, query)]
    servers = [Server("rushlight"), Server("prometheus")]
    if args.again:
        with open(os.path.join(args.again, "end")) as file:
            return ask(args, servers, asked, float(file.read()))
    args.rushlight = os.path.abspath(args.rushlight)
    work = tempfile.mkdtemp(prefix="side-by-side-")
    print("in", work, flush=True)
    all_pages = pages_.all_pages(data, queries)
    print(len(all_pages), "pages,", sum(map(len, all_pages.values())), "series", flush=True)
    now = int(time.time())
    begin_s = (now - 120) // 15 * 15 - args.steps * 15
    source = Pages(all_pages, args.steps, begin_s * 1000)
    processes = start(args, work, all_pages)
    try:
        deadline = time.time() + args.steps * 3
        while source.done() < args.steps and time.time() < deadline:
            time.sleep(1)
        print("steps", source.done(), "after", round(time.time() - now), "s", flush=True)
        end_s = begin_s + args.steps * 15 - 60 + 0.5
        with open(os.path.join(work, "end"), "w") as file:
            file.write(str(end_s))
        time.sleep(1)
        ask(args, servers, asked, end_s)
        time.sleep(args.hold)
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(30)
        shutil.rmtree(work, ignore_errors=True)


def ask(args, servers, queries, end_s):
    if not args.no_queries:
        compare(servers, queries, end_s)
    if args.api:
        api_requests.compare(servers, end_s)
    if args.speed:
        speed(servers, end_s)


if __name__ == "__main__":
    sys.exit(main())
