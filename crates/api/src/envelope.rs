//! The envelope of a good answer: `{"status":"success","data":...}`.

use crate::json::{self, Annotated};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::io;

/// A finished body.
pub(crate) struct Data(String);

impl IntoResponse for Data {
    fn into_response(self) -> Response {
        (json::content_type(), self.0).into_response()
    }
}

/// Data written by hand, with warnings and infos.
pub(crate) fn annotated(annotated: &Annotated, write: impl FnOnce(&mut String)) -> Data {
    let mut body = String::with_capacity(256);
    body.push_str(r#"{"status":"success","data":"#);
    write(&mut body);
    annotated.write(&mut body);
    body.push('}');
    Data(body)
}

/// Data written by hand.
pub(crate) fn data(write: impl FnOnce(&mut String)) -> Data {
    annotated(&Annotated::default(), write)
}

/// Data of a shape that serde knows.
pub(crate) fn shape(value: &impl Serialize) -> Data {
    data(|out| out.push_str(&json(value)))
}

/// The JSON of a shape that serde knows.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(256);
    let mut writer = serde_json::Serializer::with_formatter(&mut json, Prose);
    value.serialize(&mut writer).expect("plain shapes have a JSON form");
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Escapes what [`json::write_text`] escapes.
struct Prose;

impl serde_json::ser::Formatter for Prose {
    fn write_string_fragment<W>(&mut self, writer: &mut W, text: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = text;
        while let Some(at) = rest.find(['<', '>', '&']) {
            writer.write_all(&rest.as_bytes()[..at])?;
            write!(writer, "\\u{:04x}", rest.as_bytes()[at])?;
            rest = &rest[at + 1..];
        }
        writer.write_all(rest.as_bytes())
    }
}
