//! The two languages in which objects of a cluster are selected: by fields and by labels.
//!
//! Fields: terms `name=value`, `==` or `!=`, all of which must hold, separated by commas; in a value
//! a backslash takes the meaning of `,`, `=` and of itself. Labels: requirements `key`, `!key`,
//! `key=value`, `==`, `!=`, `key in (a,b)`, `key notin (a,b)`, `key>1`, `key<1`.

/// Checks a selection by fields.
pub(super) fn check_fields(selector: &str) -> Result<(), String> {
    for term in terms(selector).filter(|term| !term.is_empty()) {
        let Some(value) = value_of(term) else {
            return Err(format!("invalid selector: '{selector}'; can't understand '{term}'"));
        };
        let mut letters = value.chars();
        while let Some(letter) = letters.next() {
            match (letter, letter == '\\') {
                (_, true) => match letters.next() {
                    Some('\\' | ',' | '=') => {}
                    next => {
                        let next = next.map_or_else(String::new, String::from);
                        return Err(format!(
                            "invalid field selector: invalid escape sequence: \\{next}"
                        ));
                    }
                },
                (',' | '=', _) => {
                    return Err(format!(
                        "invalid field selector: unescaped character in value: {letter}"
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The terms between commas that no backslash precedes.
fn terms(selector: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    selector.split(move |letter: char| {
        let separates = letter == ',' && !escaped;
        escaped = letter == '\\' && !escaped;
        separates
    })
}

/// What stands behind the first operator.
fn value_of(term: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, letter) in term.char_indices() {
        let rest = &term[at..];
        if !escaped && let Some(value) = ["!=", "==", "="].iter().find_map(|o| rest.strip_prefix(o))
        {
            return Some(value);
        }
        escaped = letter == '\\' && !escaped;
    }
    None
}

/// Checks a selection by labels.
pub(super) fn check_labels(selector: &str) -> Result<(), String> {
    Labels { rest: selector }.check().map_err(|error| {
        let text = if error.is_empty() { "unexpected end of string" } else { &error };
        format!("unable to parse requirement: {text}")
    })
}

struct Labels<'a> {
    rest: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'a str),
    End,
}

impl<'a> Labels<'a> {
    fn check(&mut self) -> Result<(), String> {
        let mut first = true;
        loop {
            match self.next() {
                Token::End if first => return Ok(()),
                Token::Sign("!") => {
                    let key = self.next();
                    check_key(word(key, "identifier")?)?;
                    if self.ends("',' or 'end of string'")? {
                        return Ok(());
                    }
                }
                token => {
                    check_key(word(token, "!, identifier, or 'end of string'")?)?;
                    if self.requirement()? {
                        return Ok(());
                    }
                }
            }
            first = false;
        }
    }

    /// What follows a key; whether the text ends with it.
    fn requirement(&mut self) -> Result<bool, String> {
        match self.next() {
            Token::End => return Ok(true),
            Token::Sign(",") => return Ok(false),
            Token::Sign("=" | "==" | "!=") => {
                let before = self.rest;
                match self.next() {
                    // A value may be empty.
                    Token::Sign(",") | Token::End => self.rest = before,
                    token => check_value(word(token, "identifier")?)?,
                }
            }
            Token::Sign(">" | "<") => {
                let token = self.next();
                let number = word(token, "identifier")?;
                if number.parse::<i64>().is_err() {
                    return Err(format!(
                        "values[0]: Invalid value: \"{number}\": for 'Gt', 'Lt' operators, the \
                         value must be an integer"
                    ));
                }
            }
            Token::Word("in" | "notin") => self.values()?,
            token => return Err(found(token, "in, notin, =, ==, !=, >, <")),
        }
        self.ends("',' or 'end of string'")
    }

    /// `(a,b)`
    fn values(&mut self) -> Result<(), String> {
        match self.next() {
            Token::Sign("(") => {}
            token => return Err(found(token, "'('")),
        }
        loop {
            match self.next() {
                Token::Sign(")") => return Ok(()),
                Token::Sign(",") => {}
                Token::Word(value) => {
                    check_value(value)?;
                    match self.next() {
                        Token::Sign(")") => return Ok(()),
                        Token::Sign(",") => {}
                        token => return Err(found(token, "',' or ')'")),
                    }
                }
                token => return Err(found(token, "',', ')' or identifier")),
            }
        }
    }

    /// Whether the text ends here; if not, another requirement follows.
    fn ends(&mut self, expected: &str) -> Result<bool, String> {
        match self.next() {
            Token::End => Ok(true),
            Token::Sign(",") => match (Labels { rest: self.rest }).next() {
                Token::Word(_) | Token::Sign("!") => Ok(false),
                token => Err(found(token, "identifier after ','")),
            },
            token => Err(found(token, expected)),
        }
    }

    fn next(&mut self) -> Token<'a> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let signs = ["==", "!=", "=", "!", ">", "<", "(", ")", ","];
        let is_end = |letter: char| " \t\r\n=!><(),".contains(letter);
        let (token, len) = match signs.iter().find(|sign| self.rest.starts_with(**sign)) {
            Some(sign) => (Token::Sign(sign), sign.len()),
            None if self.rest.is_empty() => (Token::End, 0),
            None => {
                let len = self.rest.find(is_end).unwrap_or(self.rest.len());
                (Token::Word(&self.rest[..len]), len)
            }
        };
        self.rest = &self.rest[len..];
        token
    }
}

fn found(token: Token<'_>, expected: &str) -> String {
    let text = match token {
        Token::Word(text) | Token::Sign(text) => text,
        Token::End => "",
    };
    format!("found '{text}', expected: {expected}")
}

fn word<'a>(token: Token<'a>, expected: &str) -> Result<&'a str, String> {
    match token {
        Token::Word(text) => Ok(text),
        token => Err(found(token, expected)),
    }
}

/// A name of up to 63 letters, maybe behind a domain and a slash.
fn check_key(key: &str) -> Result<(), String> {
    let (domain, name) = key.split_once('/').map_or((None, key), |(d, name)| (Some(d), name));
    let domain_fits = domain.is_none_or(|domain| {
        domain.len() <= 253
            && domain.split('.').all(|part| {
                let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                !part.is_empty()
                    && part.bytes().all(fits)
                    && !part.starts_with('-')
                    && !part.ends_with('-')
            })
    });
    if domain_fits && !name.is_empty() && is_name(name) {
        Ok(())
    } else {
        Err(format!("key: Invalid value: {key:?}: not a qualified name"))
    }
}

fn check_value(value: &str) -> Result<(), String> {
    if is_name(value) {
        Ok(())
    } else {
        Err(format!("values[0]: Invalid value: {value:?}: not a valid label value"))
    }
}

/// Up to 63 letters, digits, `-`, `_`, `.`, the first and the last a letter or digit; or nothing.
fn is_name(text: &str) -> bool {
    let outer = |b: &u8| b.is_ascii_alphanumeric();
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && text.bytes().all(inner)
        && bytes.first().is_none_or(outer)
        && bytes.last().is_none_or(outer)
}
