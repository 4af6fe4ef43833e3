use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(pattern: &str, matches: &[&str], others: &[&str]) {
    let regex = Regex::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    for text in matches {
        assert!(regex.is_match(text), "{pattern:?} matches {text:?}");
    }
    for text in others {
        assert!(!regex.is_match(text), "{pattern:?} does not match {text:?}");
    }
}

#[test]
fn whole_texts_match_and_dot_is_any_character() {
    check("foo", &["foo"], &["", "fo", "foobar", "xfoo", "foo\n"]);
    check("", &[""], &["a"]);
    check("a.c", &["abc", "a\nc", "aéc"], &["ac", "abbc"]);
    check("a|b", &["a", "b"], &["ab", "", "a|b"]);
    check("(?-s)a.c", &["abc"], &["a\nc"]);
    check("(?-s:a.)c", &["abc"], &["a\nc"]);
    check("^foo$", &["foo"], &["foo\n"]);
    check("(?m)^a$\n^b$", &["a\nb"], &["ab"]);
    check("a^b", &[], &["ab", "a^b"]);
    check("\\Aab\\z", &["ab"], &["a"]);
    check("(?i)foo|bar", &["FOO", "Bar"], &["fo"]);
    check("a(?i)b|c", &["ab", "aB", "C"], &["AB"]);
    check("(?:)", &[""], &["a"]);
    check("(?)a", &["a"], &[]);
    check("(?ii)a", &["A"], &[]);
    check("(?i-i)a", &["a"], &["A"]);
    check("(?U)a+", &["aaa"], &[""]);
    check("a||b", &["", "a", "b"], &["ab"]);
}

#[test]
fn classes_are_ascii_where_go_says_so() {
    check("\\d+", &["0", "19"], &["٣", "a"]);
    check("\\D", &["a", "٣", "\n"], &["1", ""]);
    check("\\w", &["a", "_", "0"], &["é", "-"]);
    check("\\W", &["é", "-"], &["a"]);
    check("\\s", &[" ", "\t", "\n", "\r", "\u{c}"], &["\u{b}", "\u{a0}", "a"]);
    check("\\S", &["\u{b}", "\u{a0}"], &[" "]);
    check("[\\d_]x", &["1x", "_x"], &["٣x"]);
    check("[^\\D]", &["1"], &["a"]);
    check("[\\D1]", &["1", "a"], &["2"]);
    check("a\\b.*", &["a", "a-b", "aé"], &["ab"]);
    check("a\\Bb", &["ab"], &["a"]);
    check("[[:alpha:]-]+", &["a-Z"], &["1", "é"]);
    check("[[:^alpha:]]", &["1", "é"], &["a"]);
    check("[[:word:]]", &["_"], &["é"]);
    check("(?i)[k]", &["k", "K", "\u{212a}"], &["l"]);
    check("\\pL+", &["aé"], &["1"]);
    check("\\PL", &["1"], &["a"]);
    check("\\p{Greek}", &["α"], &["a"]);
    check("\\p{^Greek}", &["a"], &["α"]);
    check("\\P{^Greek}", &["α"], &["a"]);
    check("[\\p{Lu}\\p{Nd}]", &["A", "1"], &["a"]);
    check("\\p{Letter}", &["a"], &["1"]);
    check("\\p{Any}", &["a", "\n"], &[""]);
}

#[test]
fn what_rust_would_read_differently_is_read_as_go_does() {
    check("[a&&b]+", &["a", "b", "&", "a&b"], &["c"]);
    check("[+--c~~]+", &["+", "-", "c", "~", ","], &["d", "."]);
    check("[[a]]", &["[]", "a]"], &["a"]);
    check("[]a]+", &["]", "a"], &["b"]);
    check("[^]a]", &["b"], &["]", "a"]);
    check("[a-]+", &["a-"], &["b"]);
    check("[-a]+", &["a-"], &["b"]);
    check("[a\\-z]+", &["a-z"], &["b"]);
    check("[[:foo]+", &[":", "f", "["], &["x"]);
    check("a{", &["a{"], &["a"]);
    check("a{,2}", &["a{,2}"], &["a", "aa"]);
    check("a{01}", &["a{01}"], &["a"]);
    check("a{x}b}", &["a{x}b}"], &[]);
    check("{\"a\":1}", &["{\"a\":1}"], &[]);
    check("a{2,3}", &["aa", "aaa"], &["a", "aaaa"]);
    check("a{2}", &["aa"], &["a", "a{2}"]);
    check("a{2,}?", &["aa", "aaaa"], &["a"]);
    check("a{0}", &[""], &["a"]);
    check("a]", &["a]"], &["a"]);
    check("\\Qa.b*\\E+", &["a.b*", "a.b**"], &["axb", "a.bb"]);
    check("\\Qa.b", &["a.b"], &["axb"]);
    check("x\\Q\\Ey", &["xy"], &[]);
    check("\\<a\\>\\_\\-\\@", &["<a>_-@"], &["a_-@"]);
    check("\\x41\\x{1F600}\\101\\012\\0", &["A😀A\n\0"], &[]);
    check("\\a\\f\\n\\r\\t\\v", &["\u{7}\u{c}\n\r\t\u{b}"], &[]);
    check("\\x{d800}|a", &["a"], &["b"]);
    check("[\\x{d000}-\\x{e000}]", &["\u{d000}", "\u{d7ff}", "\u{e000}"], &["\u{e001}"]);
    check("[\\x{d800}]|a", &["a"], &["b", ""]);
    check("[^\\x{d800}]", &["a"], &[""]);
    check("# x", &["# x"], &[]);
    check("(?P<1>a)(?<b>b)(?P<b>c)", &["abc"], &[]);
    check("(a{10}){100}", &[&"a".repeat(1000)], &[]);
}

#[track_caller]
fn refuses(pattern: &str, message: &str) {
    let error = Regex::new(pattern).expect_err(pattern).to_string();
    assert_eq!(error, format!("error parsing regexp: {message}"), "{pattern:?}");
}

#[test]
fn refuses_what_go_refuses_with_its_words() {
    refuses("a**", "invalid nested repetition operator: `**`");
    refuses("a*+", "invalid nested repetition operator: `*+`");
    refuses("a??*", "invalid nested repetition operator: `??*`");
    refuses("a{2}{3}", "invalid nested repetition operator: `{2}{3}`");
    refuses("*a", "missing argument to repetition operator: `*`");
    refuses("(+)", "missing argument to repetition operator: `+`");
    refuses("a|?", "missing argument to repetition operator: `?`");
    refuses("{2}", "missing argument to repetition operator: `{2}`");
    refuses("\\Q\\E*", "missing argument to repetition operator: `*`");
    refuses("a{1001}", "invalid repeat count: `{1001}`");
    refuses("a{2,1}", "invalid repeat count: `{2,1}`");
    refuses("a{99999999999999999999}", "invalid repeat count: `{99999999999999999999}`");
    refuses("(a{10}){101}", "invalid repeat count: `{101}`");
    refuses("((a{10}|b){10}c){11}", "invalid repeat count: `{11}`");
    refuses("(a", "missing closing ): `(a`");
    refuses("(?:a", "missing closing ): `(?:a`");
    refuses("a)", "unexpected ): `a)`");
    refuses("a)|(b", "unexpected ): `a)|(b`");
    refuses("[a", "missing closing ]: `[a`");
    refuses("[", "missing closing ]: `[`");
    refuses("[]", "missing closing ]: `[]`");
    refuses("x[^", "missing closing ]: `[^`");
    refuses("[z-a]", "invalid character class range: `z-a`");
    refuses("[[:foo:]]", "invalid character class range: `[:foo:]`");
    refuses("\\p{Foo}", "invalid character class range: `\\p{Foo}`");
    refuses("\\p{Alphabetic}", "invalid character class range: `\\p{Alphabetic}`");
    refuses("\\p{sc=Greek}", "invalid character class range: `\\p{sc=Greek}`");
    refuses("\\p{Greek", "invalid character class range: `\\p{Greek`");
    refuses("\\p", "invalid character class range: `\\p`");
    refuses("\\C", "invalid escape sequence: `\\C`");
    refuses("\\Z", "invalid escape sequence: `\\Z`");
    refuses("\\E", "invalid escape sequence: `\\E`");
    refuses("\\1", "invalid escape sequence: `\\1`");
    refuses("\\8", "invalid escape sequence: `\\8`");
    refuses("\\é", "invalid escape sequence: `\\é`");
    refuses("[\\b]", "invalid escape sequence: `\\b`");
    refuses("\\x", "invalid escape sequence: `\\x`");
    refuses("\\x4", "invalid escape sequence: `\\x`");
    refuses("\\xé", "invalid escape sequence: `\\x`");
    refuses("\\x{}", "invalid escape sequence: `\\x`");
    refuses("\\x{110000}", "invalid escape sequence: `\\x`");
    refuses("a\\", "trailing backslash at end of expression: ``");
    refuses("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
    refuses("(?u)a", "invalid or unsupported Perl syntax: `(?u`");
    refuses("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
    refuses("(?i-)a", "invalid or unsupported Perl syntax: `(?i-)`");
    refuses("(?P=n)", "invalid or unsupported Perl syntax: `(?P`");
    refuses("(?<=a)", "invalid named capture: `(?<=a)`");
    refuses("(?P<a b>c)", "invalid named capture: `(?P<a b>`");
    refuses("(?P<>c)", "invalid named capture: `(?P<>`");
}

#[test]
fn too_large_is_an_error_and_not_a_crash() {
    let message = |pattern: &str| Regex::new(pattern).unwrap_err().to_string();
    assert!(message(&"(".repeat(100_000)).contains("nests too deeply"));
    let deep = format!("{}a{}", "(".repeat(150), ")".repeat(150));
    check(&deep, &["a"], &["b"]);
    assert!(message("(\\pL{1000}|x){1}(\\pL{1000}y){1}").contains("too large"));
    assert!(Regex::new(&"a?".repeat(10_000)).is_ok());
}

#[track_caller]
fn check_set(pattern: &str, texts: &[&str], prefix: &str) {
    let regex = Regex::new(pattern).unwrap();
    assert_eq!(
        regex.set_matches(),
        Some(&*texts.iter().map(|t| t.to_string()).collect::<Vec<_>>())
    );
    assert_eq!(regex.prefix(), prefix);
    assert!(regex.0.engine.is_none() || !regex.0.groups.is_empty());
}

#[test]
fn lists_of_texts_are_seen() {
    check_set("", &[""], "");
    check_set("foo", &["foo"], "foo");
    check_set("b|a|b", &["a", "b"], "");
    check_set("foo\\.bar", &["foo.bar"], "foo.bar");
    check_set("^foo$", &["foo"], "foo");
    check_set("node-(a|b)", &["node-a", "node-b"], "node-");
    check_set("node-[12]", &["node-1", "node-2"], "node-");
    check_set("(foo|bar)", &["bar", "foo"], "");
    check_set("foo|foobar|", &["", "foo", "foobar"], "");
    check_set("ab?c", &["abc", "ac"], "a");
    check_set("é|è", &["è", "é"], "");
    check_set("(?i)ab", &["AB", "Ab", "aB", "ab"], "");
    check_set("[ab]{2}", &["aa", "ab", "ba", "bb"], "");
    let many: Vec<String> = (0..5000).map(|i| format!("pod-{i:04}.x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check_set(&many.join("|").replace('.', "\\."), &many, "pod-");
    let many: Vec<String> = many.iter().map(|text| text.replace('.', "-")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    check_set(&many.join("|"), &many, "pod-");
    for pattern in ["a.", "a*", "[a-z]{2}", "a\\b", "(?-s:.)", "(a|b){9}", "[^a]"] {
        assert_eq!(Regex::new(pattern).unwrap().set_matches(), None, "{pattern}");
    }
}

#[test]
fn plain_shapes_need_no_engine() {
    let plain = |pattern: &str, prefix: &str| {
        let regex = Regex::new(pattern).unwrap();
        assert!(regex.0.engine.is_none(), "{pattern}");
        assert_eq!(regex.prefix(), prefix, "{pattern}");
    };
    for pattern in
        [".*", ".+", "(.*)", "(.+)", "(?:.*)", "^.*$", ".*?", ".*foo", ".*foo.*", "(?s).*"]
    {
        plain(pattern, "");
    }
    for pattern in ["foo.*", "foo.+", "foo.*bar", "foo.*$", "^foo.*", "(foo.*)", "foo(?:.*)"] {
        plain(pattern, "foo");
    }
    assert!(Regex::new(".*").unwrap().matches_all() && Regex::new("(.*)").unwrap().matches_all());
    assert!(Regex::new(".+").unwrap().matches_all_but_empty());
    assert!(!Regex::new("a.*").unwrap().matches_all());
    assert_eq!(Regex::new("foo[0-9]+x").unwrap().prefix(), "foo");
    check("a.+b", &["axb", "aéb", "a\nb"], &["ab", "a"]);
    check("aba.*aba", &["abaaba"], &["aba", "ababa"]);
}

#[track_caller]
fn expands(pattern: &str, text: &str, template: &str, expected: Option<&str>) {
    let expanded = Regex::new(pattern).unwrap().expand(text, template);
    assert_eq!(expanded.as_deref(), expected, "{pattern:?} {text:?} {template:?}");
}

#[test]
fn templates_expand_as_in_go() {
    expands("(.*)", "x", "$1", Some("x"));
    expands("(.*)", "x", "$0$1${1}${0}", Some("xxxx"));
    expands("foo", "foo", "<$0$1>", Some("<foo>"));
    expands("foo", "bar", "$0", None);
    expands("(a)(b)?", "a", "[$1$2]", Some("[a]"));
    expands("(.*)", "x", "$1_y", Some(""));
    expands("(.*)", "x", "${1}_y", Some("x_y"));
    expands("(.*)", "x", "$1-y", Some("x-y"));
    expands("(.*)", "x", "$$1", Some("$1"));
    expands("(.*)", "x", "$", Some("$"));
    expands("(.*)", "x", "a$-", Some("a$-"));
    expands("(.*)", "x", "${", Some("${"));
    expands("(.*)", "x", "${}", Some("${}"));
    expands("(.*)", "x", "${1", Some("${1"));
    expands("(.*)", "x", "${a-b}", Some("${a-b}"));
    expands("(.*)", "x", "$01$001", Some(""));
    expands("(.*)", "x", "$999999999999$2", Some(""));
    expands("(.*)", "x", "$1é", Some(""));
    expands("(?P<k>.*)=(?<v>.*)", "a=b", "${v}:$k:$nope", Some("b:a:"));
    expands("(?P<n>a)|(?P<n>b)", "b", "$n", Some("b"));
    expands("(?P<1>a)(?P<2x>b)", "ab", "$1$2x", Some("ab"));
    expands("(foo|bar)-(.+)", "bar-x", "$2 $1", Some("x bar"));
    expands("(foo|bar)", "bar", "$1", Some("bar"));
    expands("((a)b)", "ab", "$2$1", Some("aab"));
}

/// A pattern as a tree, to be matched in the slow and obvious way.
#[derive(Clone, Debug)]
enum Tree {
    Char(char),
    Any,
    Class(bool, Vec<char>),
    Then(Vec<Tree>),
    Or(Vec<Tree>),
    Repeat(Box<Tree>, usize, Option<usize>),
}

impl Tree {
    fn pattern(&self) -> String {
        let list = |trees: &[Tree], between| {
            trees.iter().map(Tree::pattern).collect::<Vec<_>>().join(between)
        };
        match self {
            Self::Char(c) if c.is_ascii_punctuation() => format!("\\{c}"),
            Self::Char(c) => c.to_string(),
            Self::Any => ".".to_owned(),
            Self::Class(negated, members) => {
                let members: String = members.iter().collect();
                format!("[{}{members}]", if *negated { "^" } else { "" })
            }
            Self::Then(trees) => format!("(?:{})", list(trees, "")),
            Self::Or(trees) => format!("({})", list(trees, "|")),
            Self::Repeat(tree, 0, None) => format!("(?:{})*", tree.pattern()),
            Self::Repeat(tree, 1, None) => format!("(?:{})+", tree.pattern()),
            Self::Repeat(tree, min, None) => format!("(?:{}){{{min},}}", tree.pattern()),
            Self::Repeat(tree, min, Some(max)) => format!("(?:{}){{{min},{max}}}", tree.pattern()),
        }
    }

    /// Where a match that begins at `from` may end.
    fn ends(&self, text: &[char], from: usize) -> Vec<usize> {
        let one = |yes: bool| if yes { vec![from + 1] } else { vec![] };
        let after_all = |starts: Vec<usize>, tree: &Tree| {
            let mut ends: Vec<_> = starts.into_iter().flat_map(|at| tree.ends(text, at)).collect();
            ends.sort_unstable();
            ends.dedup();
            ends
        };
        match self {
            Self::Char(c) => one(text.get(from) == Some(c)),
            Self::Any => one(from < text.len()),
            Self::Class(negated, members) => {
                one(text.get(from).is_some_and(|c| members.contains(c) != *negated))
            }
            Self::Then(trees) => trees.iter().fold(vec![from], after_all),
            Self::Or(trees) => trees.iter().flat_map(|tree| tree.ends(text, from)).collect(),
            Self::Repeat(tree, min, max) => {
                let (mut now, mut ends) = (vec![from], vec![]);
                for times in 0..=max.unwrap_or(text.len() + min) {
                    if times >= *min {
                        ends.extend_from_slice(&now);
                    }
                    now = after_all(now, tree);
                }
                ends
            }
        }
    }
}

fn trees() -> impl Strategy<Value = Tree> {
    let letters = || prop::sample::select(vec!['a', 'b', 'é', '.', '\n']);
    let leaf = prop_oneof![
        4 => letters().prop_map(Tree::Char),
        1 => Just(Tree::Any),
        1 => (any::<bool>(), prop::collection::vec(letters(), 1..3))
            .prop_map(|(negated, members)| Tree::Class(negated, members)),
    ];
    leaf.prop_recursive(3, 12, 3, |tree| {
        prop_oneof![
            2 => prop::collection::vec(tree.clone(), 0..4).prop_map(Tree::Then),
            2 => prop::collection::vec(tree.clone(), 1..4).prop_map(Tree::Or),
            1 => (tree.clone(), 0..3_usize).prop_map(|(t, min)| Tree::Repeat(t.into(), min, None)),
            1 => (tree, 0..3_usize, 0..2_usize)
                .prop_map(|(t, min, more)| Tree::Repeat(t.into(), min, Some(min + more))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn equals_the_obvious_matcher(tree in trees(), texts in prop::collection::vec("[abé.\n]{0,5}", 8)) {
        let regex = Regex::new(&tree.pattern()).unwrap();
        let listed = regex.set_matches().unwrap_or(&[]).iter().take(20);
        for text in texts.iter().chain(listed).map(String::as_str) {
            let chars: Vec<char> = text.chars().collect();
            let expected = tree.ends(&chars, 0).contains(&chars.len());
            prop_assert_eq!(regex.is_match(text), expected, "{:?} on {:?}", regex, text);
            let whole = regex.expand(text, "$0");
            prop_assert_eq!(whole.as_deref(), expected.then_some(text));
            if expected {
                prop_assert!(text.starts_with(regex.prefix()), "{:?} on {:?}", regex, text);
                prop_assert!(regex.set_matches().is_none_or(|set| set.iter().any(|t| t == text)));
            }
        }
    }

    #[test]
    fn any_pattern_is_read_without_panic(pattern in "[\\\\()\\[\\]{}*+?|^$.a-c1-3,:<>PQEpxbBdDwWsSiU&~-]{0,24}", text in "[a-c1-3(]{0,6}") {
        if let Ok(regex) = Regex::new(&pattern) {
            let matched = regex.is_match(&text);
            prop_assert_eq!(regex.expand(&text, "$1$a").is_some(), matched);
        }
    }
}
