use super::Template;

#[track_caller]
fn accepts(text: &str) {
    if let Err(error) = Template::parse("t", text) {
        panic!("{text:?}: {error}");
    }
}

#[track_caller]
fn refuses(text: &str, line: usize, message: &str) {
    let error = Template::parse("t", text).expect_err(text);
    assert_eq!((error.line, error.message.as_str()), (line, message), "{text:?}");
}

#[test]
fn what_rules_say() {
    accepts("");
    accepts("plain } text {");
    accepts(
        "{{ $labels.instance }} of {{$labels.job}} is {{ $value | humanize }} {{- /* why */ -}} .",
    );
    accepts("{{ if gt $value 0.5 }}a{{ else if eq .Value 1.0 }}b{{ else }}c{{ end }}");
    accepts("{{ with query \"up{job='x'}\" }}{{ . | first | value | printf \"%.2f\" }}{{ end }}");
    accepts("{{ with $x := first (query `up`) }}{{ $x.Labels.job }}{{else with 1}}b{{ end }}");
    accepts(
        "{{ range $i, $v := query \"up\" }}{{ if not $v }}{{ break }}{{ end }}{{ $i }}{{ end }}",
    );
    accepts("{{ range query \"a\" | sortByLabel \"x\" }}{{ .Labels.x }}{{ else }}none{{ end }}");
    accepts("{{ define \"a\" }}{{ . }}{{ end }}{{ template \"a\" $value }}");
    accepts("{{ block \"b\" . }}{{ .Value }}{{ end }}");
    accepts(
        "{{ (first (query \"up\")).Value }}{{ ($labels).job }}{{ '\\n' }}{{ 0x1F }} {{ -1.5e3 }}",
    );
    accepts("{{ $x := 1 }}{{ $x = 2 }}{{ $x }}");
    accepts("{{$value}}{{.Labels}}{{.}}{{$}}{{ $.Labels.a }}{{ \"\\u00e9\\x41\" }}");
    accepts("a {{- \" b\" -}} c{{ print \"{{\" }}");
}

#[test]
fn what_is_refused_and_where() {
    refuses("{{", 1, "unclosed action");
    refuses("a\n{{ $value", 2, "unclosed action");
    refuses("{{ nofunc }}", 1, "function \"nofunc\" not defined");
    refuses("\n\n{{ $valu }}", 3, "undefined variable \"$valu\"");
    refuses("{{ if true }}", 1, "unexpected EOF");
    refuses("{{ end }}", 1, "unexpected {{end}}");
    refuses("{{ else }}", 1, "unexpected {{else}}");
    refuses("{{ }}", 1, "missing value for command");
    refuses("{{ if }}x{{ end }}", 1, "missing value for if");
    refuses("{{ 1 | 2 }}", 1, "non executable command in pipeline stage 2");
    refuses("{{ \"a }}", 1, "unterminated quoted string");
    refuses("{{ (1 }}", 1, "unclosed left paren");
    refuses("{{ 1) }}", 1, "unexpected \")\" in command");
    refuses("{{ 1a }}", 1, "bad number syntax: \"1a\"");
    refuses("{{ break }}", 1, "{{break}} outside {{range}}");
    refuses("{{/* a }}", 1, "unclosed comment");
    refuses("{{ $x, $y := 1 }}", 1, "too many declarations in command");
    refuses("{{ $labels.a! }}", 1, "bad character U+0021 '!'");
    refuses("{{ % }}", 1, "unexpected \"%\" in command");
    refuses("{{ \u{a0} }}", 1, "unrecognized character in action: U+00A0");
    refuses("{{ 1 + 1 }}", 1, "illegal number syntax: \"+\"");
    refuses("{{ 99999999999999999999 }}", 1, "integer overflow: \"99999999999999999999\"");
    refuses("{{ \"a\".b }}", 1, "unexpected . after term \"\\\"a\\\"\"");
    refuses(
        "{{ define \"a\" }}1{{ end }}{{ define \"a\" }}2{{ end }}",
        1,
        "template: multiple definition of template \"a\"",
    );
    refuses("{{ if 1 }}{{ $a := 1 }}{{ end }}{{ $a }}", 1, "undefined variable \"$a\"");
    refuses("{{ define \"a\" }}{{ $labels }}{{ end }}", 1, "undefined variable \"$labels\"");
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("(", ")"), ("{{if 1}}", "{{end}}")] {
        let text = match open {
            "(" => format!("{{{{ {}1{} }}}}", open.repeat(100_000), close.repeat(100_000)),
            _ => format!("{}{}", open.repeat(100_000), close.repeat(100_000)),
        };
        refuses(&text, 1, "nested deeper than 100");
    }
}

#[test]
fn constant_or_not() {
    for (text, constant) in
        [("a", true), ("", true), ("{{ $value }}", false), ("{{/* x */}}", true)]
    {
        assert_eq!(Template::parse("t", text).unwrap().is_constant(), constant, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in r#"(\{\{|\}\}|if |end|else|range|\$x|:=|=|\.|\(|\)|\||"|`|'|-| |\n|[a-z0-9é]){0,40}"#) {
        let _read: Result<Template, _> = Template::parse("t", &text);
    }
}

struct Store;

impl super::Host for Store {
    fn query(&self, expr: &str) -> Result<Vec<super::Sample>, String> {
        let sample = |job: &str, value: f64| super::Sample {
            labels: [
                ("job".to_owned(), job.to_owned()),
                ("__value__".to_owned(), "text".to_owned()),
            ]
            .into(),
            value,
        };
        match expr {
            "up" => Ok(vec![sample("b", 1.0), sample("a", 0.25)]),
            "none" => Ok(Vec::new()),
            _ => Err("bad query".to_owned()),
        }
    }

    fn now_ms(&self) -> i64 {
        1_500
    }

    fn external_url(&self) -> &str {
        "http://host:9090/prefix/"
    }
}

fn expand(text: &str) -> Result<String, String> {
    let data = super::AlertData {
        labels: &model::Labels::from_pairs([("instance", "db-1.example.com:9100"), ("job", "x")]),
        external_labels: &model::Labels::from_pairs([("cluster", "c")]),
        external_url: "http://host:9090/prefix/",
        value: super::AlertValue::Float(1_234_567.0),
    };
    let template = Template::parse("t", text).map_err(|error| error.to_string())?;
    template.expand(&data, &Store).map_err(|error| error.to_string())
}

#[track_caller]
fn gives(text: &str, expected: &str) {
    assert_eq!(expand(text).as_deref(), Ok(expected), "{text}");
}

#[test]
fn data_and_functions() {
    gives(
        "{{ $labels.instance }} {{ .Labels.job }} {{ $labels.none }}|",
        "db-1.example.com:9100 x |",
    );
    gives(
        "{{ $value }} {{ $value | humanize }} {{ printf \"%.1f\" $value }}",
        "1.234567e+06 1.235M 1234567.0",
    );
    gives(
        "{{ $externalLabels.cluster }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
        "c http://host:9090/prefix/ http://host:9090/prefix/ /prefix/",
    );
    gives(
        "{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }} {{ stripDomain \"10.0.0.1:80\" }}",
        "db-1.example.com db-1:9100 10.0.0.1:80",
    );
    gives(
        "{{ range query \"up\" | sortByLabel \"job\" }}{{ .Labels.job }}={{ .Value }} {{ end }}",
        "a=0.25 b=1 ",
    );
    gives(
        "{{ with query \"up\" }}{{ . | first | label \"job\" }} {{ first . | value }} {{ first . | strvalue }}{{ end }}",
        "b 1 text",
    );
    gives(
        "{{ with query \"none\" }}some{{ else }}none{{ end }} {{ len (query \"up\") }}",
        "none 2",
    );
    gives(
        "{{ range $i, $s := query \"up\" }}{{ if $i }}, {{ end }}{{ $i }}:{{ $s.Labels.job }}{{ end }}",
        "0:b, 1:a",
    );
    gives("{{ range query \"none\" }}x{{ else }}empty{{ end }}", "empty");
    gives(
        "{{ if and (gt $value 1.0) (eq $labels.job \"y\" \"x\") }}yes{{ else if true }}no{{ end }}",
        "yes",
    );
    gives(
        "{{ or \"\" \"b\" }} {{ and 1 0 }} {{ not 0 }} {{ index $labels \"job\" }} {{ slice \"abcdef\" 1 3 }}",
        "b 0 true x bc",
    );
    gives(
        "{{ define \"x\" }}<{{ .arg0 }} {{ .arg1 }}>{{ end }}{{ template \"x\" (args 1 \"b\") }}",
        "<1 b>",
    );
    gives("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}", "32");
    gives(
        "{{ range $i := 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $i }}{{ end }}",
        "02",
    );
    gives(
        "{{ title \"ab cd\" }} {{ toUpper \"é\" }} {{ match \"b+\" \"abb\" }} {{ reReplaceAll \"(b+)\" \"<$1>\" \"abba\" }}",
        "Ab Cd É true a<bb>a",
    );
    gives(
        "{{ humanizeTimestamp 1435065584.128 }} {{ toDuration 90.5 }} {{ parseDuration \"-1h\" }} {{ now }}",
        "2015-06-23 13:19:44.128 +0000 UTC 1m30.5s -3600 1.5",
    );
    gives(
        "{{ humanizeTimestamp 0 }} {{ humanizeDuration \"60\" }} {{ 0.5 | humanizePercentage }}",
        "1970-01-01 00:00:00 +0000 UTC 1m 0s 50%",
    );
    gives(
        "{{ graphLink \"a b\" }} {{ urlquery \"a&b\" }} {{ html \"<a>\" }}",
        "/graph?g0.expr=a+b&g0.tab=0 a%26b &lt;a&gt;",
    );
    gives("{{ print 1 2 \"a\" 3 }} {{ println \"x\" 1 }}", "1 2a3 x 1\n");
    gives("{{ $labels }}", "map[instance:db-1.example.com:9100 job:x]");
    gives("a {{- /* c */ -}} b", "ab");
    gives("{{ (query \"up\" | first).Value }} {{ (index (query \"up\") 1).Labels.job }}", "1 a");
}

#[test]
fn times_have_methods() {
    let gives = |text: &str, expected: &str| gives(&format!("{{{{ {text} }}}}"), expected);
    gives("(toTime 1435065584.128).Year", "2015");
    gives("(toTime 1435065584.128).Month", "June");
    gives("(toTime 1435065584.128).Weekday", "Tuesday");
    gives("(toTime 1435065584.128).Format \"Jan 2 15:04:05.000\"", "Jun 23 13:19:44.128");
    gives("\"2006\" | (toTime 0).Format", "1970");
    gives("(toTime 60).Sub (toTime 0)", "1m0s");
    gives("(toTime 0).UTC.YearDay", "1");
    gives("(toTime 0).AddDate 0 1 0", "1970-02-01 00:00:00 +0000 UTC");
    gives("(toTime 2678400).AddDate 0 1 30", "1970-03-31 00:00:00 +0000 UTC");
    gives("(toTime 90061).Truncate 3600000000000", "1970-01-02 01:00:00 +0000 UTC");
    gives("(toTime 0).Before (toTime 1)", "true");
    gives("eq (toTime 0).Month 1", "true");
    gives("(toDuration 5400).Hours", "1.5");
    gives("(toDuration 1.5).Round 1000000000", "2s");
    gives("(toDuration 1.5).Milliseconds", "1500");
}

#[test]
fn what_fails_says_where_and_why() {
    let fails = |text: &str, expected: &str| {
        let error = expand(text).expect_err(text);
        assert!(error.ends_with(expected), "{text}: {error}");
    };
    fails(
        "{{ query \"none\" | first }}",
        "error calling first: first() called on vector with no elements",
    );
    fails("{{ query \"x\" }}", "error calling query: bad query");
    fails(
        "\n {{ .Foo }}",
        "template: t:2:4: executing \"t\" at <.Foo>: can't evaluate field Foo in type struct { Labels \
         map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface \
         {} }",
    );
    fails(
        "{{ humanize \"x\" }}",
        "error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax",
    );
    fails("{{ eq $value 1 }}", "error calling eq: incompatible types for comparison");
    fails("{{ humanize }}", "wrong number of args for humanize: want 1 got 0");
    fails(
        "{{ $labels 1 }}",
        "t:1:115: executing \"t\" at <$labels>: can't give argument to non-function $labels",
    );
    fails("{{ .Value 1 }}", "at <.Value>: Value has arguments but cannot be invoked as function");
    fails("{{ title 1 }}", "at <1>: expected string; found 1");
    fails("{{ 1 | title }}", "at <title>: wrong type for value; expected string; got int");
    fails("{{ title nil }}", "at <nil>: cannot assign nil to string");
    fails("{{ first 1 }}", "at <1>: can't handle 1 for arg of type template.queryResult");
    fails(
        "{{ if gt $value 100 }}{{ end }}",
        "at <gt $value 100>: error calling gt: incompatible types for comparison",
    );
    fails("{{ (print 1 2).x }}", "at <2>: can't evaluate field x in type string");
    fails("{{ $x = 1 }}", "at <1>: undefined variable: $x");
    fails("{{ (args).a.b }}", "at <args>: nil pointer evaluating interface {}.b");
    fails("{{ call 1 }}", "at <call 1>: error calling call: non-function 1 of type int");
    fails("{{ toTime \"NaN\" }}", "error calling toTime: value is NaN or Inf");
    fails("{{ (toTime 0).Foo }}", "can't evaluate field Foo in type *time.Time");
    fails("{{ (toTime 0).Format 1 }}", "at <1>: expected string; found 1");
    fails("{{ (toTime 0).Year 1 }}", "wrong number of args for Year: want 0 got 1");
    fails("{{ template \"none\" }}", "template \"none\" not defined");
    fails(
        "{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}",
        "exceeded maximum template depth (100)",
    );
    fails("{{ range $i := 1000000 }}{{ end }}", "more than 100000 steps");
    fails(
        "{{ range $i := 100 }}{{ printf \"%900d\" 1 }}{{ end }}",
        "result is longer than 65536 bytes",
    );
    fails(
        "{{ match \"(\" \"x\" }}",
        "error calling match: error parsing regexp: missing closing ): `(`",
    );
}
