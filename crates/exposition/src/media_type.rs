//! `Content-Type` and `Accept` values: a media type and its parameters (RFC 2045).

/// Name, in lower case, and value.
pub(crate) type Parameter = (String, String);

/// The media type in lower case and its parameters, which must be well-formed; a name may come twice
/// only with the same value.
pub(crate) fn parse(text: &str) -> Result<(String, Vec<Parameter>), &'static str> {
    let (media_type, parameters) = text.split_at(text.find(';').unwrap_or(text.len()));
    let media_type = media_type.trim().to_ascii_lowercase();
    check_media_type(&media_type)?;
    Ok((media_type, take_parameters(parameters)?))
}

fn check_media_type(text: &str) -> Result<(), &'static str> {
    let (main, rest) = take_token(text);
    if main.is_empty() {
        return Err("no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let rest = rest.strip_prefix('/').ok_or("expected slash after first token")?;
    let (sub, rest) = take_token(rest);
    if sub.is_empty() {
        return Err("expected token after slash");
    }
    if rest.is_empty() { Ok(()) } else { Err("unexpected content after media subtype") }
}

fn take_parameters(mut rest: &str) -> Result<Vec<Parameter>, &'static str> {
    const INVALID: &str = "invalid media parameter";
    let mut taken: Vec<Parameter> = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(taken);
        }
        let after = rest.strip_prefix(';').ok_or(INVALID)?.trim_start();
        if after.is_empty() {
            return Ok(taken);
        }
        let (name, after) = take_token(after);
        if name.is_empty() {
            return Err(INVALID);
        }
        let after = after.trim_start().strip_prefix('=').ok_or(INVALID)?.trim_start();
        let (value, after) = take_value(after).ok_or(INVALID)?;
        let name = name.to_ascii_lowercase();
        if taken.iter().any(|(n, v)| *n == name && *v != value) {
            return Err("duplicate parameter name");
        }
        taken.push((name, value));
        rest = after;
    }
}

/// A token, or a quoted string without its quotes.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, rest) = take_token(text);
        return (!token.is_empty()).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            '\r' | '\n' => return None,
            c => value.push(c),
        }
    }
    None
}

/// Splits off the token at the front, which may be empty.
fn take_token(text: &str) -> (&str, &str) {
    let is_token = |b: u8| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b);
    text.split_at(text.bytes().position(|b| !is_token(b)).unwrap_or(text.len()))
}
