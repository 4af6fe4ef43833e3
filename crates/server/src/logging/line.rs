//! Keys and values as one line.

use serde_json::Value;
use std::fmt::Write;

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Logfmt,
    Json,
}

/// A line under construction.
pub(super) struct Fields {
    form: Form,
    line: String,
}

impl Fields {
    pub(super) fn new(form: Form) -> Self {
        let line = String::with_capacity(256);
        Self { form, line }
    }

    /// Adds a key that needs no quoting and any value.
    pub(super) fn add(&mut self, key: &str, value: &str) {
        let first = self.line.is_empty();
        let written = match self.form {
            Form::Logfmt => {
                let space = if first { "" } else { " " };
                if needs_quotes(value) {
                    // Rust's escapes of control characters are near enough to Go's for people.
                    write!(self.line, "{space}{key}={value:?}")
                } else {
                    write!(self.line, "{space}{key}={value}")
                }
            }
            Form::Json => {
                let comma = if first { "{" } else { "," };
                write!(self.line, "{comma}{}:{}", Value::from(key), Value::from(value))
            }
        };
        written.expect("a string takes text");
    }

    /// Adds a key and a number or a truth value, which JSON writes without quotes.
    pub(super) fn add_plain(&mut self, key: &str, value: &str) {
        match self.form {
            Form::Logfmt => self.add(key, value),
            Form::Json => {
                let comma = if self.line.is_empty() { "{" } else { "," };
                let written = write!(self.line, "{comma}{}:{value}", Value::from(key));
                written.expect("a string takes text");
            }
        }
    }

    pub(super) fn finish(mut self) -> String {
        if self.form == Form::Json {
            self.line.push('}');
        }
        self.line
    }
}

fn needs_quotes(value: &str) -> bool {
    let plain = |c: char| c > ' ' && c != '"' && c != '=' && c != '\u{7f}' && !c.is_control();
    value.is_empty() || !value.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_when_they_must_be() {
        let check = |value: &str, logfmt: &str, json: &str| {
            for (form, expected) in [(Form::Logfmt, logfmt), (Form::Json, json)] {
                let mut fields = Fields::new(form);
                fields.add("a", value);
                fields.add("b", "2");
                assert_eq!(fields.finish(), expected);
            }
        };
        check("x", "a=x b=2", r#"{"a":"x","b":"2"}"#);
        check("x y", r#"a="x y" b=2"#, r#"{"a":"x y","b":"2"}"#);
        check("", r#"a="" b=2"#, r#"{"a":"","b":"2"}"#);
        check("q\"\n", r#"a="q\"\n" b=2"#, r#"{"a":"q\"\n","b":"2"}"#);
    }
}
