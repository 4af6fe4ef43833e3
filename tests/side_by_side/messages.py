"""Delimited protobuf with native histograms, written here byte by byte, and queries for them.

Every page moves over `STEPS` scrapes; its samples have times of their own, 15 s apart and beside the
times that are asked for. Histograms begin far from zero: 2.42 and 3.x look differently at a counter that
may have been zero in the window.
"""

import json
import math
import struct

from beside import PROTOBUF, Page

STEPS = 24
STEP_MS = 15000
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)


def varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def signed(number):
    return varint(number << 1 ^ number >> 63)


def integer(tag, number):
    return varint(tag << 3) + varint(number)


def sint(tag, number):
    return varint(tag << 3) + signed(number)


def double(tag, number):
    return varint(tag << 3 | 1) + struct.pack("<d", number)


def message(tag, *parts):
    body = b"".join(parts)
    return varint(tag << 3 | 2) + varint(len(body)) + body


def text(tag, word):
    return message(tag, word.encode())


def family(name, kind, metrics):
    body = text(1, name) + text(2, "Help of " + name) + integer(3, kind) + b"".join(metrics)
    return varint(len(body)) + body


def metric(labels, tag, t_ms, *parts):
    pairs = b"".join(message(1, text(1, k), text(2, v)) for k, v in labels.items())
    return message(4, pairs, message(tag, *parts), integer(6, t_ms) if t_ms else b"")


def spans(buckets):
    """Spans (offset, length) of a map from index to count, and the counts in order."""
    out, last = [], None
    for index in sorted(buckets):
        if last is not None and index == last + 1:
            out[-1][1] += 1
        else:
            out.append([index if last is None else index - last - 1, 1])
        last = index
    return out, [buckets[index] for index in sorted(buckets)]


def native(schema, threshold, zero, positive, negative, total, packed=True, as_float=False, classic=()):
    parts = [double(4, zero + sum(positive.values()) + sum(negative.values())) if as_float else
             integer(1, zero + sum(positive.values()) + sum(negative.values())),
             double(2, total), sint(5, schema), double(6, threshold), double(8, zero) if as_float else integer(7, zero)]
    for buckets, span_tag, delta_tag, count_tag in ((negative, 9, 10, 11), (positive, 12, 13, 14)):
        layout, counts = spans(buckets)
        parts += [message(span_tag, sint(1, offset), integer(2, length)) for offset, length in layout]
        if as_float:
            parts += [double(count_tag, count) for count in counts]
            continue
        deltas = [b - a for a, b in zip([0, *counts], counts)]
        if packed and deltas:
            parts.append(message(delta_tag, *map(signed, deltas)))
        else:
            parts += [sint(delta_tag, delta) for delta in deltas]
    if not layout and not zero and not negative:
        parts.append(message(12, sint(1, 0), integer(2, 0)))
    return parts + [message(3, integer(1, count), double(2, bound)) for bound, count in classic]


def histogram_at(step, way):
    """The parts of a histogram at a step, by what it does over time."""
    grown = step - 14 if way == "reset" and step >= 14 else step
    base = 1000 if grown == step else 3
    positive = {i: base + grown * (3 + i % 4) for i in range(-3, 6) if i != 2}
    negative = {}
    schema, threshold, zero = 2, 1e-6, base // 2 + grown
    if way == "layout":
        positive.update({8 + i: base + grown for i in range(step // 4)})
    if way == "schema":
        schema = 3 if step < 8 else 1 if step < 16 else 2
    if way == "threshold":
        threshold = 1e-6 if step < 10 else 1e-3
    if way == "negative":
        negative = {i: base // 2 + grown * (2 + i) for i in (0, 1, 4)}
    if way == "gauge":
        positive = {i: int(500 + 400 * math.sin(step / 3 + i)) for i in range(5)}
        zero = step % 5
    if way == "wide":
        schema, positive = -2, {i: base + grown * i for i in range(0, 4)}
    if way == "fine":
        schema, positive = 8, {i * 3: base + grown for i in range(60)}
    if way == "gaps":
        positive = {i * 37: base + grown for i in range(6)} | {1000: 0, 1001: base}
    if way == "still" :
        positive, zero = {0: 5000, 1: 7000}, 10
    if way == "empty":
        positive, zero = {}, 0
    return schema, threshold, zero, positive, negative, 10.5 * (base + grown * 3)


WAYS = ("plain", "reset", "layout", "schema", "threshold", "negative", "gauge", "wide", "fine", "gaps", "still", "empty")


def body(step, t_ms):
    out = []
    for way in WAYS:
        parts = histogram_at(step, way)
        kind = GAUGE_HISTOGRAM if way == "gauge" else HISTOGRAM
        out.append(family(f"native_{way}", kind, [
            metric({"code": code}, 7, t_ms, *native(*parts, packed=code == "200")) for code in ("200", "404")]))
    out.append(family("native_float", HISTOGRAM, [
        metric({}, 7, t_ms, *native(*histogram_at(step, "plain"), as_float=True))]))
    bounds = [(0.5, 1000 + step), (1.0, 1500 + step * 3), (2.5, 2000 + step * 4)]
    out.append(family("both_kinds", HISTOGRAM, [
        metric({"a": "b"}, 7, t_ms, *native(*histogram_at(step, "plain"), classic=bounds))]))
    out.append(family("classic", HISTOGRAM, [
        metric({"a": a}, 7, t_ms, integer(1, 3000 + step * 5), double(2, 12.5 + step),
               *(message(3, integer(1, count), double(2, bound)) for bound, count in [*bounds, *last]))
        for a, last in (("no_inf", []), ("inf", [(math.inf, 3000 + step * 5)]))]))
    out.append(family("asked_total", COUNTER, [
        metric({"code": "200"}, 3, t_ms, double(1, 1000.5 + step * 3)), metric({}, 3, 0, double(1, 7))]))
    out.append(family("level", GAUGE, [metric({"k": "\u00e9\n\"\\"}, 2, t_ms, double(1, math.sin(step))), metric({"k": "nan"}, 2, t_ms, double(1, math.nan))]))
    out.append(family("old", UNTYPED, [metric({}, 5, t_ms, double(1, -0.0))]))
    out.append(family("took", SUMMARY, [
        metric({}, 4, t_ms, integer(1, 10 + step), double(2, 1.5 * step), *(message(3, double(1, q), double(2, q * step)) for q in (0.0, 0.5, 0.99, 1.0)))]))
    return b"".join(out)


def pages(now_ms):
    begin = begin_ms(now_ms)
    yield Page("messages", [body(step, begin + step * STEP_MS) for step in range(STEPS)], PROTOBUF, "messages")
    # Without times of their own, and broken off.
    plain = [body(step, 0) for step in range(4)]
    yield Page("messages without times", [plain[0], plain[1], plain[1], plain[2], plain[3][:-5], plain[3]], PROTOBUF, "messages")


def begin_ms(now_ms):
    return (now_ms - 400_000) // STEP_MS * STEP_MS + 7300


def jobs():
    return {"messages": ({"scrape_interval": "1s", "scrape_timeout": "1s"}, {"scrape_native_histograms": True})}


def quantile(q, buckets):
    """As 3.x does it, from the buckets (edges, lower, upper, count) of a histogram."""
    buckets = [(float(lower), float(upper), float(count)) for _, lower, upper, count in buckets]
    rank, seen = q * sum(count for *_, count in buckets), 0.0
    for i, (lower, upper, count) in enumerate(buckets):
        seen += count
        if seen >= rank or i == len(buckets) - 1:
            break
    if lower < 0 < upper:
        if i == 0:
            lower = 0.0
        elif i == len(buckets) - 1:
            upper = 0.0
    part = (rank - (seen - count)) / count
    if lower <= 0 <= upper:
        return lower + (upper - lower) * part
    if lower > 0:
        return 2 ** (math.log2(lower) + (math.log2(upper) - math.log2(lower)) * part)
    return -(2 ** (math.log2(-lower) + (math.log2(-upper) - math.log2(-lower)) * part))


def close(a, b):
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(close, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(close(a[k], b[k]) for k in a)
    a, b = float(a), float(b)
    return a == b or math.isnan(a) and math.isnan(b) or abs(a - b) <= 1e-9 * max(abs(a), abs(b))


def alike(theirs, ours):
    """Whether both are the same, or 2.42's the same with coarser buckets, as it has them in a window after a
    change of schema, or without the bucket around zero, which it does not tell when its count is negative."""
    if close(theirs, ours) or not (isinstance(theirs, dict) and isinstance(ours, dict)):
        return close(theirs, ours)
    told = [one for one in ours.get("buckets", []) if one[0] != 3 or float(one[3]) > 0]
    merged = [[edges, lower, upper, sum(float(count) for _, low, high, count in told if float(lower) <= float(low) and float(high) <= float(upper))]
              for edges, lower, upper, _ in theirs.get("buckets", [])]
    total = sum(float(one[3]) for one in told)
    return close({**theirs, "all": total}, {**ours, "buckets": merged, "all": sum(one[3] for one in merged)})


def keyed(result):
    return {json.dumps(one["metric"], sort_keys=True): one.get("histogram", one.get("value"))[1] for one in result}


def compare(ask, now_ms):
    """(queries asked, series compared, differences); `ask` gives the results of both."""
    found, asked, compared = [], 0, 0
    begin = begin_ms(now_ms) / 1000
    moments = [begin + 0.2 + 15 * step for step in (6, 11, 15, 19, STEPS - 2)]
    for at in moments:
        for way in (*WAYS, "float"):
            name = f'native_{way}{{page="messages"}}'
            texts = [name, f"histogram_count({name})", f"histogram_sum({name})", f"sum({name})"]
            if way != "gauge":
                texts += [f"{of}({name}[{window}])" for of in ("rate", "increase") for window in ("50s", "77s")]
                texts += [f"sum by (page) (rate({name}[65s]))", f"histogram_count(rate({name}[65s]))", f"histogram_fraction(-Inf, +Inf, {name})"]
            else:
                texts += [f"delta({name}[50s])"]
            for text in texts:
                theirs, ours = map(keyed, ask(text, at))
                asked, compared = asked + 1, compared + len(ours)
                if theirs.keys() != ours.keys():
                    found.append((text, at, "series", sorted(theirs), sorted(ours)))
                found += [(text, at, key, theirs[key], ours[key]) for key in theirs.keys() & ours.keys() if not alike(theirs[key], ours[key])]
            for q in (0.01, 0.25, 0.5, 0.9, 0.99):
                of = name if way == "gauge" else f"rate({name}[65s])"
                theirs, same = map(keyed, ask(of, at))
                theirs = {key: same[key] if key in same and alike(theirs[key], same[key]) else theirs[key] for key in theirs}
                _, ours = map(keyed, ask(f"histogram_quantile({q}, {of})", at))
                asked, compared = asked + 1, compared + len(ours)
                for key, histogram in theirs.items():
                    plain = json.dumps({k: v for k, v in json.loads(key).items() if k != "__name__"}, sort_keys=True)
                    # 2.42 goes through a bucket in a straight line, 3.x by powers.
                    want = quantile(q, histogram["buckets"]) if histogram.get("buckets") else math.nan
                    if not close(want, ours.get(plain, "0")):
                        found.append((f"histogram_quantile({q}, {of})", at, key, want, ours.get(plain)))
    return asked, compared, found
