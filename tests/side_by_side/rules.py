#!/usr/bin/env python3
"""Rushlight and Debian's Prometheus evaluate the same rules over the same pages and a node_exporter,
and tell the same receiver of alerts.

    tests/side_by_side/rules.py --rushlight PATH [--data DIR] [--work DIR] [--hold SECS]

Pages stand still between the steps: lamps lit, lamps dark, lit again, other rules loaded, both killed
and started again. After each step, once both have settled, /api/v1/rules and /api/v1/alerts are
compared as JSON but for times, and what the rules recorded series by series; at the end also what the
receiver was told. Rules over the node_exporter record moving values, which are to agree roughly; with
--data its own rule files and those of kube-prometheus are evaluated too. What differs for a known
reason is counted apart. Only loopback is used; only processes started here are ended.
"""

import argparse
import collections
import http.client
import http.server
import json
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

PORTS = {"pages": 29500, "node": 29501, "receiver": 29502, "prometheus": 29590, "rushlight": 29591}
NAMES = ("prometheus", "rushlight")
NODE_RULES = ("node_exporter-example-rules.yml", "kube-prometheus-nodeExporter.yaml", "node_exporter-compat-17.yml",
              "awesome-node-exporter.yml", "prometheus-fixture-dependencies.yaml", "kube-prometheus-prometheus.yaml")

LIT = """lamp{room="hall",watts="60"} 5
lamp{room="attic",watts="40"} 3.25
lamp{room="größe",watts="1"} 1234567.5
wire_bytes_total 1e6
latency_bucket{le="0.1"} 10
latency_bucket{le="1.0"} 20
latency_bucket{le="+Inf"} 25
latency_count 25
latency_sum 7
nothing NaN
"""
DARK = LIT.replace(' 5\n', ' 0\n').replace(' 3.25\n', ' 0.5\n')

RULES = r"""
groups:
- name: recording
  rules:
  - {record: 'lamp:sum', expr: sum(lamp)}
  - {record: 'lamp:sum:twice', expr: lamp:sum * 2}
  - {record: renamed, expr: lamp, labels: {watts: '', floor: '{{ $labels.room }}'}}
  - {record: number, expr: '42'}
  - {record: 'lamp:top', expr: 'topk(1, lamp)'}
  - {record: 'latency:half', expr: 'histogram_quantile(0.5, latency_bucket)'}
  - {record: nothing_there, expr: lamp > 1e9}
  - {record: not_a_number, expr: nothing}
- name: failing
  limit: 2
  rules:
  - {record: too_many, expr: lamp}
  - {record: ambiguous, expr: lamp * on() group_left() lamp}
  - {record: twice_the_same, expr: 'lamp', labels: {room: x, watts: y}}
  - {record: fine, expr: count(lamp)}
- name: alerting
  interval: 2s
  rules:
  - alert: Dark
    expr: lamp < 1
    for: 2s
    labels: {severity: page, place: 'the {{ $labels.room | title }}', watts: ''}
    annotations:
      summary: '{{ $labels.room }} is at {{ $value }} of {{ $labels.watts }}, {{ humanize $value }}'
      all: 'sum {{ with query "lamp:sum" }}{{ . | first | value | printf "%.1f" }}{{ end }} on {{ $externalLabels.cluster }}'
      url: '{{ externalURL }}{{ pathPrefix }} {{ graphLink "up" }} {{ tableLink "a b" }}'
      bad: '{{ $labels.room | toTime }}'
      empty: ''
  - {alert: AnyLamp, expr: 'count(lamp) by (watts) > 0', annotations: {value: '{{ . }}'}}
  - {alert: Waits, expr: lamp > 1e6, for: 1h, annotations: {n: '{{ $value | humanize }} {{ $value }}'}}
  - {alert: Lingers, expr: 'lamp{room="hall"} > 1', keep_firing_for: 1h, labels: {severity: low}}
  - {alert: Never, expr: lamp > 1e9, for: 5m, keep_firing_for: 7m, annotations: {a: '{{ $value }}'}}
  - {alert: Scalar, expr: vector(1) > 0, labels: {alertname: ignored}}
- name: seldom
  interval: 1h
  rules: [{record: seldom, expr: '1'}]
- name: empty
"""
OTHER = RULES.replace("lamp:sum * 2", "lamp:sum * 3").replace("severity: low", "severity: high") \
    .replace("- name: seldom", "- name: more\n  rules: [{record: more, expr: 'count(up)'}]\n- name: seldom")
NODE = """
groups:
- name: node
  rules:
  - {record: 'instance:cpus', expr: 'count by (instance) (node_cpu_seconds_total{mode="idle"})'}
  - {record: 'instance:memory', expr: node_memory_MemTotal_bytes}
  - {record: 'instance:cpu:rate', expr: 'sum by (instance, mode) (rate(node_cpu_seconds_total[20s]))'}
  - {record: 'instance:files', expr: 'sum by (instance, fstype) (node_filesystem_size_bytes)'}
  - {alert: NodeUp, expr: 'up{job="node"} == 1', annotations: {what: '{{ $labels.instance }} has {{ with printf "instance:cpus{instance=%q}" $labels.instance | query }}{{ . | first | value }}{{ end }} cpus'}}
"""

# Our answers follow 3.x; what it changed since 2.42.
NO_LABELS = "a rule without labels has an empty map of them"
NUMBERS = "numbers in printed queries have no exponent"
NOT_RUN = "a rule that was never evaluated is in the state unknown"
ORDER = "which two of several series an error names"
EMPTY = "a group without rules is not told"
MACHINE = "what a machine does is seen at other moments"


def known(field, ours, theirs):
    """Why a field of a rule differs, if that is known."""
    if field == "labels" and ours == {} and theirs is None:
        return NO_LABELS
    if field == "query" and re.sub(r"1e\+0(\d)", lambda m: "1" + "0" * int(m[1]), theirs) == ours:
        return NUMBERS
    if field == "state" and ours == "unknown":
        return NOT_RUN
    if field == "lastError" and sorted(re.findall(r"\w+", ours)) == sorted(re.findall(r"\w+", theirs or "")):
        return ORDER
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply(self.server.page.encode())

    def do_POST(self):
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.path.split("/")[1]
        with self.server.lock:
            for alert in alerts:
                self.server.told[name].append((time.time(), alert))
        self.reply(b"")

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", port), Handler)
        self.page, self.lock, self.told = LIT, threading.Lock(), collections.defaultdict(list)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Beside:
    def __init__(self, rushlight, work, node_files):
        self.binaries = {"prometheus": "prometheus", "rushlight": os.path.abspath(rushlight)}
        self.work, self.processes = work, {}
        self.pages, self.receiver = Server(PORTS["pages"]), Server(PORTS["receiver"])
        os.makedirs(f"{work}/rules", exist_ok=True)
        self.write(RULES)
        with open(f"{work}/rules/b-node.yml", "w") as file:
            file.write(NODE)
        for path in node_files:
            with open(path) as source, open(f"{work}/rules/c-{os.path.basename(path)}", "w") as file:
                file.write(bare(source.read()))

    def start_all(self):
        self.processes["node"] = subprocess.Popen(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{PORTS['node']}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in NAMES:
            self.start(name)
        for name in NAMES:
            self.wait_ready(name)

    def write(self, rules):
        with open(f"{self.work}/rules/a-lamps.yml", "w") as file:
            file.write(rules)

    def start(self, name):
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
                       "external_labels": {"cluster": "edge", "severity": "none"}},
            "rule_files": ["rules/*.y*ml"],
            "alerting": {
                "alert_relabel_configs": [{"source_labels": ["room"], "regex": "attic", "target_label": "floor",
                                           "replacement": "top"}],
                "alertmanagers": [{"path_prefix": f"/{name}", "api_version": "v2",
                                   "static_configs": [{"targets": [f"127.0.0.1:{PORTS['receiver']}"]}]}]},
            "scrape_configs": [
                {"job_name": "pages", "static_configs": [{"targets": [f"127.0.0.1:{PORTS['pages']}"]}]},
                {"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{PORTS['node']}"]}]},
                {"job_name": "node-exporter", "static_configs": [{"targets": [f"127.0.0.1:{PORTS['node']}"]}]}]}
        with open(f"{self.work}/{name}.yml", "w") as file:
            json.dump(config, file)
        self.processes[name] = subprocess.Popen(
            [self.binaries[name], f"--config.file={self.work}/{name}.yml", f"--storage.tsdb.path={self.work}/{name}",
             f"--web.listen-address=127.0.0.1:{PORTS[name]}", "--web.enable-lifecycle",
             "--web.external-url=http://example.org/here/", "--web.route-prefix=/",
             "--rules.alert.resend-delay=2s", "--rules.alert.for-grace-period=2s"],
            stdout=open(f"{self.work}/{name}.log", "ab"), stderr=subprocess.STDOUT, cwd=self.work)

    def wait_ready(self, name):
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if ask(name, "GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"{name} is not ready, see {self.work}/{name}.log")

    def reload(self):
        for name in NAMES:
            status, body = ask(name, "POST", "/-/reload")
            if status != 200:
                raise SystemExit(f"{name}: reload: {status} {body.decode()}")

    def kill_and_restart(self):
        for name in NAMES:
            self.processes[name].send_signal(signal.SIGKILL)
            self.processes[name].wait()
            self.start(name)
        for name in NAMES:
            self.wait_ready(name)

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)


def bare(text):
    """The groups of an object of Kubernetes, which 2.42 does not read."""
    _, found, spec = text.partition("\nspec:\n")
    return "".join(line[2:] for line in spec.splitlines(keepends=True)) if found else text


def ask(name, method, path, params=()):
    connection = http.client.HTTPConnection("127.0.0.1", PORTS[name], timeout=60)
    body = urllib.parse.urlencode(params)
    connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    return response.status, response.read()


def data(name, path, params=()):
    answer = json.loads(ask(name, "POST" if params else "GET", path, params)[1])
    if answer["status"] != "success":
        raise SystemExit(f"{name}: {path}: {answer}")
    return answer["data"]


class Comparison:
    def __init__(self):
        self.same, self.known, self.different = 0, collections.Counter(), []

    def take(self, what, ours, theirs, why=None):
        if ours == theirs:
            self.same += 1
        elif why:
            self.known[why] += 1
        else:
            self.different.append(f"{what}\n    rushlight  {ours}\n    prometheus {theirs}")

    def maps(self, what, ours, theirs, compare=None, why=None):
        """Compares two maps key by key."""
        for key in sorted({*ours, *theirs}, key=str):
            if key in ours and key in theirs and compare:
                compare(f"{what} {key}", ours[key], theirs[key])
            else:
                self.take(f"{what} {key}", ours.get(key), theirs.get(key), why)


def parsed(text):
    """Seconds of a time of RFC 3339; 2.42 writes nanoseconds."""
    text = re.sub(r"(\.\d{1,6})\d*", r"\1", text)
    zone = text[-6:] if not text.endswith("Z") else "+00:00"
    bare = text[:-1] if text.endswith("Z") else text[:-6]
    import datetime
    return datetime.datetime.fromisoformat(bare + zone).timestamp()


def key(labels):
    return json.dumps(labels, sort_keys=True, ensure_ascii=False)


def compare_alerts(comparison, what, ours, theirs, moving):
    by_labels = [{key(a["labels"]): a for a in alerts} for alerts in (ours, theirs)]

    def one(what, ours, theirs):
        for field in sorted({*ours, *theirs}):
            a, b = ours.get(field), theirs.get(field)
            if field in ("activeAt", "keepFiringSince") and a and b:
                # Both begin with the evaluation that saw it, which were at different times.
                near = abs(parsed(a) - parsed(b)) < 10
                comparison.take(f"{what} {field}", near or a, True if near else b, MACHINE if moving else None)
            elif field == "state" and moving:
                comparison.take(f"{what} {field}", a, b, MACHINE)
            elif field == "annotations":
                for name in sorted({*a, *b}):
                    if not moving:
                        comparison.take(f"{what} {field} {name}", a.get(name), b.get(name))
            elif not (field == "value" and moving):
                comparison.take(f"{what} {field}", a, b)
    comparison.maps(what, *by_labels, one, MACHINE if moving else None)


TIMES = ("evaluationTime", "lastEvaluation")


def compare_rules(comparison, step):
    ours, theirs = ([(os.path.basename(g["file"]), g["name"], g) for g in data(n, "/api/v1/rules")["groups"]]
                    for n in ("rushlight", "prometheus"))
    for told in (set(g[:2] for g in ours) ^ set(g[:2] for g in theirs)):
        comparison.take(f"{step}: {told}", told in ours, told in theirs, EMPTY if told[1] == "empty" else None)
    theirs = {g[:2]: g[2] for g in theirs}
    for file, name, ours in ours:
        other = theirs.get((file, name))
        if other is None:
            continue
        what, moving = f"{step}: {file};{name}", not file.startswith("a-")
        fields = [{k: v for k, v in g.items() if k not in (*TIMES, "rules")} for g in (ours, other)]
        fields = [{**f, "file": os.path.basename(f["file"])} for f in fields]
        comparison.maps(what, *fields)
        comparison.take(f"{what}: number of rules", len(ours["rules"]), len(other["rules"]))
        for i, (a, b) in enumerate(zip(ours["rules"], other["rules"])):
            told = f"{what}: rule {i} {a['name']}"
            for field in sorted({*a, *b} - {*TIMES}):
                if field == "alerts":
                    compare_alerts(comparison, f"{told} {field}", a["alerts"], b["alerts"], moving)
                else:
                    why = MACHINE if moving and field == "state" else known(field, a.get(field), b.get(field))
                    comparison.take(f"{told} {field}", a.get(field), b.get(field), why)


def compare_all_alerts(comparison, step):
    ours, theirs = (data(n, "/api/v1/alerts")["alerts"] for n in ("rushlight", "prometheus"))
    ours, theirs = ([a for a in alerts if "lamp" in key(a) or "room" in a["labels"]] for alerts in (ours, theirs))
    compare_alerts(comparison, f"{step}: alerts", ours, theirs, False)


def recorded(name, record):
    result = data(name, "/api/v1/query", {"query": f'{{__name__="{record}"}}'})["result"]
    return {key(series["metric"]): series["value"][1] for series in result}


def compare_series(comparison, step):
    names = {}
    for group in data("rushlight", "/api/v1/rules")["groups"]:
        for rule in group["rules"]:
            if rule["type"] == "recording":
                names[rule["name"]] = not os.path.basename(group["file"]).startswith("a-")
    for name in ("ALERTS", "ALERTS_FOR_STATE"):
        names[name] = True
    for record, moving in sorted(names.items()):
        ours, theirs = recorded("rushlight", record), recorded("prometheus", record)
        if moving:
            ours, theirs = dict.fromkeys(ours, "any"), dict.fromkeys(theirs, "any")
        why = MACHINE if record.startswith("ALERTS") else None
        comparison.maps(f"{step}: series of {record}", ours, theirs, why=why)


def compare_told(comparison, receiver):
    with receiver.lock:
        told = {name: list(alerts) for name, alerts in receiver.told.items()}

    def first(name):
        """Labels -> the first notification of each alert, and whether an end was told."""
        found, ends = {}, collections.Counter()
        for at, alert in told[name]:
            found.setdefault(key(alert["labels"]), alert)
            ends[key(alert["labels"])] += parsed(alert["endsAt"]) <= at
        return found, ends

    ours, theirs = first("rushlight"), first("prometheus")

    def one(what, a, b):
        for field in sorted({*a, *b}):
            if field in ("startsAt", "endsAt"):
                near = abs(parsed(a[field]) - parsed(b[field])) < 10
                comparison.take(f"{what} {field}", near or a[field], True if near else b[field])
            elif field == "annotations":
                ours, theirs = a.get(field, {}), b.get(field, {})
                for name in sorted({*ours, *theirs}):
                    if "room" in a["labels"]:
                        comparison.take(f"{what} {name}", ours.get(name), theirs.get(name))
            else:
                comparison.take(f"{what} {field}", a.get(field), b.get(field))
    comparison.maps("told:", ours[0], theirs[0], one, MACHINE)
    times = [collections.Counter(key(alert["labels"]) for _, alert in told[name]) for name in ("rushlight", "prometheus")]
    for labels in {*times[0]} & {*times[1]}:
        a, b = (count[labels] for count in times)
        near = abs(a - b) <= 2 + max(a, b) / 5
        comparison.take(f"told so often: {labels}", near or a, True if near else b)
    for labels in {*ours[0]} & {*theirs[0]}:
        comparison.take(f"told of an end: {labels}", ours[1][labels] > 0, theirs[1][labels] > 0)
    print(f"told: rushlight {len(told['rushlight'])}, prometheus {len(told['prometheus'])} alerts")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rushlight", required=True)
    parser.add_argument("--data", help="a folder with rule files over a node_exporter and Prometheus")
    parser.add_argument("--work")
    parser.add_argument("--settle", type=float, default=12)
    parser.add_argument("--hold", type=float, default=0)
    arguments = parser.parse_args()
    work = arguments.work or tempfile.mkdtemp(prefix="rules-")
    node_files = [os.path.join(arguments.data, name) for name in NODE_RULES] if arguments.data else []
    beside = Beside(arguments.rushlight, work, [path for path in node_files if os.path.exists(path)])
    comparison = Comparison()
    try:
        def step(name, act):
            act()
            time.sleep(arguments.settle)
            compare_rules(comparison, name)
            compare_all_alerts(comparison, name)
            compare_series(comparison, name)
            print(f"{name}: {comparison.same} the same, {len(comparison.different)} different so far", flush=True)

        def show(page):
            beside.pages.page = page

        step("lit", beside.start_all)
        step("dark", lambda: show(DARK))
        step("lit again", lambda: show(LIT))
        beside.write(OTHER)
        step("other rules", beside.reload)
        step("killed", beside.kill_and_restart)
        compare_told(comparison, beside.receiver)
        time.sleep(arguments.hold)
    finally:
        beside.stop()
    for difference in comparison.different:
        print(difference)
    for why, count in comparison.known.items():
        print(f"known: {count} x {why}")
    print(f"{comparison.same} passed, {len(comparison.different)} failed, {sum(comparison.known.values())} known")
    if not arguments.work and not comparison.different:
        shutil.rmtree(work)
    else:
        print(f"logs and data: {work}")
    sys.exit(bool(comparison.different))


if __name__ == "__main__":
    main()
