#!/usr/bin/env python3
"""Unit tests of rules, made up at random, run by Debian's promtool and by Rushlight.

    tests/side_by_side/rule_tests.py --rushlight PATH [--count 300] [--seed 1] [--keep FOLDER]

Most expectations are empty, so that what comes out is printed and compared: exit code, standard output
and standard error, byte by byte. What 2.42 and 3.x do differently is left out: samples never lie on the
edge of a window, groups are always evaluated in an order that is asked for, and every test has an interval.
Only files in a temporary folder are written, and only processes started here are ended.
"""

import argparse
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile

INTERVALS = ["47s", "31s", "13s", "1m7s"]
# Five minutes are no multiple of any of them: samples of rules never lie on the edge either.
EVALUATIONS = ["70s", "35s", "110s"]


class Maker:
    def __init__(self, seed):
        self.dice = random.Random(seed)

    def one(self, *choices):
        return self.dice.choice(choices)

    def values(self):
        parts = []
        for _ in range(self.dice.randint(1, 6)):
            start, step, times = self.dice.randint(-5, 100), self.dice.randint(0, 9), self.dice.randint(0, 9)
            parts.append(self.one(
                f"{start}", f"{start}+{step}x{times}", f"{start}-{step}x{times}", f"{start}x{times}", "_", f"_x{times}",
                "stale", f"{start}.5", f"{start}e-2", "NaN", "Inf", "-Inf", f"0.1+0.3x{times}", f"-{step}.25x{times}"))
        return " ".join(parts)

    def series(self):
        names = self.dice.sample(["up", "requests", "errors", "temp"], self.dice.randint(1, 4))
        for name in names:
            for _ in range(self.dice.randint(1, 3)):
                labels = {label: self.one("a", "b", "c", "é \\\\ x", "") for label in self.dice.sample(["job", "instance", "path"], self.dice.randint(0, 2))}
                inside = ", ".join(f'{label}="{value}"' for label, value in labels.items())
                yield (name + "{" + inside + "}" if inside else name), self.values()

    def selector(self):
        return self.one("up", "requests", "errors", "temp", 'up{job="a"}', 'requests{job!="a"}', '{__name__=~"up|temp"}', "rec:one", "rec:two", "ALERTS", "ALERTS_FOR_STATE", 'ALERTS{alertstate="firing"}', "none")

    def expr(self, depth=2):
        if depth == 0:
            return self.selector()
        inner = self.expr(depth - 1)
        window = self.one("1m43s", "3m11s", "7m19s")
        return self.one(
            inner, inner, f"sum({inner})", f"sum by (job) ({inner})", f"max without (instance) ({inner})", f"count({inner})", f"avg by (path, job) ({inner})",
            f"{inner} > {self.dice.randint(-3, 50)}", f"{inner} == 0", f"{inner} * 2", f"{inner} > bool 3", f"abs({inner})", f"absent({inner})", "time()", "vector(1)", f"{self.dice.randint(0, 9)}",
            f"count_over_time({self.selector()}[{window}])", f"max_over_time({self.selector()}[{window}])", f"avg_over_time({self.selector()}[{window}])", f"changes({self.selector()}[{window}])", f"last_over_time({self.selector()}[{window}])",
            f"{inner} and on (job) {self.selector()}", f"{inner} or {self.selector()}", f"{inner} unless {self.selector()}", f"{self.selector()} offset {window}", f"sum_over_time(({self.selector()})[{window}:])",
            f"label_replace({inner}, \"x\", \"$1\", \"job\", \"(.*)\")", f"sort({inner})", f"topk(1, {inner})", f"scalar({inner})", f"-{self.selector()}", f"quantile(0.5, {inner})", f"requests / on (job) group_left up")

    def annotations(self):
        texts = ["{{ $labels.job }} is {{ $value }}", "{{ $value | humanize }} of {{ $labels.instance }}", "plain \"text\"\nof two lines", "{{ .Labels }}", "{{ $externalLabels.cluster }}", "{{ printf \"%.2f\" $value }}",
                 "{{ with query \"count(up)\" }}{{ . | first | value }}{{ end }}", "{{ if gt $value 10.0 }}high{{ else }}low{{ end }}", "{{ $labels.none }}", "{{ .Foo }}", "", "{{ humanizeDuration $value }}"]
        return {self.one("summary", "description", "link"): self.one(*texts) for _ in range(self.dice.randint(0, 2))}

    def rule(self):
        if self.dice.random() < 0.4:
            rule = {"record": self.one("rec:one", "rec:two", "rec:three"), "expr": self.expr()}
            if self.dice.random() < 0.4:
                rule["labels"] = {self.one("job", "severity"): self.one("a", "x", "")}
            return rule
        rule = {"alert": self.one("Low", "High", "Odd"), "expr": self.expr()}
        if self.dice.random() < 0.6:
            rule["for"] = self.one("1m", "2m", "90s", "5m", "0s")
        if self.dice.random() < 0.3:
            rule["keep_firing_for"] = self.one("1m", "3m", "7m")
        if self.dice.random() < 0.6:
            rule["labels"] = {self.one("severity", "job", "team"): self.one("page", "{{ $labels.job }}-{{ $value }}", "", "a b")}
        rule["annotations"] = self.annotations()
        return rule

    def rules(self):
        groups = []
        for i in range(self.dice.randint(1, 3)):
            group = {"name": f"g{i}", "rules": [self.rule() for _ in range(self.dice.randint(1, 4))]}
            if self.dice.random() < 0.2:
                group["limit"] = self.dice.randint(1, 4)
            if self.dice.random() < 0.2:
                group["interval"] = "10m"
            groups.append(group)
        return {"groups": groups}

    def test(self, number):
        test = {"interval": self.one(*INTERVALS), "input_series": [{"series": s, "values": v} for s, v in self.series()]}
        if self.dice.random() < 0.7:
            test["name"] = f"test {number}"
        if self.dice.random() < 0.3:
            test["external_labels"] = {"cluster": "c1"}
        times = ["0", "1m", "59s", "3m", "4m30s", "7m", "10m", "12m1s"]
        test["alert_rule_test"] = [
            {"eval_time": self.one(*times), "alertname": self.one("Low", "High", "Odd", "Missing"), **self.one({}, {"exp_alerts": []}, {"exp_alerts": [{"exp_labels": {"severity": "page", "job": "a"}}, {}]}, {"exp_alerts": [{"exp_annotations": {"summary": "x\ny"}}]})}
            for _ in range(self.dice.randint(0, 5))]
        test["promql_expr_test"] = [
            {"expr": self.one(self.expr(), self.selector(), self.selector(), "rec:one", "rec:two", "sum(", "\"text\"", "up[5m]"), "eval_time": self.one(*times), **self.one({}, {}, {"exp_samples": [{"labels": "up{job=\"a\"}", "value": self.one(0, 1.5, 1e300)}, {"value": 1}]}, {"exp_samples": [{"labels": "bad{"}]})}
            for _ in range(self.dice.randint(0, 5))]
        return test

    def file(self, name):
        test = {"rule_files": [f"{name}.rules.json"], "evaluation_interval": self.one(*EVALUATIONS), "tests": [self.test(i) for i in range(self.dice.randint(1, 3))]}
        test["group_eval_order"] = ["g0", "g1", "g2"]
        return test


def written(value):
    """JSON is YAML, but for characters that must be escaped otherwise."""
    import json
    return json.dumps(value, ensure_ascii=False, indent=1)


def run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "no answer in 60 s"
    out = f"exit {done.returncode}\n{done.stdout.decode('utf-8', 'replace')}{done.stderr.decode('utf-8', 'replace')}"
    # A value may be a histogram since; which two of many series are named is settled since.
    out = out.replace("Value float64", "Value interface {}")
    out = re.sub(r"(hand-side of the operation: )\[.*?\];", r"\1[...];", out)
    # Places of faults follow the name of a file at once.
    return re.sub(r"^(\S+\.json): (\d+:\d+: )", r"\1:\2", out, flags=re.M)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rushlight", required=True)
    parser.add_argument("--promtool", default="promtool")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="write the files to this folder and leave them there")
    asked = parser.parse_args()
    rushlight = os.path.abspath(asked.rushlight)
    equal, different, passed = 0, 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = os.path.abspath(asked.keep) if asked.keep else temporary
        os.makedirs(folder, exist_ok=True)

        def both(number):
            maker, name = Maker(number), f"t{number}"
            with open(os.path.join(folder, f"{name}.rules.json"), "w", encoding="utf-8") as file:
                file.write(written(maker.rules()))
            with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
                file.write(written(maker.file(name)))
            ask = ["test", "rules", f"{name}.json"]
            return number, run([rushlight, *ask], folder), run([asked.promtool, *ask], folder)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(both, range(asked.seed, asked.seed + asked.count)))
    for number, ours, theirs in results:
        passed += theirs.startswith("exit 0")
        if ours == theirs:
            equal += 1
            continue
        different += 1
        print(f"DIFFERENT seed {number}")
        ours, theirs = ours.splitlines(), theirs.splitlines()
        for line in [f"  ours:   {line}" for line in ours if line not in theirs][:4] + [f"  theirs: {line}" for line in theirs if line not in ours][:4]:
            print(line[:400])
    print(f"{equal} equal ({passed} of them pass), {different} different")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
