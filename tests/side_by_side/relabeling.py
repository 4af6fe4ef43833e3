"""Jobs that treat labels in unusual ways, and pages whose labels clash with those of the target."""

from beside import OPENMETRICS, TEXT, Page

PLAIN = b"""# TYPE clash gauge
clash{job="a",instance="b",unusual="c"} 1
clash{job="",instance="b"} 2
clash{exported_job="x",job="y"} 3
clash{exported_exported_job="z",exported_job="x",job="y"} 4
clash{instance=""} 5
clash{unusual=""} 6
clash{empty="",kept="1"} 7
clash{page="p",exported_page="q"} 8
drop_me{a="1"} 9
keep_me{a="1"} 10
rename_me{a="1",b="2"} 11
# TYPE h histogram
h_bucket{le="0.5",job="a"} 1
h_bucket{le="1.0",job="a"} 2
h_bucket{le="+Inf",job="a"} 2
h_sum{job="a"} 0.75
h_count{job="a"} 2
merge{way="1"} 12
merge{way="2"} 13
many{tmp_a="1",tmp_b="2",__tmp_c="3"} 14
up{instance="elsewhere"} 15
up 16
"""
STAMPED = b"""at_time{job="a"} 1 %d
at_time{job="b"} 2 %d
at_time{instance=""} 3
many_times 1 %d
many_times 2 %d
back_in_time 1 %d
back_in_time 2 %d
long_ago 1 1000
far_ahead 1 %d
"""

RULES = [
    {"source_labels": ["__name__"], "regex": "drop_.*", "action": "drop"},
    {"source_labels": ["a", "b"], "separator": "-", "regex": "(.)-(.)", "target_label": "ab", "replacement": "$2${1}x"},
    {"source_labels": ["__name__"], "regex": "rename_(.*)", "target_label": "__name__", "replacement": "renamed:$1"},
    {"regex": "tmp_(.*)", "action": "labelmap", "replacement": "from_$1"},
    {"regex": "tmp_.*|kept", "action": "labeldrop"},
    {"source_labels": ["way"], "target_label": "hashed", "modulus": 7, "action": "hashmod"},
    {"source_labels": ["__name__", "le"], "regex": "h_bucket;0.5", "action": "drop"},
    {"source_labels": ["exported_job"], "target_label": "loud", "action": "uppercase"},
]
MERGING = [{"regex": "way", "action": "labeldrop"}, {"source_labels": ["a"], "regex": "(.*)", "target_label": "instance", "replacement": "$1"}]
NAMELESS = [{"source_labels": ["__name__"], "regex": "keep_me", "target_label": "__name__", "replacement": ""}]


def jobs():
    """name -> (keys for both, keys for Rushlight only)"""
    return {
        "labels": ({}, {}),
        "labels-honored": ({"honor_labels": True}, {}),
        "labels-own-time": ({"honor_timestamps": False, "honor_labels": True}, {}),
        "labels-ruled": ({"metric_relabel_configs": RULES}, {}),
        "labels-ruled-honored": ({"honor_labels": True, "metric_relabel_configs": RULES}, {}),
        "labels-merged": ({"metric_relabel_configs": MERGING}, {}),
        "labels-nameless": ({"metric_relabel_configs": NAMELESS}, {}),
        "labels-kept": ({"metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "keep_me|h_.*", "action": "keep"}]}, {}),
        "labels-limited": ({"sample_limit": 10}, {}),
        "labels-few": ({"label_limit": 5}, {}),
        "labels-short": ({"label_value_length_limit": 15}, {}),
    }


def pages(now_ms):
    times = [now_ms - 3000, now_ms - 4000, now_ms - 60000, now_ms - 50000, now_ms - 50000, now_ms - 60000, now_ms + 3_600_000]
    stamped = STAMPED % tuple(times)
    later = STAMPED % tuple(t + 2000 for t in times)
    half = b"\n".join(PLAIN.split(b"\n")[::2]) + b"\n"
    om = b"\n".join(line for line in PLAIN.split(b"\n") if line) + b"\n# EOF\n"
    warm = b"warm 1\n"
    for job in jobs():
        labels = {"unusual": "target"}
        yield Page(f"{job} plain", [warm, PLAIN, half, PLAIN], TEXT, job, labels)
        yield Page(f"{job} open", [warm + b"# EOF\n", om, om], OPENMETRICS, job, labels)
        yield Page(f"{job} stamped", [warm, stamped, later, stamped, PLAIN], TEXT, job, labels)
