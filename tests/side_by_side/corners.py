"""Queries for what dashboards seldom ask: every function, operator and modifier that 2.42 knows."""


def queries():
    gauge, counter, buckets = "node_load1", "node_cpu_seconds_total", "workqueue_queue_duration_seconds_bucket"
    many = 'node_network_receive_bytes_total'
    for of in (gauge, counter, "container_memory_rss", "kube_pod_status_phase", "{job=\"vllm-opt125m\",__name__!~\"up|scrape_.*\"}"):
        for name in ("abs ceil floor exp sqrt ln log2 log10 sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad "
                     "timestamp minute hour day_of_week day_of_month day_of_year days_in_month month year sort sort_desc absent scalar").split():
            yield f"{name}({of})"
        for name in ("rate increase irate resets delta idelta deriv changes avg_over_time sum_over_time min_over_time max_over_time count_over_time "
                     "last_over_time present_over_time absent_over_time stddev_over_time stdvar_over_time").split():
            for window in ("16s", "1m", "5m", "23m", "1h"):
                yield f"{name}({of}[{window}])"
            yield f"{name}({of}[10m:47s])"
            yield f"{name}({of}[10m:])"
            yield f"{name}({of}[5m] offset 3m)"
            yield f"{name}({of}[5m] offset -3m)"
            yield f"{name}({of}[5m] @ end())"
            yield f"{name}({of}[5m:30s] @ start() offset 1m)"
        for q in ("0", "0.3", "0.5", "0.99", "1", "-1", "2", "NaN"):
            yield f"quantile_over_time({q}, {of}[10m])"
            yield f"quantile by (job, mode, phase) ({q}, {of})"
        for k in ("0", "1", "3", "100", "-1", "1.9"):
            yield f"sum(topk({k}, {of}))"
            yield f"sum by (job) (bottomk by (job) ({k}, {of}))"
            yield f"count(topk by (cpu, phase) ({k}, {of}))"
        for name in "sum avg min max count group stddev stdvar".split():
            yield f"{name}({of})"
            yield f"{name} by (job) ({of})"
            yield f"{name} without (instance, mode, cpu, pod, uid) ({of})"
            yield f"{name} by (nope) ({of})"
            yield f"{name}(rate({of}[5m])) by (cpu, namespace)"
            yield f"{name}_over_time(rate({of}[2m])[20m:30s])" if name not in ("group",) else of
        yield f'count_values("v", {of})'
        yield f'count_values by (job) ("job", {of})'
        yield f"predict_linear({of}[10m], 3600)"
        yield f"predict_linear({of}[10m:1m], -60)"
        yield f"clamp({of}, 0.2, 100)"
        yield f"clamp({of}, 5, 1)"
        yield f"clamp_min({of}, 3) + clamp_max({of}, 7)"
        yield f"round({of}) + round({of}, 0.3) - round({of}, 5)"
        yield f'label_replace({of}, "job", "$1-$2", "instance", "(.*):(.*)")'
        yield f'label_replace({of}, "new", "x${{1}}y", "job", "(.).*")'
        yield f'label_replace({of}, "instance", "", "", "")'
        yield f'label_join({of}, "j", "/", "job", "nope", "instance")'
        yield f"{of} and {of} > 1"
        yield f"{of} unless {of} > 1"
        yield f"{of} > 1 or {of}"
        yield f"{of} or {gauge} or vector(1)"
        yield f"{of} > bool 1"
        yield f"1 < {of}"
        yield f"1.01 ^ {of}"
        yield f"{of} % 0.7"
        yield f"({of} atan2 2) + 0"
        yield f"{of} == {of}"
        yield f"{of} != bool {of} offset 1m"
        yield f"{of} / on (job, instance) group_left sum by (job, instance) ({of})"
        yield f"sum by (job) ({of}) * on (job) group_right (nope) {of}"
        yield f"{of} * ignoring (mode, cpu, phase) group_left () count without (mode, cpu, phase) ({of})"
        yield f"-{of}"
        yield f"+{of} - -{of}"
        yield f"{of} @ start() + {of} @ end()"
        yield f"{of} offset 10m"
        yield f"{of} offset -10m"
        yield f"time() - timestamp({of})"
        yield f"timestamp(timestamp({of}))"
        yield f"timestamp({of} offset 2m)"
        yield f"vector(scalar({of}))"
        yield f"sum(sum_over_time(({of} > 0)[5m:15s]))"
        yield f"max_over_time(deriv(rate({of}[5m])[290s:1m])[590s:])"
        yield f"count_over_time({of}[5m:1s])"
        yield f"absent({of} > 1e300)"
        yield f"absent_over_time({of}[1m] offset 2h)"
    for q in ("0", "0.1", "0.5", "0.9", "0.999", "1", "-1", "1.5", "NaN"):
        yield f"histogram_quantile({q}, {buckets})"
        yield f"histogram_quantile({q}, rate({buckets}[5m]))"
        yield f"histogram_quantile({q}, sum by (le, job) (rate({{__name__=~\"apiserver_.+_bucket|workqueue_work_duration_seconds_bucket\"}}[5m])))"
        yield f"histogram_quantile({q}, sum by (le, name) (rate(workqueue_work_duration_seconds_bucket[5m])))"
        yield f"histogram_quantile({q}, {buckets} offset 1m) > {q}"
        yield f"histogram_quantile(scalar(vector({q})), {{__name__=~\"etcd_disk_.+_bucket\"}})"
    yield from ("time()", "vector(time())", "pi()", "minute()", "day_of_year(vector(1e9))", "year(vector(-1e9))", "hour(vector(-1))", "month(vector(1709164800))",
                "days_in_month(vector(1709164800))", "scalar(vector(1)) + 2", "1 + 2 * 3 ^ 2 % 4", "-2 ^ 2", "NaN == NaN", "1 == bool 1", "vector(NaN) == vector(NaN)", "1 / 0", "-1 % 0",
                'label_replace(vector(1), "a", "b", "", "")', "absent(nope)", 'absent(nope{a="b",c=~"d",a="e"})', "sum(absent(nope))", "vector(1)[5m:1m]", "sum_over_time(vector(1)[5m:1m])",
                "sum(vector(1) + on() vector(2))", "vector(1) and on () nope", "vector(1) unless on () nope", "quantile(0.5, vector(1))", "holt_winters(node_load1[10m], 0.5, 0.5)",
                'count({job=~".+"})', 'count({job!~"kube.*", job!=""})', 'count by (__name__) ({__name__=~"node_.*"})', 'sum by (job) ({__name__=~"go_.+",job=~"e.+|k.+"})',
                'count({instance=""})', 'count({nope="", job=~".+"})', 'count({nope!="", job=~".+"})', 'count({nope=~".*", job=~".+"})', 'count({nope!~".*", job=~".+"})', 'count({namespace!="kube-system", namespace=~"k.*"})',
                'count({__name__=~"(?i)NODE_.*"})', r'count({device=~"eth\\d+|lo"})', 'count({device=~"[a-z]+[0-9]?"})', 'count({mountpoint=~"/(|boot|var.*)"})', 'count({job=~"etcd|etcd.*|x"})', "count({job=~'.*-k8s1\\\\.35'})", 'count({phase=~"^Running$"})')
