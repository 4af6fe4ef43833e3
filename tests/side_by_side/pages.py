"""Pages that move: recorded expositions, and series made up for the names that queries ask for.

A page is a list of `Series`; `render(step)` gives its text at one step, every sample with its time.
What a series does at a step depends on nothing but its labels and the step, so that two servers
which read the same steps store the same samples.
"""

import collections
import math
import os
import re
import zlib

LINE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"')
COUNTER = ("_total", "_count", "_sum", "_bucket")


class Series:
    """One line of a page."""

    def __init__(self, name, labels, value, kind):
        self.name, self.labels, self.value = name, labels, value
        inner = ",".join(f'{k}="{v}"' for k, v in labels)
        self.head = f"{name}{{{inner}}}" if inner else name
        # Buckets of one histogram move together, so that they stay monotonic.
        family = re.sub(r"_(bucket|count|sum)$", "", name) if kind == "histogram" else name
        same = [(k, v) for k, v in labels if k != "le"]
        self.hash = zlib.crc32(repr((family, same)).encode())
        self.counter = kind in ("counter", "histogram") or (kind == "" and name.endswith(COUNTER))

    def at(self, step):
        """The value at a step, or None when the series is away."""
        seed = self.hash
        if seed % 23 == 0 and 60 <= step < 100 or seed % 29 == 1 and step < 150:
            return None
        if seed % 31 == 2 and step % 7 == 3:
            return None
        # Holes in what falls back are another matter in 2.42, see `queries.known`.
        away = seed % 23 == 0 or seed % 29 == 1 or seed % 31 == 2
        if self.counter:
            rate = abs(self.value or 1 + seed % 9) * (1 + seed % 3) / 64
            since = step - 80 if seed % 11 == 3 and step >= 80 and not away else step
            # A start far from zero: 2.42 and 3.x cut at zero before and after they look for holes.
            begin = self.value + rate * 300 if since == step else 0.0
            return begin + rate * (since // 8 if seed % 5 == 4 else since)
        if seed % 37 == 5 and step % 41 > 35:
            return math.nan
        if seed % 43 == 6 and step % 50 > 46:
            return math.inf if seed % 2 else -math.inf
        if seed % 3 == 0 or away:
            return self.value
        return self.value + (abs(self.value) + seed % 2) * math.sin(step / 9 + seed % 7) / 4


def render(series, step, t_ms):
    lines = []
    for one in series:
        value = one.at(step)
        if value is not None:
            text = "NaN" if math.isnan(value) else "+Inf" if value == math.inf else "-Inf" if value == -math.inf else repr(value)
            lines.append(f"{one.head} {text} {t_ms}\n")
    return "".join(lines)


def normal(labels):
    """`le` and `quantile` as 3.x stores them: 2.42 keeps what it reads."""
    out = []
    for key, value in labels:
        if key in ("le", "quantile"):
            try:
                number = float(value)
            except ValueError:
                number = None
            if number is not None and math.isfinite(number) and 1e-4 <= abs(number) < 1e16 or number == 0:
                value = repr(number)
            elif number == math.inf:
                value = "+Inf"
        out.append((key, value))
    return out


def recorded(path):
    """The series of a recorded page, each once."""
    kinds, series, seen = {}, [], set()
    for line in open(path, encoding="utf-8", errors="replace"):
        if line.startswith("#"):
            words = line.split()
            if len(words) >= 4 and words[1] == "TYPE":
                kinds[words[2]] = words[3]
            continue
        match = LINE.match(line)
        if not match:
            continue
        name, inner, text = match.groups()
        labels = normal(LABEL.findall(inner or ""))
        names = [k for k, _ in labels]
        try:
            value = float(text)
        except ValueError:
            continue
        key = (name, tuple(sorted(labels)))
        if key in seen or len(set(names)) != len(names):
            continue
        seen.add(key)
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        kind = kinds.get(name) or ("histogram" if kinds.get(base) in ("histogram", "summary") else "")
        series.append(Series(name, labels, value, "counter" if kind == "summary" else kind))
    return series


WORDS = set("by without on ignoring group_left group_right and or unless bool offset atan2 inf nan "
            "sum min max avg group stddev stdvar count count_values bottomk topk quantile start end".split())


def invented(queries, known):
    """Series for names that queries ask for and no page has, with the labels they ask for."""
    wants = collections.defaultdict(lambda: collections.defaultdict(set))
    for query in queries:
        groupings = re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)", query)
        shared = {word for text in groupings for word in re.findall(r"\w+", text)}
        plain = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", " ", query)
        for match in re.finditer(r'"(?:[^"\\]|\\.)*"|([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\(|\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?', plain):
            name, after = match.group(1), match.group(2) or ""
            before = plain[: match.start()].rstrip()
            if not name or name.lower() in WORDS or after == "(" or name in known or before[-1:].isdigit() or before.endswith("["):
                continue
            labels = wants[name]
            for key in shared:
                labels[key]
            for key, sign, value in re.findall(r'(\w+)\s*(=~|!=|!~|=)\s*"((?:[^"\\]|\\.)*)"', after):
                if sign == "=" and value not in ("v1", "") and "\\" not in value:
                    labels[key].add(value)
                elif sign == "=~":
                    labels[key].update(v for v in value.strip("^$()").split("|") if re.fullmatch(r"[\w./:-]+", v))
                else:
                    labels[key]
    series = []
    for name, labels in sorted(wants.items()):
        labels.pop("__name__", None)
        is_bucket = name.endswith("_bucket") or "le" in labels
        labels.pop("le", None)
        for i in range(4):
            pairs = []
            for j, (key, values) in enumerate(sorted(labels.items())):
                options = sorted(values) + ["x1", "x2"][: max(1, 3 - len(values))]
                pairs.append((key, options[(i // (1 + j % 2)) % len(options)]))
            if i and pairs == series[-1].labels[: len(pairs)]:
                pairs.append(("copy", str(i)))
            base = zlib.crc32(name.encode()) % 1000 / 10 + i
            if is_bucket:
                for n, le in enumerate(("0.1", "0.5", "1.0", "5.0", "+Inf")):
                    series.append(Series(name, pairs + [("le", le)], base * (n + 1), "histogram"))
            else:
                series.append(Series(name, pairs, base, ""))
    unique = {s.head: s for s in series}
    return list(unique.values())


def all_pages(data, queries):
    """Name of the page -> its series."""
    folder = os.path.join(data, "exposition")
    pages = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".prom") and not file.startswith("expfmt-fuzz-bad"):
            series = recorded(os.path.join(folder, file))
            if series:
                pages[file[:-5]] = series
    known = {s.name for series in pages.values() for s in series}
    pages["invented"] = invented(queries, known)
    return pages
