"""Debian's Prometheus and Rushlight beside each other over pages that this process serves.

The n-th scrape of a page gets its n-th body whoever asks, and the last body from then on. What a
server stored is told scrape by scrape: `up` has the times of the scrapes, samples at other times
have their own.
"""

import asyncio
import collections
import http.client
import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse

PORTS = {"pages": 29300, "prometheus": 29390, "rushlight": 29391}
NAMES = ("prometheus", "rushlight")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited")
REPORT = ("up", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added")
DURATION = "scrape_duration_seconds"


class Page:
    """What one target serves, in the job it belongs to."""

    def __init__(self, name, bodies, content_type, job="pages", labels=(), damaged=False):
        self.name, self.bodies, self.content_type = name, bodies, content_type
        self.job, self.labels, self.damaged = job, dict(labels), damaged


class Source:
    """Serves the pages to both, on a thread of its own."""

    def __init__(self, pages):
        self.pages, self.next = pages, collections.Counter()
        self.number = {id(page): i for i, page in enumerate(pages)}
        self.times = collections.defaultdict(list)
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(started)), daemon=True).start()
        started.wait(10)

    async def serve(self, started):
        server = await asyncio.start_server(self.answer, "127.0.0.1", PORTS["pages"], backlog=4096)
        started.set()
        await server.serve_forever()

    async def answer(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, name, index = head.split(b" ", 2)[1].decode().split("/")
                page = self.pages[int(index)]
                step = self.next[name, int(index)]
                self.next[name, int(index)] += 1
                self.times[name, int(index)].append(time.time())
                body = page.bodies[min(step, len(page.bodies) - 1)]
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {page.content_type}\r\n"
                             f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def step_at(self, name, page, t):
        """Which body the scrape that began at a time got."""
        times = self.times[name, self.number[id(page)]]
        return next((step for step, served in enumerate(times) if served >= t - 0.005), None)

    def missing(self, more=1):
        """The pages of which a server has not had every body, the last one `more` times."""
        return [(name, page.name, self.next[name, i]) for name in NAMES for i, page in enumerate(self.pages)
                if self.next[name, i] < len(page.bodies) + more]


class Beside:
    """Both servers, each with its own folder below `work`."""

    def __init__(self, rushlight, work, pages, jobs, interval):
        self.binaries = {"prometheus": "prometheus", "rushlight": os.path.abspath(rushlight)}
        self.work, self.processes = work, {}
        for name in NAMES:
            # JSON is YAML.
            with open(os.path.join(work, f"{name}.yml"), "w") as file:
                json.dump(configuration(name, pages, jobs, interval), file)
            self.start(name)

    def start(self, name):
        more = ["--enable-feature=native-histograms"] if name == "prometheus" else []
        self.processes[name] = subprocess.Popen(
            [self.binaries[name], f"--config.file={self.work}/{name}.yml", f"--storage.tsdb.path={self.work}/{name}",
             f"--web.listen-address=127.0.0.1:{PORTS[name]}", *more],
            stdout=open(f"{self.work}/{name}.log", "ab"), stderr=subprocess.STDOUT, cwd=self.work)

    def kill_and_restart(self, name):
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()
        self.start(name)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if ask(name, "GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"{name} is not ready again")

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)


def configuration(server, pages, jobs, interval):
    """`jobs`: name -> (keys for both, keys for Rushlight only)."""
    scrapes = []
    for job, (both, ours) in jobs.items():
        scrapes.append({
            "job_name": job, **both, **(ours if server == "rushlight" else {}),
            "static_configs": [
                {"targets": [f"127.0.0.1:{PORTS['pages']}"],
                 "labels": {"page": page.name, **page.labels, "__metrics_path__": f"/{server}/{i}"}}
                for i, page in enumerate(pages) if page.job == job]})
    return {"global": {"scrape_interval": f"{interval}s", "scrape_timeout": f"{interval}s"},
            "scrape_configs": scrapes}


def ask(name, method, path, params=()):
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[name], timeout=300)
    body = urllib.parse.urlencode(params)
    connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    return response.status, response.read()


def query(name, text, at):
    """The result as the API tells it."""
    status, body = ask(name, "POST", "/api/v1/query", {"query": text, "time": f"{at:.3f}"})
    answer = json.loads(body)
    if answer["status"] != "success":
        raise SystemExit(f"{name}: {status} {answer['error']}: {text}")
    return answer["data"]["result"]


def errors(name):
    """Page -> why its last scrape failed."""
    targets = json.loads(ask(name, "GET", "/api/v1/targets")[1])["data"]["activeTargets"]
    return {(t["labels"]["job"], t["labels"]["page"]): t["lastError"] for t in targets}


class Stored:
    """What a server stored of one page."""

    def __init__(self):
        self.up, self.report, self.series, self.now = [], {}, [], {}

    def scrapes(self):
        """(scrape number -> series -> values, series -> (time, value) of samples with times of their own)"""
        number = {t: i for i, (t, _) in enumerate(self.up)}
        by_scrape, own = collections.defaultdict(lambda: collections.defaultdict(list)), collections.defaultdict(list)
        for labels, points in self.series:
            for t, value in points:
                if t in number:
                    by_scrape[number[t]][labels].append(value)
                else:
                    own[labels].append((t, value))
        return by_scrape, own


def matrix(name, job, at, window):
    """All samples of a job. Each series is asked alone when there are histograms: 2.42 lets those of
    several series share memory."""
    if job != "messages":
        return query(name, f'{{job="{job}"}}[{window}]', at)
    params = {"match[]": f'{{job="{job}"}}', "start": f"{at - 600:.0f}", "end": f"{at:.0f}"}
    answer = json.loads(ask(name, "POST", "/api/v1/series", params)[1])
    selectors = [",".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in one.items()) for one in answer["data"]]
    return [series for text in selectors for series in query(name, f"{{{text}}}[{window}]", at)]


def stored(name, job, at, window="10m"):
    """Page -> what is stored of it: all samples of the window, and what an instant query tells now."""
    pages = collections.defaultdict(Stored)
    for series in matrix(name, job, at, window):
        labels = dict(series["metric"])
        page = pages[labels.pop("page")]
        metric = labels.get("__name__", "")
        points = [(t, v if isinstance(v, str) else json.dumps(v, sort_keys=True))
                  for t, v in [*series.get("values", []), *series.get("histograms", [])]]
        target = {"__name__": metric, "job": job, "instance": f"127.0.0.1:{PORTS['pages']}"}
        if metric in (*REPORT, DURATION) and labels in (target, {**target, "unusual": "target"}):
            page.report[metric] = [v for _, v in sorted(points)]
            if metric == "up":
                page.up = sorted(points)
            continue
        page.series.append((frozenset(labels.items()), points))
    for series in query(name, f'{{job="{job}"}}', at):
        labels = dict(series["metric"])
        page = pages[labels.pop("page")]
        if labels.get("__name__") not in (*REPORT, DURATION):
            value = series["value"][1] if "value" in series else json.dumps(series["histogram"][1], sort_keys=True)
            page.now[frozenset(labels.items())] = value
    return pages
