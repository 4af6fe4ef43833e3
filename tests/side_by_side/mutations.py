"""Pages damaged at random: windows of real pages with bytes flipped, lines cut, doubled and swapped,
types changed, odd numbers, spaces and escapes."""

import re

FLOATS = ("0x1F 0x1p4 1_000 +1 -0 -1.5e-300 1e400 -1e400 4.9e-324 1e-400 .5 5. . 1e 1e+ e5 inf -INF +iNf Infinity -infinity nan NAN "
          "-NaN +nan infin 1e5.0 ++1 --1 1,5 0b11 0o17 00012 1E3 1.7976931348623157e308 1.7976931348623159e308 1d 1f 0x 0xp1 "
          "9007199254740993 123456789012345678901234567890 0.1e1 true \u0661 1\u00a0 NaN(1) snan 1e0005").split(" ")
TIMES = "{now} {now}0 -{now} +{now} {now}.5 0{now} {past} {older} {soon} 0 1 -1 1e3 99999999999999999999 0x10 {now}_0 nan Inf 1.5e9 {seconds} {seconds}.123 {seconds}.9999".split(" ")
BYTES = b"\0\n\r\t \"\\{}=,#:_-+.azAZ09eENx\x7f\x80\xc3\xa9\xff\xe2\x82\xac;'()[]<>/*"
ESCAPES = [rb"\n", rb"\\", rb"\"", rb"\t", rb"\x", rb"\u0041", b"\\", rb"\0", b"\n", b"\t", b"\0", b"\xc3\xa9", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b""]
TYPES = b"counter gauge histogram summary untyped unknown info stateset gaugehistogram Counter bla counter\t gauge\r \"gauge\"".split(b" ") + [b"", b"gauge extra", b"gauge "]
LABELS = [b'le="1"', b'le="1e3"', b'le="+Inf"', b'le="x"', b'quantile="1"', b'a=""', b'__name__="n"', b'page="p"', b'instance=""', b'exported_page="q"',
          b'a="1",a="2"', b'a="1",a="1"', b'1a="x"', b'a:b="x"', b'a = "x"', b"a='x'", b'a=x', b'a="x" ', b'="x"', b'a', b'a=', b'a="', b',', b',,', b'"q"="x"', b'"a"']
COMMENTS = [b"#", b"# ", b"#comment", b"# comment", b"# HELP", b"# HELP ", b"# HELP x", b"# HELP x ", b"# HELP x a \\n \\\\ \\t \xc3\xa9", b"# HELP x \xff", b"#HELP x y",
            b"# TYPE", b"# TYPE ", b"# TYPE x", b"# TYPE x ", b"# TYPE x gauge", b"#  TYPE  x  gauge", b"#\tTYPE\tx\tgauge", b"# TYPE x gauge ", b"# TYPE 1x gauge", b"# UNIT x", b"# UNIT x ",
            b"# UNIT x_seconds seconds", b"# UNIT x_seconds bytes", b"# EOF", b"# EOF ", b"# EOF x", b"#EOF", b"# eof", b" # HELP x y", b"\t# TYPE x gauge", b"# help x y", b"# HELPx y", b"# TYPE x:y counter", b"", b" ", b"\t", b"\r", b"\0", b"x\0 1"]
EXEMPLARS = [b' # {} 1', b' # {a="b"} 1', b' # {a="b"} 1 1', b' # {a="b"} 1 1.5', b' # {a="b"}', b' # {a="b"} x', b' # {a="b",} 1', b' # {a="b" } 1', b' #{a="b"} 1', b' # {a="b"}1', b' # 1', b' # {a="b"} 1 ', b' # {a="b"} 1 nan', b' # {a="\xff"} 1', b' # ', b' #', b' # {a="' + b"x" * 200 + b'"} 1', b' # {"n"} 1', b' # {a="b"} 1 # {a="b"} 1']
SAMPLE = re.compile(rb'^([^#\s{][^\s{]*)(\{.*\})?([ \t]+)(\S+)([ \t]+\S+)?')


class Mutator:
    def __init__(self, random, sources, now_ms, openmetrics):
        self.random, self.now_ms, self.openmetrics = random, now_ms, openmetrics
        self.sources = [self.moved(body).split(b"\n") for body in sources]

    def moved(self, body):
        """The page with its explicit timestamps near now."""
        return near_now(body, self.now_ms, self.openmetrics)

    def page(self):
        """A window of a page, damaged up to four times."""
        lines = self.random.choice(self.sources)
        begin = self.random.randrange(len(lines))
        lines = lines[begin:begin + self.random.randint(2, 20)]
        if self.random.random() < 0.5:
            lines = [b"# TYPE m histogram", b'm_bucket{le="1"} 1', b'm_bucket{le="+Inf"} 2', b"m_sum 1.5", b"m_count 2", *lines]
        lines = [line for line in lines if not self.openmetrics or line and line != b"# EOF"]
        body = b"\n".join(self.damaged(lines, self.random.choice((0, 1, 1, 1, 2, 2, 3, 4))))
        if self.openmetrics:
            return body + self.random.choice([b"\n# EOF\n"] * 30 + [b"\n# EOF", b"\n", b"", b"# EOF\n", b"\n# EOF\n\n", b"\n# EOF\nx 1\n"])
        return body + self.random.choice([b"\n"] * 10 + [b"", b"\n\n", b"\r\n", b" "])

    def damaged(self, lines, times):
        lines = list(lines)
        for _ in range(times):
            if not lines:
                break
            i = self.random.randrange(len(lines))
            lines[i:i + 1] = self.random.choice(self.damages)(self, lines[i], lines)
        return lines

    def flip(self, line, _):
        i = self.random.randint(0, len(line))
        return [line[:i] + bytes([self.random.choice(BYTES)]) + line[i + self.random.randint(0, 1):]]

    def delete(self, line, _):
        i = self.random.randint(0, len(line))
        return [line[:i] + line[i + 1:]]

    def cut(self, line, _):
        i = self.random.randint(0, len(line))
        return [line[:i]] if self.random.random() < 0.7 else [line[:i], line[i:]]

    def double(self, line, _):
        match = SAMPLE.match(line)
        if match and self.random.random() < 0.5:
            return [line, match[1] + (match[2] or b"") + b" 77"]
        return [line, line]

    def swap(self, line, lines):
        i = self.random.randrange(len(lines))
        other, lines[i] = lines[i], line
        return [other]

    def kind(self, line, _):
        name = (SAMPLE.match(line) or [b"", b"x"])[1]
        name = re.sub(rb"_(bucket|sum|count|total|created)$", b"", name) if self.random.random() < 0.7 else name
        return [b"# TYPE " + name + b" " + self.random.choice(TYPES), line]

    def value(self, line, _):
        match = SAMPLE.match(line)
        return [line[:match.start(4)] + self.random.choice(FLOATS).encode() + line[match.end(4):]] if match else [line]

    def time(self, line, _):
        match = SAMPLE.match(line)
        if not match:
            return [line]
        now = self.now_ms
        if self.openmetrics and self.random.random() < 0.8:
            words = dict(now=(now - 1000) / 1000, past=(now - 5000) / 1000, older=(now - 10**8) / 1000, soon=(now + 300_000) / 1000, seconds=now // 1000)
        else:
            words = dict(now=now - 1000, past=now - 5000, older=now - 10**8, soon=now + 300_000, seconds=now // 1000)
        return [line[:match.end(4)] + b" " + self.random.choice(TIMES).format(**words).encode()]

    def spaces(self, line, _):
        spots = [match.start() for match in re.finditer(rb'[ {},="]|$', line)]
        i = self.random.choice(spots)
        return [line[:i] + self.random.choice([b" ", b"  ", b"\t", b" \t", b"\r", b"\v", b"\xc2\xa0"]) + line[i:]]

    def escape(self, line, _):
        spots = [match.end() for match in re.finditer(rb'"', line)] or [len(line)]
        i = self.random.choice(spots)
        return [line[:i] + self.random.choice(ESCAPES) + line[i:]]

    def label(self, line, _):
        match = SAMPLE.match(line)
        if not match:
            return [line]
        label = self.random.choice(LABELS)
        if match[2]:
            i = match.start(2) + 1 if self.random.random() < 0.5 else match.end(2) - 1
            parts = [line[:i], b"," if line[i:i + 1] == b"}" else b"", label, b"" if line[i:i + 1] == b"}" else self.random.choice([b",", b",", b""]), line[i:]]
            return [b"".join(parts)]
        return [match[1] + b"{" + label + b"}" + line[match.end(1):]]

    def comment(self, line, _):
        return [self.random.choice(COMMENTS), line]

    def exemplar(self, line, _):
        return [line.split(b" # ")[0] + self.random.choice(EXEMPLARS)]

    def drop(self, _line, _lines):
        return []

    def name(self, line, _):
        return [self.random.choice([b"1", b":", b"_", b"a.b", b"\xc3\xa9", b'{"q"} ', b"{} ", b"{", b"", b"up", b"HELP", b"nan ", b'"a" ']) + line]

    damages = [flip, flip, flip, delete, cut, double, double, swap, kind, kind, value, value, time, time, spaces, spaces, escape, escape, label, label, comment, comment, exemplar, drop, name]


def near_now(body, now_ms, openmetrics):
    """The page with every explicit timestamp within the last two minutes, each line its own."""
    lines = body.split(b"\n")
    for i, line in enumerate(lines):
        time_ms = now_ms - 1000 * (i % 100) - 13
        if openmetrics:
            lines[i] = re.sub(rb'^([^#\s{]\S*(?:\{[^}]*\})? \S+) -?[0-9.e+]+(?= #|$)', lambda m: m[1] + b" %.3f" % (time_ms / 1000), line)
        else:
            lines[i] = re.sub(rb'^([^#\s{][^\s{]*(?:\{.*\})?[ \t]+\S+[ \t]+)[0-9]+([ \t]*)$', lambda m: m[1] + b"%d" % time_ms + m[2], line)
    return b"\n".join(lines)
