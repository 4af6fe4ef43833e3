"""Ordinary targets beside hostile ones: how long scrapes of the ordinary ones take, and how much memory.

    hostile.py BINARY [KIND ...] [--seconds 15] [--healthy 50] [--series 500] [--interval 1s]
                                 [--flooders 24] [--hanging 5000] [--nice 0] [--body-limit 0] [--skip-alone] [-v]

Starts the real binary with its database in a temporary folder, first with the ordinary targets alone,
then with each kind of hostile target beside them, then with all kinds at once. The hostile servers
want the same cores: their time is shown too, and `ask` is how long one small answer of an ordinary
target takes for a client of its own, which is what the machine alone costs.
Exits 1 when the median, or the slowest tenth, moved by 100 ms or more.
"""

import argparse
import gzip
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LINES = b"".join(b'endless{n="%d"} %d\n' % (i, i) for i in range(3000))


def known(body, more=b""):
    return OK + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def endless(begin, piece):
    def serve(s):
        s.sendall(begin)
        while True:
            s.sendall(piece)
    return serve


def fresh_lines(s):
    """Valid lines, none of them twice."""
    s.sendall(OK + b"\r\n")
    n = random.randrange(1 << 40)
    while True:
        s.sendall(b"".join(b'm{n="%d"} 1\n' % (n + i) for i in range(2000)))
        n += 2000


def say(what):
    return lambda s: s.sendall(what)


def drip(begin, piece, every=0.02):
    def serve(s):
        s.sendall(begin)
        while True:
            s.sendall(piece)
            time.sleep(every)
    return serve


def half(s):
    s.sendall(OK + b"Content-Length: 1000\r\n\r\na 1\n")
    s.shutdown(socket.SHUT_WR)
    s.recv(1)


def reset(s):
    s.sendall(OK + b"Content-Length: 1000\r\n\r\na 1\n")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def bomb_of(line):
    """Some gigabytes when unpacked, packed member by member."""
    return gzip.compress(line * ((1 << 24) // len(line)), 6)


def kinds():
    packed = b"Content-Encoding: gzip\r\n"
    chunk = b"%x\r\n" % len(LINES) + LINES + b"\r\n"
    zeros, lines = bomb_of(b"\n" * 1024), bomb_of(LINES)
    return {
        "text": endless(OK + b"\r\n", LINES),
        "line": endless(OK + b"\r\na{b=\"", b"x" * 65536),
        "10GB": endless(OK + b"Content-Length: 10000000000\r\n\r\n", LINES),
        "fresh": fresh_lines,
        "bomb0": endless(OK + packed + b"\r\n", zeros),
        "bombl": endless(OK + packed + b"\r\n", lines),
        "members": endless(OK + packed + b"\r\n", gzip.compress(b"") * 3000),
        "chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk),
        "bytes": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n#\r\n" * 10000),
        "head": endless(OK, b"X: y\r\n" * 10000),
        "drip": drip(OK + b"\r\n", b"a 1\n"),
        "redir": say(b"HTTP/1.1 302 Found\r\nLocation: /m\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        "half": half,
        "reset": reset,
        "1xx": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        "big": say(known(b"".join(b'big{n="%d"} %d\n' % (i, i) for i in range(300000)))),
        "hanging": lambda s: s.recv(1),
    }


def listen():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    s.listen(4096)
    return s


def hostile_server(names, ports, nice):
    os.nice(nice)
    threading.stack_size(128 << 10)
    all_kinds = kinds()

    def one(s, serve):
        try:
            seen = b""
            while not seen.endswith(b"\r\n\r\n"):
                got = s.recv(4096)
                if not got:
                    return
                seen += got
            serve(s)
        except OSError:
            pass
        finally:
            s.close()

    def hold(listener):
        kept = []
        while True:
            kept.append(listener.accept()[0])
            if len(kept) > 6000:
                kept.pop(0).close()

    def accept(listener, serve):
        while True:
            s, _ = listener.accept()
            threading.Thread(target=one, args=(s, serve), daemon=True).start()

    told = {}
    for name in names:
        listener = listen()
        told[name] = listener.getsockname()[1]
        if name == "hanging":
            threading.Thread(target=hold, args=(listener,), daemon=True).start()
        else:
            threading.Thread(target=accept, args=(listener, all_kinds[name]), daemon=True).start()
    ports.put(told)
    signal.pause()


def healthy_server(series, ports):
    import asyncio
    page = known(b"".join(b'm{number="%d",kind="ordinary"} %d\n' % (i, i) for i in range(series)))
    small = known(b"a 1\n")

    async def serve(reader, writer):
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                writer.write(small if asked.startswith(b"GET /small") else page)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    asyncio.run(main())


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def steal():
    fields = [int(f) for f in open("/proc/stat").readline().split()[1:]]
    return fields[7], fields[3] + fields[4], sum(fields[:8])


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(len(values) * q))] if values else float("nan")


def phase(args, name, names):
    context = multiprocessing.get_context("fork")
    ports = context.SimpleQueue()
    healthy = context.Process(target=healthy_server, args=(args.series, ports), daemon=True)
    healthy.start()
    port = ports.get()
    home = tempfile.mkdtemp(prefix="hostile-")
    hostile = None
    if names:
        hostile = context.Process(target=hostile_server, args=(names, ports, args.nice), daemon=True)
        hostile.start()
        told = ports.get()
    limit = f", body_size_limit: {args.body_limit}" if args.body_limit != "0" else ""
    def job(job_name, interval, count, port, limit):
        path = os.path.join(home, job_name + ".json")
        groups = [{"targets": [f"127.0.0.1:{port}"], "labels": {"number": str(i)}} for i in range(count)]
        json.dump(groups, open(path, "w"))
        return (f"- {{job_name: '{job_name}', scrape_interval: {interval}, scrape_timeout: {interval}{limit}, "
                f"file_sd_configs: [{{files: ['{path}']}}]}}")
    jobs = [job("healthy", args.interval, args.healthy, port, "")]
    for kind in names:
        count = args.hanging if kind == "hanging" else max(1, args.flooders // (1 if len(names) == 1 else 4))
        jobs.append(job("bad_" + kind, "10s" if kind == "hanging" else "3s", count, told[kind], limit))
    config = os.path.join(home, "prometheus.yml")
    open(config, "w").write("scrape_configs:\n" + "\n".join(jobs) + "\n")
    web = listen()
    web_port = web.getsockname()[1]
    web.close()
    log = open(os.path.join(home, "log"), "w")
    server = subprocess.Popen(
        [args.binary, f"--config.file={config}", f"--storage.tsdb.path={home}/data",
         f"--web.listen-address=127.0.0.1:{web_port}"], stdout=log, stderr=log)
    asks = []

    def ask_until(end):
        while time.time() < end:
            begin = time.time()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/small", timeout=5).read()
                asks.append(time.time() - begin)
            except OSError:
                asks.append(5)
            time.sleep(0.05)
    try:
        time.sleep(args.settle)
        before, machine = (cpu(server.pid), hostile and cpu(hostile.pid)), steal()
        ask_until(time.time() + args.seconds)
        after, machine_after = (cpu(server.pid), hostile and cpu(hostile.pid)), steal()
        def query(text):
            url = f"http://127.0.0.1:{web_port}/api/v1/query?query=" + urllib.request.quote(text)
            return json.load(urllib.request.urlopen(url, timeout=60))["data"]["result"]
        window = f"[{args.seconds}s]"
        took = [float(v) for s in query('scrape_duration_seconds{job="healthy"}' + window) for _, v in s["values"]]
        ups = [float(v) for s in query('up{job="healthy"}' + window) for _, v in s["values"]]
        bad = {}
        targets = json.load(urllib.request.urlopen(f"http://127.0.0.1:{web_port}/api/v1/targets", timeout=60))
        for target in targets["data"]["activeTargets"]:
            key = (target["labels"]["job"], target["lastError"].split(": ")[-1][:60])
            bad[key] = bad.get(key, 0) + 1
        status = open(f"/proc/{server.pid}/status").read()
        field = lambda key: int(status.split(key)[1].split()[0]) / 1024
        spent = machine_after[2] - machine[2]
        row = dict(phase=name, n=len(took), median=quantile(took, .5) * 1e3, p90=quantile(took, .9) * 1e3, p99=quantile(took, .99) * 1e3,
                   max=max(took, default=float("nan")) * 1e3, late=ups.count(0),
                   missed=args.healthy * args.seconds - len(ups) if args.interval == "1s" else 0,
                   ask=quantile(asks, .5) * 1e3, ask99=quantile(asks, .99) * 1e3,
                   cpu=(after[0] - before[0]) / args.seconds,
                   hcpu=(after[1] - before[1]) / args.seconds if hostile else 0,
                   steal=(machine_after[0] - machine[0]) / spent * 100, idle=(machine_after[1] - machine[1]) / spent * 100,
                   rss=field("VmRSS:"), peak=field("VmHWM:"), load=os.getloadavg()[0])
        print("%(phase)-8s n=%(n)5d  ms: median %(median)6.1f p90 %(p90)6.1f p99 %(p99)6.1f max %(max)7.1f | down %(late)3d missed %(missed)3d"
              " | ask %(ask)5.1f p99 %(ask99)6.1f | cores: own %(cpu).2f theirs %(hcpu).2f idle %(idle)2.0f%% steal %(steal)2.0f%%"
              " | MiB %(rss)4.0f peak %(peak)4.0f | load %(load).1f" % row, flush=True)
        if args.verbose:
            for key, count in sorted(bad.items()):
                print("     ", count, *key)
        return row
    finally:
        server.terminate()
        begin = time.time()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            print("      does not stop")
            server.kill()
        if time.time() - begin > 5:
            print(f"      stopped after {time.time() - begin:.1f} s")
        for p in (healthy, hostile):
            if p:
                p.kill(); p.join()
        shutil.rmtree(home, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("kinds", nargs="*")
    for flag, default in [("seconds", 15), ("settle", 5), ("healthy", 50), ("series", 500), ("flooders", 24), ("hanging", 5000), ("nice", 0)]:
        parser.add_argument("--" + flag, type=int, default=default)
    parser.add_argument("--interval", default="1s")
    parser.add_argument("--body-limit", default="0")
    parser.add_argument("--skip-alone", action="store_true"); parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    every = list(kinds())
    alone = dict(median=0.5, p90=1) if args.skip_alone else phase(args, "alone", [])
    failed = []
    for name in args.kinds or every + ["all"]:
        row = phase(args, name, every if name == "all" else [name])
        for q in ("median", "p90"):
            if not row[q] < alone[q] + 100:
                failed.append((name, q, row[q]))
    print("moved by 100 ms or more:", failed or "none")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
