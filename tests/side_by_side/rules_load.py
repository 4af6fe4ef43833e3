#!/usr/bin/env python3
"""Many rules over many series: what they cost, and whether they are in time.

    rules_load.py --farm FARM SERVER [SERVER ...] [--rules 2000] [--groups 50] [--targets 100] [--series 2000]
                  [--interval 15] [--warm 180] [--seconds 240] [--rounds 1] [--only-rules] [--json FILE]

A SERVER is a `prometheus` or a `rushlight`. FARM is a program that serves pages as cAdvisor, the DCGM
exporter, vLLM and the node exporter write them: `FARM serve --listen ADDRESS --targets N --series N`
answers `/t/0/metrics` and so on. Each server runs alone with the farm, first with the rules and then
without, in turns; after the warm-up it is watched for some time. The rules of a group are about one
rack of the farm but for one in ten, which are about all of it.

Every group records its own evaluation time first. So its schedule is known from what is stored, an
evaluation that is missing is seen, and the delay of one is told by when the server says it began.
`visible` is from the time on the schedule until the last rule of the group was done.
Exits 1 when an evaluation was missed or a rule failed. Only loopback is used; only processes started
here are ended.
"""

import argparse
import calendar
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

FARM_PORT, PORT = 29400, 29490
TICKS = os.sysconf("SC_CLK_TCK")
MARK = "rules_load:evaluated_at:seconds"


# In these `$S` selects the rack of a group, `$R` what the group itself has recorded, `$G` is its name, and
# `$H` the widest query of all or a narrower one.
RULES = json.load(open(os.path.join(os.path.dirname(__file__), "../../fixtures/rules/load.json")))
WIDE = ("histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
        "sum by (rack) (rate(vllm:time_to_first_token_seconds_count[5m]))")


def groups(options):
    """Rules are those of `RULES` in turn; more of them than there are get names of their own."""
    racks = max(1, options.targets // 2)
    for number in range(options.groups):
        name, rack = f"g{number:02}", f"r{number % racks:02}"
        # The widest rule of all stands in every fifth group.
        texts = {"$S": f'rack="{rack}"', "$R": f'group="{name}"', "$G": name, "$H": WIDE[number % 5 > 0]}
        rules, many = [], options.rules // options.groups + (number < options.rules % options.groups)
        for i in range(many):
            rule = json.loads(filled(json.dumps(RULES[i % len(RULES)]), texts))
            if turn := i // len(RULES):
                key = "record" if "record" in rule else "alert"
                rule[key] += f"_{turn}"
            rules.append(rule)
        yield {"name": name, "interval": f"{options.interval}s", "rules": rules}


def filled(text, texts):
    for mark, value in texts.items():
        text = text.replace(mark, json.dumps(value)[1:-1])
    return text


def configure(folder, options, with_rules):
    """Configuration and rule files; JSON is YAML."""
    files = []
    if with_rules:
        every = list(groups(options))
        for i in range(0, len(every), 10):
            files.append(f"{folder}/rules-{i // 10}.json")
            with open(files[-1], "w") as file:
                json.dump({"groups": every[i:i + 10]}, file)
    scrape = {"job_name": "farm", "static_configs": [
        {"targets": [f"127.0.0.1:{FARM_PORT}"],
         "labels": {"instance": f"node-{i:03}", "rack": f"r{i // 2:02}", "__metrics_path__": f"/t/{i}/metrics"}}
        for i in range(options.targets)]}
    interval = f"{options.interval}s"
    with open(f"{folder}/server.yml", "w") as file:
        json.dump({"global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
                   "rule_files": files, "scrape_configs": [scrape]}, file)


def ask(path, **params):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}?{urllib.parse.urlencode(params)}", timeout=60) as answer:
        return answer.read()


def data(path, **params):
    return json.loads(ask(path, **params))["data"]


def number(query):
    result = data("/api/v1/query", query=query)["result"]
    return float(result[0]["value"][1]) if result else 0.0


def cpu_seconds(pid):
    """User and system time of a process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def busy_seconds():
    """Time of all cores that was not idle."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def memory(pid):
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {key: int(lines[name].split()[0]) / 1024 for key, name in (("rss_mib", "VmRSS"), ("rss_peak_mib", "VmHWM"))}


def missed():
    """What the server itself counts, by all groups."""
    lines = ask("/metrics").decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("prometheus_rule_group_iterations_missed_total"))


def wait_ready(process, log):
    deadline = time.time() + 120
    while time.time() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"the server ended:\n{open(log, errors='replace').read()[-2000:]}")
        try:
            ask("/-/ready")
            return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise SystemExit("the server is not ready")


def unix(text):
    """Seconds of RFC 3339 with any number of decimals."""
    whole, offset = (text[:-1], 0) if text.endswith("Z") else (text[:-6], int(text[-6:-3]) * 3600 + int(text[-6] + text[-2:]) * 60)
    head, _, fraction = whole.partition(".")
    return calendar.timegm(time.strptime(head, "%Y-%m-%dT%H:%M:%S")) - offset + float(f"0.{fraction or 0}")


class Watch:
    """Evaluations as the server tells of them; asked twice an interval, so that none is overlooked."""

    def __init__(self, interval):
        self.interval, self.seen, self.errors = interval, collections.defaultdict(dict), {}

    def until(self, end):
        while (now := time.time()) < end:
            for group in data("/api/v1/rules", type="record")["groups"]:
                if not group["lastEvaluation"].startswith("0001"):
                    self.seen[group["name"]][group["lastEvaluation"]] = group["evaluationTime"]
            time.sleep(max(0.0, min(end, now + self.interval / 2.2) - time.time()))

    def failures(self):
        for group in data("/api/v1/rules")["groups"]:
            for rule in group["rules"]:
                if rule["health"] == "err":
                    self.errors[f"{group['name']} {rule['name']}"] = rule["lastError"]
        return self.errors


def share(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def timeliness(watch, begin, end, interval):
    """Durations and delays of the evaluations that began in between, and how many are not stored."""
    took, late, visible, absent = [], [], [], 0
    stored = data("/api/v1/query", query=f"{MARK}[{int(end - begin + 3 * interval)}s]", time=f"{end + interval:.3f}")["result"]
    slots = {series["metric"]["group"]: [float(t) for t, _ in series["values"]] for series in stored}
    for group, times in slots.items():
        phase = times[0] % interval
        first = begin - (begin - phase) % interval + interval
        due = int((end - first) // interval) + 1
        absent += due - sum(begin < t <= end for t in times)
        for began, seconds in watch.seen[group].items():
            began = unix(began)
            # The clocks of the schedule and of the report may differ in rounding.
            delay = (began - phase + 0.005) % interval - 0.005
            if begin < began - delay <= end:
                took.append(seconds)
                late.append(max(0.0, delay))
                visible.append(max(0.0, delay) + seconds)
    return {"evaluations": len(took), "not_stored": absent, "groups": len(slots),
            **{f"{name}_{word}": share(values, part) for name, values in (("took", took), ("late", late), ("visible", visible))
               for word, part in (("p50", 0.5), ("p99", 0.99), ("max", 1))}}


def run(server, options, with_rules):
    folder = tempfile.mkdtemp(prefix="rules-load-", dir=options.work)
    configure(folder, options, with_rules)
    log = f"{folder}/server.log"
    farm = subprocess.Popen([options.farm, "serve", "--listen", f"127.0.0.1:{FARM_PORT}", "--targets", str(options.targets),
                             "--series", str(options.series)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = subprocess.Popen([os.path.abspath(server), f"--config.file={folder}/server.yml", f"--storage.tsdb.path={folder}/data",
                                f"--web.listen-address=127.0.0.1:{PORT}"], stdout=open(log, "wb"), stderr=subprocess.STDOUT, cwd=folder)
    try:
        wait_ready(process, log)
        watch = Watch(options.interval)
        watch.until(time.time() + options.warm)
        watch.seen.clear()
        before, begin = (cpu_seconds(process.pid), cpu_seconds(farm.pid), busy_seconds(), missed()), time.time()
        watch.until(begin + options.seconds)
        end = time.time()
        after = (cpu_seconds(process.pid), cpu_seconds(farm.pid), busy_seconds(), missed())
        spent = [b - a for a, b in zip(before, after)]
        figures = {"seconds": end - begin, "cpu": spent[0], "farm_cpu": spent[1], "others_cpu": spent[2] - spent[0] - spent[1],
                   "missed": spent[3], **memory(process.pid)}
        # Evaluations of the last interval may still be under way.
        time.sleep(options.interval)
        figures["up"] = number("sum(up)")
        figures["series"] = data("/api/v1/status/tsdb")["headStats"]["numSeries"]
        if with_rules:
            figures |= timeliness(watch, begin, end - options.interval, options.interval)
            figures["recorded"] = number('count({group=~".+",__name__!~"ALERTS.*"})')
            figures["alerts"] = number("count(ALERTS)")
            figures["errors"] = watch.failures()
        return figures
    finally:
        for child in (process, farm):
            child.terminate()
        for child in (process, farm):
            child.wait(120)
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def show(name, options, rules, bare):
    times = " ".join(f"{word} {rules[f'{word}_p50'] * 1e3:.1f}/{rules[f'{word}_p99'] * 1e3:.1f}/{rules[f'{word}_max'] * 1e3:.1f}"
                     for word in ("took", "late", "visible"))
    per = options.interval / rules["seconds"]
    print(f"{name}: {rules['groups']} groups, {rules['evaluations']} evaluations, missed {rules['missed']:.0f} by its own count, "
          f"{rules['not_stored']} not stored, {len(rules['errors'])} rules failed")
    print(f"  ms p50/p99/max: {times}")
    print(f"  {rules['up']:.0f} targets up, {rules['series']} series, {rules['recorded']:.0f} recorded, {rules['alerts']:.0f} alerts; "
          f"RSS {rules['rss_mib']:.0f} MiB, peak {rules['rss_peak_mib']:.0f} MiB")
    print(f"  CPU s per interval: {rules['cpu'] * per:.3f}; farm {rules['farm_cpu'] * per:.3f}, rest of the machine {rules['others_cpu'] * per:.3f}")
    if bare:
        bare_cpu = bare["cpu"] * options.interval / bare["seconds"]
        print(f"  without rules: {bare_cpu:.3f}, RSS {bare['rss_mib']:.0f} MiB, rest of the machine "
              f"{bare['others_cpu'] * options.interval / bare['seconds']:.3f}; the rules alone: {rules['cpu'] * per - bare_cpu:.3f}")
    for rule, error in list(rules["errors"].items())[:5]:
        print(f"  {rule}: {error}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="+", metavar="SERVER")
    parser.add_argument("--farm", required=True)
    for name, default in (("rules", 2000), ("groups", 50), ("targets", 100), ("series", 2000), ("interval", 15),
                          ("warm", 180), ("seconds", 240), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only-rules", action="store_true", help="no runs without rules")
    parser.add_argument("--json", help="all figures, as JSON")
    parser.add_argument("--work", help="folder for the databases")
    parser.add_argument("--keep", action="store_true", help="leave them")
    options = parser.parse_args()
    # What was started is ended in any case.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    everything, good = [], True
    for _ in range(options.rounds):
        for server in options.servers:
            rules = run(server, options, True)
            bare = None if options.only_rules else run(server, options, False)
            show(server, options, rules, bare)
            everything.append({"server": server, "rules": rules, "bare": bare})
            good &= not rules["missed"] and not rules["not_stored"] and not rules["errors"]
    if options.json:
        with open(options.json, "w") as file:
            json.dump(everything, file, indent=1)
    sys.exit(not good)


if __name__ == "__main__":
    main()
