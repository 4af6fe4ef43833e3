#!/usr/bin/env python3
"""Templates of alerts, filled in by Debian's promtool and by Rushlight, and compared byte by byte.

    tests/side_by_side/templates.py --rushlight PATH [--only TEXT] [--all]

Each template is the annotation of an alert in a rule file of its own. A unit test of rules expects
another text, so that `test rules` prints the one that came out, or why the template was refused. Texts
are in `template_texts.py`; those that 2.42 does not know yet have an expectation of their own there.
Nothing but files in a temporary folder is written, and only processes started here are ended.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

import template_texts

RULES = """groups:
- name: g
  rules:
  - alert: T
    expr: {expr}
    annotations:
      t: {template}
"""
TEST = """rule_files: [{name}.rules.yml]
tests:
- interval: 1m
  input_series:
{series}
  external_url: http://host.example.org:9090/prefix/
  external_labels: {{cluster: c1, "zone": "<z>"}}
  alert_rule_test:
  - {{eval_time: 10m, alertname: T, exp_alerts: [{{exp_labels: {{never: 'true'}}}}]}}
"""


def quoted(text):
    """As a YAML text between double quotes."""
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif " " <= char <= "~":
            out.append(char)
        else:
            out.append(f"\\U{ord(char):08x}")
    return '"' + "".join(out) + '"'


def write(folder, name, expr, template):
    series = "\n".join(f"  - {{series: {quoted(s)}, values: {quoted(v)}}}" for s, v in template_texts.SERIES)
    with open(os.path.join(folder, name + ".rules.yml"), "w", encoding="utf-8") as file:
        file.write(RULES.format(expr=quoted(expr), template=quoted(template)))
    with open(os.path.join(folder, name + ".yml"), "w", encoding="utf-8") as file:
        file.write(TEST.format(name=name, series=series))


def run(command, folder):
    """The text of the annotation, or why there is none."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "no answer in 20 s"
    out = done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    got = re.search(r'\n *got:\[.*?Annotations:\{t="(.*)"\}\n', out, re.S)
    if got:
        return "is: " + got.group(1)
    if "got:[]" in out:
        return "no alert"
    for word in ("panic:", "fatal error:"):
        if word in out:
            return out[out.index(word):][:200]
    refused = re.search(r"template: __alert_T:(.*)", out)
    if refused:
        return "refused: " + refused.group(1).strip()
    return "other: " + " ".join(out.split())[:300]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rushlight", required=True)
    parser.add_argument("--promtool", default="promtool")
    parser.add_argument("--only", default="", help="templates that contain this text")
    parser.add_argument("--all", action="store_true", help="print what is equal as well")
    asked = parser.parse_args()
    rushlight = os.path.abspath(asked.rushlight)
    cases = [(expr, text, newer) for expr, text, newer in template_texts.cases() if asked.only in text]
    equal = different = newer_good = newer_bad = known = 0
    with tempfile.TemporaryDirectory() as folder:
        def both(item):
            number, (expr, text, newer) = item
            name = f"t{number}"
            write(folder, name, expr, text)
            ours = run([rushlight, "test", "rules", name + ".yml"], folder)
            theirs = newer if newer is not None else run([asked.promtool, "test", "rules", name + ".yml"], folder)
            return expr, text, newer, ours, theirs

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = list(pool.map(both, enumerate(cases)))
    for expr, text, newer, ours, theirs in results:
        # A value may be a histogram since.
        same = ours == theirs.replace("Value float64", "Value interface {}")
        reason = "an address of memory" if "0xc0" in theirs else template_texts.KNOWN.get(text)
        if expr == "vector(1e21)" and "humanizeDuration" in text:
            reason = "an overflow"
        if reason and not same:
            known += 1
            if asked.all:
                print(f"known {text!r}: {reason}\n  ours:   {ours}\n  theirs: {theirs}")
            continue
        if newer is not None:
            newer_good, newer_bad = newer_good + same, newer_bad + (not same)
        else:
            equal, different = equal + same, different + (not same)
        if not same or asked.all:
            print(f"{'same' if same else 'DIFFERENT'} {expr}: {text!r}\n  ours:   {ours}\n  theirs: {theirs}")
    print(f"{equal} equal, {known} different for a known reason, {different} different; newer than 2.42: {newer_good} as expected, {newer_bad} not")
    return 1 if different or newer_bad else 0


if __name__ == "__main__":
    sys.exit(main())
