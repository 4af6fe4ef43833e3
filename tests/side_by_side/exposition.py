#!/usr/bin/env python3
"""Debian's Prometheus and Rushlight scrape the same pages and must have stored the same of them.

    tests/side_by_side/exposition.py --rushlight PATH [--folder DIR]...       recorded pages, labels, messages
    tests/side_by_side/exposition.py --rushlight PATH --mutate 2000 [--openmetrics] [--seed N]

Compared are, scrape by scrape, every series with its value, samples with times of their own with their
times, the report series, and what an instant query tells afterwards (so staleness too). Recorded pages
are served as they are, and with their explicit timestamps moved near now; then pages for relabeling,
and delimited protobuf with native histograms, with a `kill -9` of Rushlight in between.
What 3.x does otherwise than Debian's 2.42 is explained by a rule (see `RULES`); the rest fails.
Only loopback is used; only processes started here are ended.
"""

import argparse
import collections
import os
import random
import re
import shutil
import sys
import tempfile
import time

import beside
import messages
import mutations
import relabeling
from beside import OPENMETRICS, REPORT, TEXT, Page

WARM = b"warm 1\n"
ADDED = "scrape_series_added"


def quoted_names(body, theirs, _):
    """3.x reads quoted names of metrics and labels."""
    return theirs == "0" and re.search(rb'[{,]\s*"', body) is not None


def leading_blanks(body, theirs, _):
    """2.42 takes blanks before a name into the name, which then is none."""
    return theirs == "0" and re.search(rb"(?m)^[ \t]+[a-zA-Z_:]", body) is not None


def nul(body, _, ours):
    """2.42 takes a NUL before a line for the end of the page and passes over it after a label's value;
    ours refuses it there, lest samples vanish."""
    return ours == "0" and b"\0" in body


def exemplar_anywhere(body, theirs, _):
    """2.42 takes exemplars for counters and buckets only, and without labels or with a comma at their end not at all."""
    return theirs == "0" and b" # {" in body


def nothing(body, theirs, ours):
    """A body of no bytes is a good page of no samples in 3.x, to 2.42 it lacks the end of OpenMetrics."""
    return theirs == "0" and ours == "1" and body == b""


RULES = [exemplar_anywhere, nothing, quoted_names, leading_blanks, nul]


def number(text):
    """A number of `le` or `quantile` in the one form of OpenMetrics."""
    try:
        return repr(float(text)).replace("inf", "Inf")
    except ValueError:
        return text


def normal(series):
    """Series with `le` and `quantile` as 3.x normalises them; 2.42 keeps what it reads. Names that become
    one have all their values."""
    out = collections.defaultdict(list)
    for labels, values in series.items():
        key = frozenset((k, number(v) if k in ("le", "quantile") else v) for k, v in labels)
        out[key].extend(values if isinstance(values, list) else [values])
    return out


def differing(theirs, ours):
    """(series that only one has or with other values, number of values compared)"""
    theirs, ours = normal(theirs), normal(ours)
    found = []
    for key in theirs.keys() | ours.keys():
        a, b = theirs.get(key, []), ours.get(key, [])
        # Two spellings of one bucket are one series in 3.x, the first is kept.
        if sorted(a) != sorted(b) and not (len(a) != len(b) and a and b and (b[0] in a or a[0] in b)):
            found.append((dict(key), a, b))
    return found, sum(map(len, ours.values()))


class Count:
    def __init__(self):
        self.pages = self.scrapes = self.refused = self.samples = 0
        self.errors, self.restarted = {}, False
        self.explained, self.failures = collections.Counter(), []

    def fail(self, page, step, what, theirs, ours):
        self.failures.append((page, step, what, theirs, ours))


def compare(page, theirs, ours, source, interval, count):
    """One page under both."""
    count.pages += 1
    (a, a_own), (b, b_own) = theirs.scrapes(), ours.scrapes()
    steps = min(len(theirs.up), len(ours.up))
    served = [[source.step_at(name, page, stored.up[i][0]) for i in range(steps)] for name, stored in zip(beside.NAMES, (theirs, ours))]
    if steps < len(page.bodies):
        return count.fail(page, 0, "scrapes", len(theirs.up), len(ours.up))
    steps = next((i for i in range(steps) if not served[0][i] == served[1][i] == i), steps)
    if steps < len(page.bodies):
        count.explained["not served in step"] += 1
        return None
    all_alike = all_good = True
    for step in range(steps):
        body = page.bodies[min(step, len(page.bodies) - 1)]
        count.scrapes += 1
        up = theirs.up[step][1], ours.up[step][1]
        count.refused += up == ("0", "0")
        if any(float(one.report["scrape_duration_seconds"][step]) > 0.9 * interval for one in (theirs, ours)):
            count.explained["timed out"] += 1
            all_alike = all_good = False
            continue
        # 2.42 remembers texts, not series, those of refused pages too: one series in two forms counts twice.
        all_good &= up == ("1", "1") and not page.damaged and not page.job.startswith(("labels-ruled", "labels-merged"))
        found, compared = differing(a[step], b[step])
        count.samples += compared
        if up[0] != up[1]:
            found = [("up", *up)]
        reports = [(name, theirs.report[name][step], ours.report[name][step]) for name in REPORT]
        found += [one for one in reports if one[1] != one[2] and up[0] == up[1] and (one[0] != ADDED or all_alike and all_good and not count.restarted)]
        if not found:
            continue
        why = next((rule for rule in RULES if rule(body, *up)), None)
        all_alike &= up[0] == up[1] and not why
        if why:
            count.explained[why.__name__] += 1
        for what, x, y in found if not why else []:
            count.fail(page, step, what, x, y)
    if all_alike:
        refused = theirs.up[steps - 1][1] == "0"
        for what, x, y in differing(a_own, b_own)[0] + differing(theirs.now, ours.now)[0]:
            if refused and x and not y:
                # When several pages in a row break off, 2.42 does not end what stood before the break.
                count.explained["kept alive by a refused page"] += 1
            else:
                count.fail(page, len(page.bodies) - 1, what, x, y)
        count.samples += sum(map(len, b_own.values()))


def recorded(folders, now_ms):
    """Pages as they are, and near now when they have timestamps."""
    for folder in folders:
        for file in sorted(os.listdir(folder)):
            if not file.endswith((".prom", ".om")):
                continue
            body, is_om = open(os.path.join(folder, file), "rb").read(), file.endswith(".om")
            content_type = OPENMETRICS if is_om else TEXT
            first = WARM + (b"# EOF\n" if is_om else b"")
            yield Page(file, [first, body], content_type)
            moved = mutations.near_now(body, now_ms, is_om)
            if moved != body:
                yield Page(f"{file} near now", [first, moved], content_type)


def mutated(args, folders, now_ms):
    chance = random.Random(args.seed)
    end = ".om" if args.openmetrics else ".prom"
    sources = [open(os.path.join(folder, file), "rb").read() for folder in folders for file in sorted(os.listdir(folder)) if file.endswith(end)]
    mutator = mutations.Mutator(chance, sources, now_ms, args.openmetrics)
    first = WARM + (b"# EOF\n" if args.openmetrics else b"")
    for i in range(args.mutate):
        bodies = [mutator.page() for _ in range(args.bodies)]
        yield Page(f"m{i}", [first, *bodies], OPENMETRICS if args.openmetrics else TEXT, damaged=True)


def run(args, work, pages, jobs, interval, now_ms):
    """Serves the pages until both have read all, and compares."""
    source = beside.Source(pages)
    servers = beside.Beside(args.rushlight, work, pages, jobs, interval)
    count = Count()
    try:
        deadline = time.time() + 60 + interval * 3 * max(len(page.bodies) for page in pages)
        while missing := source.missing():
            if time.time() > deadline:
                raise SystemExit(f"not read in time: {missing[:5]} and others, {len(missing)} in all, see {work}")
            time.sleep(0.5)
        time.sleep(2)
        look(source, pages, jobs, interval, count)
        ask_for_messages(jobs, now_ms, count)
        if "messages" in jobs or args.kill:
            time.sleep(2)
            servers.kill_and_restart("rushlight")
            count.restarted = True
            print("after kill -9 of Rushlight:", flush=True)
            look(source, pages, jobs, interval, count)
            ask_for_messages(jobs, now_ms, count)
    finally:
        servers.stop()
    return count


def ask_for_messages(jobs, now_ms, count):
    if "messages" not in jobs:
        return
    asked, compared, found = messages.compare(lambda text, at: [beside.query(name, text, at) for name in beside.NAMES], now_ms)
    print(f"messages: {asked} queries, {compared} series, {len(found)} differences", flush=True)
    for text, at, *difference in found:
        count.fail(f"{text} at {at:.3f}", 0, *difference)


def look(source, pages, jobs, interval, count):
    count.errors = {name: beside.errors(name) for name in beside.NAMES}
    for job in jobs:
        before = count.pages, count.scrapes, count.refused, count.samples, len(count.failures)
        at = time.time() - 1
        theirs, ours = (beside.stored(name, job, at) for name in beside.NAMES)
        for page in pages:
            if page.job == job:
                compare(page, theirs[page.name], ours[page.name], source, interval, count)
        after = count.pages, count.scrapes, count.refused, count.samples, len(count.failures)
        print("{}: {} pages, {} scrapes ({} refused by both), {} samples, {} differences".format(
            job, *(b - a for a, b in zip(before, after))), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rushlight", required=True)
    parser.add_argument("--folder", action="append")
    parser.add_argument("--mutate", type=int, default=0, metavar="PAGES", help="that many targets with damaged pages")
    parser.add_argument("--bodies", type=int, default=4, help="damaged bodies a target")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--openmetrics", action="store_true")
    parser.add_argument("--interval", type=int)
    parser.add_argument("--kill", action="store_true", help="kill -9 Rushlight and compare once more")
    parser.add_argument("--show", type=int, default=20, help="differences to print")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    args = parser.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.join(here, "..", "..")
    folders = args.folder or [os.path.join(os.environ.get("DATA_DIR", os.path.join(root, "../shared/data")), "exposition"),
                              os.path.join(root, "fixtures/exposition")]
    now_ms = int(time.time() * 1000)
    work = tempfile.mkdtemp(prefix="side-by-side-")
    if args.mutate:
        print("seed", args.seed, flush=True)
        pages, jobs = list(mutated(args, folders, now_ms)), {"pages": ({}, {})}
        interval = args.interval or max(2, args.mutate // 150)
    else:
        pages = [*recorded(folders, now_ms), *relabeling.pages(now_ms), *messages.pages(now_ms)]
        jobs = {"pages": ({}, {}), **relabeling.jobs(), **messages.jobs()}
        interval = args.interval or 5
    try:
        count = run(args, work, pages, jobs, interval, now_ms)
    finally:
        if args.keep:
            print("kept:", work)
        else:
            shutil.rmtree(work, ignore_errors=True)
    shown = collections.Counter()
    for page, step, what, theirs, ours in count.failures:
        shown[page, step] += 1
        if len(shown) <= args.show and shown[page, step] <= 3:
            name = page.name if isinstance(page, Page) else page
            body = page.bodies[min(step, len(page.bodies) - 1)] if isinstance(page, Page) else b""
            print(f"  {name} scrape {step}: {what}\n    2.42 {theirs}\n    ours {ours}"[:1500])
            if what == "up" and step >= len(page.bodies) - 1:
                print("    now", [count.errors[one].get((page.job, page.name)) for one in beside.NAMES])
            if args.mutate:
                print("    page", body[:1500])
    print(f"{count.pages} pages, {count.scrapes} scrapes ({count.refused} refused by both), {count.samples} samples, "
          f"{len(count.failures)} differences unexplained; explained: {dict(count.explained)}")
    return 1 if count.failures else 0


if __name__ == "__main__":
    sys.exit(main())
