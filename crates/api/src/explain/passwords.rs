//! URLs without their passwords.

/// What stands for a password, as in Go's `URL.Redacted`.
const HIDDEN: &str = "xxxxx";

/// Appends JSON to `out`; where a URL in it has a user and a password, the password is hidden.
pub(super) fn hide(json: &str, out: &mut String) {
    let mut rest = json;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| "/?#\"\\".contains(c) || c.is_whitespace());
        let authority = &after[..end.unwrap_or(after.len())];
        rest = after;
        if let Some((user_info, _)) = authority.rsplit_once('@')
            && let Some((user, _)) = user_info.split_once(':')
        {
            out.push_str(user);
            out.push(':');
            out.push_str(HIDDEN);
            rest = &after[user_info.len()..];
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_passwords_are_hidden() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            super::hide(text, &mut out);
            assert_eq!(out, expected);
        };
        check("", "");
        check(r#"{"a":"http://h:1/p"}"#, r#"{"a":"http://h:1/p"}"#);
        check(r#"{"a":"http://u:s@h:1/p"}"#, r#"{"a":"http://u:xxxxx@h:1/p"}"#);
        check(r#""http://u:a:b@c@h""#, r#""http://u:xxxxx@h""#);
        check(r#""http://u@h","x@y""#, r#""http://u@h","x@y""#);
        check(r#""http://h","a:b@c""#, r#""http://h","a:b@c""#);
        check(
            "asking http://u:s@h/ and https://u:é@h",
            "asking http://u:xxxxx@h/ and https://u:xxxxx@h",
        );
    }
}
