"""Requests with odd parameters, asked of both servers; every difference is printed."""

import collections
import json
import re

Q, R = "/api/v1/query", "/api/v1/query_range"


def cases(end):
    """(method, path, parameters as pairs or raw text)"""
    at, start = f"{end:.3f}", f"{end - 600:.3f}"
    span = [("start", start), ("end", at)]

    def query(*more, **given):
        return ("GET", Q, [("query", "node_load1"), *given.items(), *more])

    def ranged(**given):
        return ("GET", R, list({"query": "node_load1", "start": start, "end": at, "step": "60", **given}.items()))

    yield from (query(time=t) for t in (
        at, "1e9", "abc", "NaN", "Inf", "-Inf", "-1", "0", "1e400", "1e18", "9223372036854775807", "9223372036.854775",
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5+01:00", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z",
        "-292273086-05-16T16:47:06Z", "+292277025-08-18T07:12:54.999999999Z", "0x10", "1_000", " 1", "1 ", "+5", ".5", "5.", "infinity",
        "1435781451.7815", "-1.0005", "now", "2026-01-01t00:00:00z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00,5Z", "0001-01-01T00:00:00Z"))
    yield from (query(time=at, timeout=t) for t in ("1", "1s", "0", "-1", "abc", "1ns", "1e400", "NaN", "5m", "1h30", "0.0001", "Inf", ""))
    yield from (query(time=at, lookback_delta=t) for t in ("1s", "5m", "0", "-1", "abc", "1e400", "NaN", "60", "", "1y", "300y", "1.5"))
    yield from (query(time=at, stats=t) for t in ("", "true", "all", "x"))
    for text in ("", "1+", "sum(", "foo{", "foo{bar}", "rate(foo)", "rate(foo[5m]", "nope(foo)", '"text"', "1", "-foo[5m]", "foo[5m]",
                 "foo[5m:1m]", "{}", '{a=~".*"}', '{a=""}', "foo offset", "foo offset 5", "foo @", "foo @ 1e400", "foo{a=~\"(\"}", "1 and 2", "foo or 1",
                 "topk(1)", "count_values(1, foo)", 'count_values("a-b", foo)', "sum by (le, (x)) (foo)", "sum(foo) by", "foo == bool", "1 == 2",
                 "label_replace(node_load1, \"1x\", \"\", \"\", \"\")", 'label_replace(node_load1, "x", "", "y", "(")', 'label_join(node_load1, "1", "")',
                 "node_cpu_seconds_total * node_cpu_seconds_total", "node_cpu_seconds_total * on (cpu) node_cpu_seconds_total",
                 "node_cpu_seconds_total * on (cpu) group_left node_cpu_seconds_total", "quantile(2, node_load1)", "foo{a='b'", "foo\x00", "é", "foo{é=\"b\"}",
                 "sum without (foo bar) (x)", "0x", "1e", "08", "5m", "foo[0s]", "foo[1m:0s]", "foo[5m] offset", "foo[5]", "foo[abc]", "foo[5m5h]", "foo[1.5m]",
                 "#comment", "1 # comment", "foo{a=\"b\"} bar", "foo bar", "'unclosed", "\"unclosed", "`unclosed", '"\\xff"', '"\\q"', "(((1)))", "(1", "1)",
                 "sum(1)", "abs()", "abs(1)", "abs(foo, foo)", "time(1)", "round(foo, 1, 2)", "vector(foo)", "scalar(1)", "absent(foo[5m])", "1 + on(a) 2", "foo + on(a) group_left(a) bar",
                 "foo and on(a) group_left bar", "foo > bool 1", "1 > 1", "1 > bool 1", "\"a\" + \"b\"", "foo + \"b\"", "!foo", "foo !~ bar", "foo{a!b}", "foo{a=b}", "foo{a==\"b\"}", "foo{,}", "foo{a=\"b\",}",
                 "foo{a=\"b\",,}", "foo{__name__=\"bar\"}", "{__name__=\"a\",__name__=\"b\"}", "-1^2", "2^3^2", "+foo", "--foo", "-1", "NaN", "-Inf", "+Inf", "inf", "nan", "1/0", "0/0", "-1/0", "1e308*10", "1 % 0", "5 atan2 3",
                 "time()", "vector(time())", "1e21", "1e-7", "123456789012345678", "0.1+0.2", "1e20", "1e-6", "5e-324",
                 "foo[5m]]", "foo{a=\"b\"}[5m] offset 1m @ 5", "foo @ start()", "foo @ end()", "foo @ 5 @ 6", "foo offset 5m offset 6m", "(foo offset 5m) offset 6m", "sum(foo) offset 5m", "foo[5m] @ start()", "rate(foo[5m:])[5m:]", "1[5m:]", "(1)[5m:]",
                 "foo[5m:1m][5m:1m]", "foo[5m][5m]", "sum(foo[5m])", "count(foo[5m:])", "min_over_time(node_load1[5m:1m])", "sum by () (node_load1)", "sum without () (node_load1)"):
        yield ("POST", Q, [("query", text), ("time", at)])
        yield ("GET", R, [("query", text), ("start", start), ("end", at), ("step", "60")])
        yield ("GET", "/api/v1/format_query", [("query", text)])
    yield from (ranged(step=t) for t in ("0", "-1", "abc", "", "1s", "NaN", "0.001", "0.0001", "1e400", "0.05", "0.0546", "1h", "Inf", "1e-10"))
    yield from (ranged(start=t) for t in ("", "abc", "0", "NaN", "-1e18", f"{end + 1:.3f}", at, "1e18"))
    yield from (ranged(end=t) for t in ("", "abc", "0", "NaN", "1e18", f"{end + 1e6:.3f}"))
    yield ranged(timeout="abc")
    yield ranged(lookback_delta="abc")
    yield ("GET", R, [("query", "node_load1")])
    yield ("GET", R, [("query", "node_load1"), ("start", start)])
    yield ("GET", R, [("query", "node_load1"), ("start", start), ("end", at)])
    yield ("GET", R, span + [("step", "60")])
    yield ("GET", Q, [])
    yield ("POST", Q, "query=%zz")
    yield ("GET", Q, "query=%zz")
    yield ("GET", Q, "query=1;time=5")
    yield ("GET", Q, "query=1&query=2&time=5")
    yield ("POST", Q + "?query=2&time=5", "query=1")
    yield ("POST", Q + "?query=2&time=5", "")
    for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"):
        for path in (Q, R, "/api/v1/labels", "/api/v1/label/job/values", "/api/v1/series", "/api/v1/metadata", "/api/v1/targets", "/api/v1/nope",
                     "/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/api/v1/status/buildinfo", "/api/v1", "/api", "/federate", "/api/v1/query/", "//api/v1/query",
                     "/api/v1/rules", "/api/v1/alerts", "/api/v1/alertmanagers", "/api/v1/query_exemplars", "/api/v1/status/tsdb", "/api/v1/status/walreplay", "/api/v1/read", "/api/v1/write", "/api/v1/admin/tsdb/delete_series", "/api/v1/admin/tsdb/snapshot", "/api/v1/admin/tsdb/clean_tombstones"):
            if not (path == "/-/quit" and method in ("POST", "PUT")):
                yield (method, path, [])
    selectors = ["node_load1", "{}", '{a=""}', '{a=~".*"}', '{a=~".+"}', "node_load1[5m]", "1", "foo{", "", '{job="etcd-k8s1.35",__name__!~"up|scrape_.*"}', '{__name__=~"node_.*"}', "sum(foo)", 'node_cpu_seconds_total{cpu!~"0|1"}',
                 'node_cpu_seconds_total{cpu!="0",mode=~"i.*"}', '{cpu="0"}', '{cpu=~"0|1",mode!=""}', "node_load1 offset 5m", "node_load1 @ 5", '{__name__=~".*_total",namespace!=""}', '{namespace=~"kube-.*|",__name__=~"kube_pod.*"}']
    for path in ("/api/v1/series", "/api/v1/labels", "/api/v1/label/job/values", "/api/v1/label/__name__/values", "/api/v1/label/le/values", "/federate"):
        method = "GET"
        for text in selectors:
            yield (method, path, span + [("match[]", text)])
        yield (method, path, span)
        yield (method, path, [])
        yield (method, path, span + [("match[]", "node_load1"), ("match[]", "node_load5")])
        yield (method, path, span + [("match[]", "node_load1"), ("match[]", "foo{")])
        yield (method, path, span + [("match", "node_load1")])
        for bad in ("abc", "NaN", "", "1e400"):
            yield (method, path, [("match[]", "node_load1"), ("start", bad), ("end", at)])
            yield (method, path, [("match[]", "node_load1"), ("start", start), ("end", bad)])
        yield (method, path, [("match[]", "node_load1"), ("start", at), ("end", start)])
        yield (method, path, [("match[]", "node_load1"), ("start", "0"), ("end", "100")])
        yield (method, path, [("match[]", "node_load1"), ("start", "0")])
        yield (method, path, [("match[]", "node_load1"), ("start", "-292273086-05-16T16:47:06Z"), ("end", "+292277025-08-18T07:12:54.999999999Z")])
    for name in ("nope", "1x", "a-b", "%C3%A9", "%ff", "__name__", "cpu", "", "a%2Fb", "U__cpu"):
        yield ("GET", f"/api/v1/label/{name}/values", span)
    for path in ("/api/v1/series", "/api/v1/labels"):
        yield ("POST", path, span + [("match[]", "node_load1")])
        yield ("POST", path, "match[]=%zz")
        yield ("POST", path + "?match[]=node_load5", "match[]=node_load1")
    for limit in ("0", "1", "-1", "abc", "5", "1.5", ""):
        yield ("GET", "/api/v1/metadata", [("limit", limit)])
    for more in ([("metric", "node_load1")], [("metric", "nope")], [("metric", "")], [("metric", "node_load1"), ("limit", "0")], [("metric", "go_goroutines")], []):
        yield ("GET", "/api/v1/metadata", more)
    for more in ([("state", "active")], [("state", "dropped")], [("state", "any")], [("state", "x")], [("state", "")], [("scrapePool", "etcd-k8s1.35")], [("state", "ACTIVE")]):
        yield ("GET", "/api/v1/targets", more)
    for more in ([], [("metric", "node_load1")], [("match_target", '{job="etcd-k8s1.35"}'), ("limit", "3")], [("match_target", "foo{")], [("limit", "x")], [("match_target", '{job="nope"}')], [("metric", "nope")], [("limit", "-5")], [("limit", "0")]):
        yield ("GET", "/api/v1/targets/metadata", more)
    for more in ([], [("query", "node_load1")], [("query", "1")], [("query", "foo{")], [("query", "node_load1"), ("start", at), ("end", start)], [("query", "node_load1"), ("start", "x")]):
        yield ("GET", "/api/v1/query_exemplars", more)
    for more in ([("type", "alert")], [("type", "x")], []):
        yield ("GET", "/api/v1/rules", more)
    for more in ([], [("limit", "1")], [("limit", "0")], [("limit", "x")], [("limit", "-1")], [("limit", "100000")]):
        yield ("GET", "/api/v1/status/tsdb", more)


def shape(value, depth=0):
    """Field names and types only."""
    if isinstance(value, dict):
        return {k: shape(v, depth + 1) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0], depth + 1)] if value else []
    return type(value).__name__


def neutral(path, data):
    """What the two servers must have in common."""
    if path.startswith(("/api/v1/targets", "/api/v1/status")) and isinstance(data, dict):
        return {k: (len(v) if k.endswith("Targets") else None, shape(v)) for k, v in data.items()}
    if path.endswith("targets/metadata") and isinstance(data, list):
        return sorted(json.dumps({**one, "target": one["target"].get("job")}, sort_keys=True) for one in data)
    if isinstance(data, dict) and data.get("resultType") in ("vector", "matrix"):
        return data["resultType"], sorted(json.dumps(one, sort_keys=True) for one in data["result"])
    if isinstance(data, dict):
        return {k: sorted(json.dumps(one, sort_keys=True) for one in v) if isinstance(v, list) else v for k, v in data.items()}
    if isinstance(data, list) and data and isinstance(data[0], dict):
        return sorted(json.dumps(one, sort_keys=True) for one in data)
    return data


def short(value):
    text = repr(value)
    return text if len(text) < 420 else f"{text[:400]} … {len(text)} characters"


UNBUILT = ("/status/walreplay", "/read", "/write", "/admin/tsdb/delete_series", "/admin/tsdb/clean_tombstones")


def words(answer):
    """An error's text without what 3.x says otherwise on purpose."""
    text = answer.get("error", "") if isinstance(answer, dict) else str(answer)
    text = re.sub(r'^invalid parameter "(query|match\[\])": ', "", text).strip()
    text = re.sub(r": \[.*\](;many-to-many)", r"\1", text, flags=re.S)
    text = text.replace("Invalid time value", "invalid time value").replace("`^(?:()$`", "`(`")
    text = text.replace("unknown position: parse error: no expression found in input", "empty")
    return re.sub("1:1: parse error: (no expression found in input|unexpected end of input)", "empty", text)


def known(method, path, params, ours, theirs):
    """Why 2.42 is allowed to differ, or None."""
    text = params if isinstance(params, str) else " ".join(f"{k}={v}" for k, v in params)
    if ours[0] == 404 and path.endswith(UNBUILT):
        return "known: not built yet"
    if method in ("HEAD", "OPTIONS"):
        return "known: HEAD and OPTIONS are answered where 2.42 refuses, or the reverse"
    if ours[0] == theirs[0] == 405:
        return "known: a 405 lists its methods otherwise"
    if theirs[0] in (301, 307):
        return "known: slashes too many are not sent on"
    if ours[0] == theirs[0] >= 400:
        if words(ours[3]) == words(theirs[3]):
            return "known: the same error in 3.x's words"
        if "expected a series selector" in words(ours[3]):
            return "known: not a selector, in our words"
        if re.search(r"\bquery=(.*offset|1e$|1e |foo\[)", text):
            return "known: durations are expressions in 3.x, so errors in them have other words"
        if "NaN" in text or "step=0.0001" in text:
            return "known: no times and steps that are not numbers"
    if ours[0] == 400 and re.search(r"=(NaN|-?Inf|infinity|1_000|300y|1e400)\b", text):
        return "known: no times and durations that are not numbers; overflows of lookback_delta are errors in 3.x"
    if re.search("query=(5m|foo\\[5\\]|foo offset 5)( |$)", text) and ours[0] == 200:
        return "known: durations are numbers in 3.x"
    if "label/" in path and ours[0] == 200 or path.endswith("/%ff/values"):
        return "known: all UTF-8 is a label name in 3.x, U__ escapes others"
    if path == "/api/v1/targets":
        return "known: 3.x tells more of targets"
    if path == "/api/v1/status/tsdb" and "limit=" in text:
        return "known: 2.42 has no limit here"
    if "%zz" in text:
        return "known: malformed forms are errors in 3.x"
    if (path, method) == ("/api/v1/series", "DELETE"):
        return "known: 2.42 answers DELETE by an error of its own"
    if path == "/api/v1/series" and ours[3].get("data") == []:
        return "known: an end before the start finds nothing"
    if re.search(r"\btimeout=(0|-1|0\.0001)( |$)", text):
        return "known: where in its way a query times out"
    if "lookback_delta" in text:
        return "known: 2.42 has no lookback_delta"
    if ours[0] == 200 and re.search('"a-b"|label_(replace|join)\\(node_load1, "1', text):
        return "known: all UTF-8 is a label name in 3.x"
    if ours[0] == 200 and re.search(r"query=\S*(e21|e20|e-7|e-6|e-324|e308|345678)", text):
        return "known: numbers are written otherwise in 3.x"
    if path == "/federate" and ours[0] == 400 and theirs[0] == 200:
        return "known: /federate refuses selectors of everything"
    return None


def compare(servers, end_s):
    counts = collections.Counter()
    for method, path, params in cases(end_s):
        answers = []
        for server in servers:
            status, headers, body = server.ask(method, path, params)
            kind = (headers.get("content-type") or "").replace("; escaping=allow-utf-8", "")
            try:
                answer = json.loads(body)
            except ValueError:
                answer = body.decode(errors="replace")
                if path == "/federate" and status == 200:
                    answer = sorted(line for line in answer.split("\n") if not line.startswith("#"))
            if isinstance(answer, dict) and "status" in answer:
                answer.pop("warnings", None), answer.pop("infos", None)
                answer = {k: neutral(path, v) if k == "data" else v for k, v in answer.items()}
            answers.append((status, kind, headers.get("allow"), answer))
        ours, theirs = answers
        if ours == theirs:
            counts["same"] += 1
            continue
        why = known(method, path, params, ours, theirs)
        if why:
            counts[why] += 1
            continue
        kind = "status" if ours[0] != theirs[0] else "content type" if ours[1:3] != theirs[1:3] else "error text" if ours[0] >= 400 else "body"
        counts[kind] += 1
        text = params if isinstance(params, str) else " ".join(f"{k}={v}" for k, v in params)
        print(f"  {kind}: {method} {path} {text}")
        if kind == "body" and isinstance(ours[3], dict) and isinstance(theirs[3], dict):
            a, b = ours[3].get("data"), theirs[3].get("data")
            if isinstance(a, list) and isinstance(b, list):
                print(f"    ours has {len(a)}, theirs {len(b)}; only ours {short([x for x in a if x not in b][:3])}; only theirs {short([x for x in b if x not in a][:3])}")
                continue
            if isinstance(a, dict) and isinstance(b, dict):
                keys = [k for k in {**a, **b} if a.get(k) != b.get(k)][:4]
                a, b = {k: a.get(k) for k in keys}, {k: b.get(k) for k in keys}
            print(f"    ours   {short(a)}\n    theirs {short(b)}")
            continue
        print(f"    ours   {short(ours)}\n    theirs {short(theirs)}")
    print("requests:\n  " + "\n  ".join(f"{n} {kind}" for kind, n in counts.most_common()), flush=True)
