//! Words for people.

/// Names that are listed; of further ones only the number is told.
const MAX_LISTED: usize = 8;

/// `1 Service`, `2 Services`
pub(super) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {}", plural(what)) }
}

/// `Services`, `Ingresses`
pub(super) fn plural(what: &str) -> String {
    if what.ends_with("ss") { format!("{what}es") } else { format!("{what}s") }
}

/// `a, b and 3 more`; `none` when there are none.
pub(super) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let mut out = String::new();
    let mut more = 0;
    for (i, name) in names.into_iter().enumerate() {
        if i >= MAX_LISTED {
            more += 1;
            continue;
        }
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(name.as_ref());
    }
    match (out.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => out,
        (false, more) => format!("{out} and {more} more"),
    }
}

/// The distinct ones among some names, in order.
pub(super) fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let all: std::collections::BTreeSet<_> =
        names.into_iter().filter(|name| !name.is_empty()).collect();
    all.into_iter().collect()
}

/// `45 s`, `12 min`, `3 h`
pub(super) fn ago(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_an_end() {
        assert_eq!(list::<&str>([]), "none");
        assert_eq!(list(["a", "b"]), "a, b");
        let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
        assert_eq!(list(many), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
        assert_eq!(count(2, "Ingress"), "2 Ingresses");
        assert_eq!(count(1, "Service"), "1 Service");
        assert_eq!((ago(119), ago(120), ago(7200)), ("119 s".into(), "2 min".into(), "2 h".into()));
    }
}
