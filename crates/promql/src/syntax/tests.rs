use super::{Dur, Features, Node, ValueType, parse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Parses, prints as given, and what is printed prints the same.
#[track_caller]
fn check(text: &str, printed: &str) {
    match parse(text, &Features::ALL) {
        Ok(expr) => assert_eq!(expr.to_string(), printed, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
    let again = parse(printed, &Features::ALL).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(again.to_string(), printed, "printed again");
}

#[track_caller]
fn check_same(text: &str) {
    check(text, text);
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    match parse(text, &Features::ALL) {
        Ok(expr) => panic!("{text}: accepted as {expr}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{text}"),
    }
}

#[test]
fn numbers() {
    check("1", "1");
    check("0x1F", "31");
    check("0755", "493");
    check("1_000", "1000");
    check("1e3", "1000");
    check(".5", "0.5");
    check("-1", "-1");
    check("+ - 2.5", "-2.5");
    check("iNf", "+Inf");
    check("-Inf", "-Inf");
    check("nan", "NaN");
    check("1e100", "1e100".parse::<f64>().unwrap().to_string().as_str());
    check("5m", "5m");
    check("-90s", "-1m30s");
    check("0s", "0s");
    check("1d25h", "2d1h");
}

#[test]
fn operators_bind_as_they_should() {
    let tree = |text: &str| {
        fn show(expr: &super::Expr, id: super::NodeId) -> String {
            match expr.node(id) {
                Node::Binary(b) => {
                    let (l, r) = (show(expr, b.lhs), show(expr, b.rhs));
                    format!("({l}{}{r})", b.op.as_str())
                }
                Node::Unary { expr: inner, .. } => format!("(-{})", show(expr, *inner)),
                _ => expr.printed(id).to_string(),
            }
        }
        let expr = parse(text, &Features::ALL).unwrap_or_else(|error| panic!("{text}: {error}"));
        show(&expr, expr.root())
    };
    let check = |text: &str, expected: &str| assert_eq!(tree(text), expected, "{text}");
    check("a + b * c", "(a+(b*c))");
    check("a - b - c", "((a-b)-c)");
    check("a ^ b ^ c", "(a^(b^c))");
    check("-a ^ b", "(-(a^b))");
    check("-a * b", "((-a)*b)");
    check("a ^ -b * c", "((a^(-b))*c)");
    check("a or b and c unless d", "(aor((bandc)unlessd))");
    check("a == b + c", "(a==(b+c))");
    check("a % b atan2 c", "((a%b)atan2c)");
    check("a </ 2 > b", "((a</2)>b)");
    check("-1 ^ 2", "(-(1^2))");
    check("2 ^ -1 ^ 2", "(2^(-(1^2)))");
    check("a offset -2^2", "(a offset -2s^2)");
    check("a offset 1m + b", "(a offset 1m+b)");
    check("a offset step() + b", "(a offset step()+b)");
    check("a offset (1m) + 2m", "a offset (1m) + 2m");
    check("- a @ 5 offset 1m", "(-a @ 5.000 offset 1m)");
}

#[test]
fn selectors() {
    check("up", "up");
    check("up {}", "up");
    check(r#"up{b='2',a="1",}"#, r#"up{a="1",b="2"}"#);
    check(r#"{__name__="up"}"#, r#"{__name__="up"}"#);
    check(r#"{"a.b", 'l.m'=~"x|y"}"#, r#"{"l.m"=~"x|y",__name__="a.b"}"#);
    check(r"up{a=~`\d+`}", r#"up{a=~"\\d+"}"#);
    check("a:b:c", "a:b:c");
    check("up[5m]", "up[5m]");
    check("up [ 300 ] offset 1w", "up[5m] offset 1w");
    check("up offset -5m", "up offset -5m");
    check("up offset 0s", "up");
    check("up @ 1.5", "up @ 1.500");
    check("up @ -100", "up @ -100.000");
    check("up @ start ( ) offset 1m", "up @ start() offset 1m");
    check("up offset 1m @ end()", "up @ end() offset 1m");
    check_same("up[5m] anchored @ 1.000 offset 1m");
    check_same("up @ 1.000 smoothed offset 1m");
    check("up[1h:5m] offset 1m @ 3", "up[1h:5m] @ 3.000 offset 1m");
    check_same("rate(up[5m])[1h:]");
    for word in ["sum", "by", "without", "offset", "and", "or", "unless", "start", "end", "step"] {
        check_same(word);
        check_same(&format!("{word}{{a=\"b\"}} + {word}"));
    }
    check_same("fill + fill_left");
    check_same("anchored anchored");
    check("{a!=\"\", # comment\n b!~\"c\"} # more", "{a!=\"\",b!~\"c\"}");
}

#[test]
fn duration_expressions() {
    check_same("up[5m + 3m]");
    check("up[2m*(10+5)]", "up[2m * (10 + 5)]");
    check_same("up[step() + 1m:range() / 2]");
    check_same("up[min_of(step(), 1m)]");
    check_same("up offset -(5m)");
    check_same("up offset (1m + 2m)");
    check_same("up offset -max_of(step(), 1s) + 8000");
    check("up[(5m)]", "up[(5m)]");
    check("up[((5m))]", "up[(5m)]");
    check("up[-(-5m)]", "up[-(-5m)]");
    let expr = parse("up[1m30s]", &Features::default()).unwrap();
    let Node::MatrixSelector { range, .. } = expr.node(expr.root()) else { panic!("{expr}") };
    assert_eq!(*range, Dur::Ms(90_000));
}

#[test]
fn calls_aggregations_and_matching() {
    check_same("time()");
    check("rate( up [ 5m ] )", "rate(up[5m])");
    check("sum(up)by(a,b,)", "sum by (a, b) (up)");
    check_same("sum without () (up)");
    check("sum by () (up)", "sum(up)");
    check_same(r#"sum by ("a.b", on, bool) (up)"#);
    check_same("topk by (a) (3, up)");
    check_same(r#"count_values("v", up)"#);
    check("a+on(x)group_left b", "a + on (x) group_left () b");
    check_same("a / ignoring (x) group_right (y, z) b");
    check("a == bool on(x) b", "a == bool on (x) b");
    check("a + fill(0) b", "a + fill (0) b");
    check("a + fill_right(-2) fill_left(1e30) b", "a + fill_left (1e+30) fill_right (-2) b");
    check("a and on() b", "a and on () b");
    check("min_of(1, max_of(2, 3))", "min_of(1, max_of(2, 3))");
    check_same(r#"info(up, {data=~".*"})"#);
    check_same(r#"label_join(up, "a", "\xff\u200b", "é")"#);
    let expr = parse("sum(rate(up[5m])) > bool 1", &Features::default()).unwrap();
    let types: Vec<_> = expr.ids().map(|id| expr.value_type(id)).collect();
    let (v, m, s) = (ValueType::Vector, ValueType::Matrix, ValueType::Scalar);
    assert_eq!(types, [v, m, v, v, s, v]);
    assert_eq!(expr.span_text(expr.root()), "sum(rate(up[5m])) > bool 1");
    let spans: Vec<_> = expr.ids().map(|id| expr.span_text(id)).collect();
    assert_eq!(spans[..3], ["up", "up[5m]", "rate(up[5m])"]);
}

#[test]
fn syntax_errors() {
    let check = check_error;
    check("", "unknown position: parse error: no expression found in input");
    check("# only a comment", "1:1: parse error: no expression found in input");
    check("1 +", "1:4: parse error: unexpected end of input");
    check("1 /* 2", "1:4: parse error: unexpected <op:*>");
    check("(", "1:2: parse error: unclosed left parenthesis");
    check("1)", "1:3: parse error: unexpected right parenthesis ')'");
    check("a b", "1:3: parse error: unexpected identifier \"b\"");
    check("a\n  b", "2:3: parse error: unexpected identifier \"b\"");
    check("a =~ 1", "1:3: parse error: unexpected character after '=': '~'");
    check("sum(a b)", "1:7: parse error: unexpected identifier \"b\" in aggregation");
    check(
        "sum by a (b)",
        "1:8: parse error: unexpected identifier \"a\" in grouping opts, expected \"(\"",
    );
    check(
        "a{b}",
        "1:4: parse error: unexpected \"}\" in label matching, expected label matching operator",
    );
    check(
        "a{b=c}",
        "1:5: parse error: unexpected identifier \"c\" in label matching, expected string",
    );
    check(
        "a{,}",
        "1:3: parse error: unexpected \",\" in label matching, expected identifier or \"}\"",
    );
    check("a{b=\"c\"", "1:8: parse error: unexpected end of input inside braces");
    check("a[5m", "1:5: parse error: unclosed left bracket");
    check("a[b]", "1:3: parse error: unexpected character in duration expression: 'b'");
    check(
        "a[5m 1]",
        "1:6: parse error: unexpected number \"1\" in subquery or range, expected \":\" or \"]\"",
    );
    check(
        "a offset b",
        "1:10: parse error: unexpected identifier \"b\" in offset, expected number, duration, \
         step(), or range()",
    );
    check("a @ b", "1:5: parse error: unexpected identifier \"b\" in @, expected timestamp");
    check("\"a", "1:1: parse error: unterminated quoted string");
    check("\"\\q\"", "1:1: parse error: unknown escape sequence U+0071 'q'");
    check("1_", "1:1: parse error: bad number or duration syntax: \"1_\"");
    check("5mm", "1:1: parse error: bad number or duration syntax: \"5mm\"");
    check(
        "1e400",
        "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"1e400\": value out \
         of range",
    );
    check("rate(a,)", "1:7: parse error: trailing commas not allowed in function call args");
}

#[test]
fn faults_of_meaning() {
    let check = check_error;
    check(
        "rate(a)",
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant \
         vector",
    );
    check("rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0");
    check(
        "round(a, 1, 2)",
        "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3",
    );
    check(
        "label_join(a)",
        "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1",
    );
    check("nope(a)", "1:1: parse error: unknown function with name \"nope\"");
    check(
        "a == 1 == bool \"x\"",
        "1:16: parse error: binary expression must contain only scalar and instant vector types",
    );
    check("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier");
    check("a + bool b", "1:3: parse error: bool modifier can only be used on comparison operators");
    check(
        "a and 1",
        "1:1: parse error: set operator \"and\" not allowed in binary scalar expression",
    );
    check("a + on(x) 1", "1:1: parse error: vector matching only allowed between instant vectors");
    check("a or on(x) group_left b", "1:1: parse error: no grouping allowed for \"or\" operation");
    check(
        "a + on(x) group_left(x) b",
        "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once",
    );
    check(
        "sum(1)",
        "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
    );
    check(
        "topk(a)",
        "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1",
    );
    check(
        "-\"a\"",
        "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
    );
    check("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher");
    check(
        "{a=~\".*\"}",
        "1:1: parse error: vector selector must contain at least one non-empty matcher",
    );
    check(
        "a{__name__=\"b\"}",
        "1:1: parse error: metric name must not be set twice: \"a\" or \"b\"",
    );
    check("a[5m][5m]", "1:6: parse error: ranges only allowed for vector selectors");
    check("a offset 1m [5m]", "1:13: parse error: no offset modifiers allowed before range");
    check("a @ 1 [5m]", "1:7: parse error: no @ modifiers allowed before range");
    check(
        "a[5m:1m][5m:]",
        "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
    );
    check("a[0]", "1:3: parse error: duration must be greater than 0");
    check("a[1e30]", "1:3: parse error: duration out of range");
    check("a offset NaN", "1:10: parse error: duration out of range");
    check("a @ Inf", "1:1: parse error: timestamp out of bounds for @ modifier: +Inf");
    check(
        "a @ 1e19",
        "1:1: parse error: timestamp out of bounds for @ modifier: 10000000000000000000.000000",
    );
    check(
        "1 offset 1m",
        "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    );
    check("a offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times");
    check("a @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times");
    check(
        "info(a, b)",
        "1:9: parse error: expected label selectors only, got vector selector instead",
    );
    check("a[2m / 0]", "1:6: parse error: division by zero");
}

#[test]
fn all_faults_are_collected() {
    let error = parse("rate(a) + nope(b) + x(c)", &Features::ALL).unwrap_err();
    let faults: Vec<_> = error.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "1:11: parse error: unknown function with name \"nope\"",
            "1:21: parse error: unknown function with name \"x\"",
        ]
    );
}

#[test]
fn switches_are_off_by_default() {
    let check = |text: &str, expected: &str| {
        let error = parse(text, &Features::default()).expect_err(text).to_string();
        assert_eq!(error, format!("1:1: parse error: {expected}"), "{text}");
    };
    check("sort_by_label(a)", "function \"sort_by_label\" is not enabled");
    check("step()", "function \"step\" is not enabled");
    check(
        "limitk(1, a)",
        "limitk() is experimental and must be enabled with \
         --enable-feature=promql-experimental-functions",
    );
    check("a[5m] anchored", "anchored modifier is experimental and not enabled");
    check("a smoothed", "smoothed modifier is experimental and not enabled");
    check("a + fill(1) b", "binop fill modifiers are experimental and not enabled");
}

#[test]
fn depth_has_a_limit() {
    let check = |open: &str, close: &str, most: usize| {
        let nested = |n: usize| format!("{}a{}", open.repeat(n), close.repeat(n));
        let fits = parse(&nested(most), &Features::ALL).unwrap_or_else(|error| panic!("{error}"));
        assert!(!fits.to_string().is_empty());
        for n in [most + 1, 100_000] {
            let error = parse(&nested(n), &Features::ALL).expect_err(open).to_string();
            assert!(error.ends_with("nested more than 1000 levels deep"), "{error}");
        }
    };
    check("(", ")", 999);
    check("abs(", ")", 999);
    check("sum(", ")", 999);
    check("-", "", 999);
    check("a ^ ", "", 999);
    check("", " + a", 999);
    check("last_over_time(", "[5m:])", 499);
}

#[test]
fn time_is_linear_in_the_text() {
    let check = |text: String| {
        let started = Instant::now();
        parse(&text, &Features::ALL).map(|expr| expr.to_string()).ok();
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(20), "{elapsed:?}: {}", &text[..20]);
    };
    const MEGABYTE: usize = 1 << 20;
    check(format!("a{{b=\"{}\"}}", "c".repeat(MEGABYTE)));
    check(format!("a{{{}}}", "b=\"c\",".repeat(MEGABYTE / 6)));
    check(format!("sum by ({}) (a)", "b,".repeat(MEGABYTE / 2)));
    check(format!("label_join(a, \"b\"{})", ", \"c\"".repeat(MEGABYTE / 5)));
    check("a + ".repeat(MEGABYTE / 4));
    check("(".repeat(MEGABYTE));
    check("a[".repeat(MEGABYTE / 2));
    check(format!("a{}", " ".repeat(MEGABYTE)));
    check(format!("a + fill {}", "fill ".repeat(MEGABYTE / 5)));
    check("1".repeat(MEGABYTE));
    check(format!("f({})", "a(),".repeat(MEGABYTE / 4)));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".*") {
        parse(&text, &Features::ALL).ok();
    }

    /// Words in any order get deeper into the parser than characters do.
    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(word(), 0..24)) {
        let text = words.join(" ");
        if let Ok(expr) = parse(&text, &Features::ALL) {
            let printed = expr.to_string();
            let again = parse(&printed, &Features::ALL);
            let again = again.unwrap_or_else(|error| panic!("{text}: {printed}: {error}"));
            prop_assert_eq!(again.to_string(), printed);
            for id in expr.ids() {
                prop_assert!(!expr.span_text(id).is_empty());
            }
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "1",
        "2.5",
        "0x1f",
        "5m",
        "1h30m",
        "NaN",
        "Inf",
        "-",
        "+",
        "*",
        "/",
        "%",
        "^",
        "==",
        "!=",
        "<",
        ">=",
        "</",
        ">/",
        "and",
        "or",
        "unless",
        "atan2",
        "(",
        ")",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "[5m]",
        "[5m:]",
        "[5m:1m]",
        ":",
        ",",
        "=",
        "=~",
        "!~",
        "\"x\"",
        "'y'",
        "`z`",
        "\"\\xff\"",
        "{a=\"b\"}",
        "{\"q.r\"}",
        "@",
        "@ 1",
        "@ end()",
        "offset",
        "offset 1m",
        "offset -1m",
        "anchored",
        "smoothed",
        "by",
        "by (a)",
        "without",
        "on",
        "on (a)",
        "ignoring",
        "group_left",
        "group_right",
        "fill",
        "fill(1)",
        "fill_left",
        "bool",
        "sum",
        "topk",
        "count_values",
        "sum(a)",
        "rate(a[5m])",
        "rate",
        "time()",
        "info",
        "step()",
        "range()",
        "min_of",
        "max_of",
        "start",
        "end",
        "#",
        "\n",
        "\u{fffd}",
        "é",
    ])
}
