//! What can be called: Go's own functions and Prometheus'.

mod go;
mod links;
mod samples;
mod text;
mod time;

use super::exec::{Host, MAX_BYTES};
use super::value::Value;
use super::{human, number, printf};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a function or a method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Param {
    Any,
    Text,
    Int,
    /// The result of a query.
    List,
    /// One of it.
    Sample,
    Time,
    Duration,
}

impl Param {
    /// Its type in Go.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Text => "string",
            Self::Int => "int",
            Self::List => "template.queryResult",
            Self::Sample => "*template.sample",
            Self::Time => "time.Time",
            Self::Duration => "time.Duration",
        }
    }

    pub(super) fn may_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::List | Self::Sample)
    }

    pub(super) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _) => true,
            (_, Value::Nothing) => self.may_be_nil(),
            (Self::Text, Value::Text(_)) | (Self::Int, Value::Int(_)) => true,
            (Self::List, Value::List(_)) | (Self::Sample, Value::Sample(_)) => true,
            (Self::Time, Value::Time(_)) | (Self::Duration, Value::Duration(_)) => true,
            _ => false,
        }
    }

    /// Whether something that is written down will do; else what is wrong, with `{}` for what is
    /// written.
    pub(super) fn takes_constant(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Any, _) | (Self::Text, Value::Text(_)) => Ok(()),
            (Self::Int | Self::Duration, Value::Int(_)) => Ok(()),
            (Self::Text, _) => Err("expected string; found {}".to_owned()),
            (Self::Int | Self::Duration, _) => Err("expected integer; found {}".to_owned()),
            _ => Err(format!("can't handle {{}} for arg of type {}", self.type_name())),
        }
    }
}

use Param::{Any, List, Sample, Text};

/// What follows the parameters of a function.
type More = Option<Param>;

/// Names, what they take, and what they take as often as one likes.
const FUNCTIONS: [(&str, &[Param], More); 48] = [
    ("args", &[], Some(Any)),
    ("call", &[Any], Some(Any)),
    ("eq", &[Any], Some(Any)),
    ("externalURL", &[], None),
    ("first", &[List], None),
    ("ge", &[Any, Any], None),
    ("graphLink", &[Text], None),
    ("gt", &[Any, Any], None),
    ("html", &[], Some(Any)),
    ("humanize", &[Any], None),
    ("humanize1024", &[Any], None),
    ("humanizeDuration", &[Any], None),
    ("humanizePercentage", &[Any], None),
    ("humanizeTimestamp", &[Any], None),
    ("index", &[Any], Some(Any)),
    ("js", &[], Some(Any)),
    ("label", &[Text, Sample], None),
    ("le", &[Any, Any], None),
    ("len", &[Any], None),
    ("lt", &[Any, Any], None),
    ("match", &[Text, Text], None),
    ("ne", &[Any, Any], None),
    ("not", &[Any], None),
    ("now", &[], None),
    ("parseDuration", &[Text], None),
    ("pathPrefix", &[], None),
    ("print", &[], Some(Any)),
    ("printf", &[Text], Some(Any)),
    ("println", &[], Some(Any)),
    ("query", &[Text], None),
    ("reReplaceAll", &[Text, Text, Text], None),
    ("safeHtml", &[Text], None),
    ("slice", &[Any], Some(Any)),
    ("sortByLabel", &[Text, List], None),
    ("stripDomain", &[Text], None),
    ("stripPort", &[Text], None),
    ("strvalue", &[Sample], None),
    ("tableLink", &[Text], None),
    ("title", &[Text], None),
    ("toDuration", &[Any], None),
    ("toLower", &[Text], None),
    ("toTime", &[Any], None),
    ("toUpper", &[Text], None),
    ("urlQueryEscape", &[Text], None),
    ("urlquery", &[], Some(Any)),
    ("value", &[Sample], None),
    // Evaluated where they stand, since they look at no more than they must.
    ("and", &[Any], Some(Any)),
    ("or", &[Any], Some(Any)),
];

/// The name as it is kept, if there is such a function.
pub(super) fn find(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(known, ..)| *known)
}

/// What a function takes.
pub(super) fn params(name: &str) -> (&'static [Param], More) {
    let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
    known.map_or((&[], None), |(_, params, more)| (params, *more))
}

/// Calls a function; the number and the types of arguments were checked.
pub(super) fn call(name: &str, args: &[Value], host: &dyn Host) -> Result<Value, String> {
    let told = |text: fn(f64) -> String| Ok(Value::text(text(float(&args[0])?)));
    match name {
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => go::compare(name, args),
        "not" => Ok(Value::Bool(!args[0].is_true())),
        "len" => go::len(&args[0]),
        "index" => go::index(&args[0], &args[1..]),
        "slice" => go::slice(&args[0], &args[1..]),
        "print" => Ok(Value::text(bounded(go::print(args))?)),
        "println" => Ok(Value::text(bounded(go::println(args))?)),
        "printf" => {
            let Value::Text(format) = &args[0] else { return Err(wrong(&args[0], "string")) };
            Ok(Value::text(bounded(printf::sprintf(format, &args[1..]))?))
        }
        "html" => Ok(Value::text(text::html(&bounded(go::eval_args(args))?))),
        "js" => Ok(Value::text(text::js(&bounded(go::eval_args(args))?))),
        "urlquery" => Ok(Value::text(links::escape(&bounded(go::eval_args(args))?))),
        "call" => match &args[0] {
            Value::Nothing => Err("call of nil".to_owned()),
            other => Err(format!("non-function {{callee}} of type {}", other.type_name())),
        },
        "args" => {
            let named = args.iter().enumerate().map(|(i, v)| (format!("arg{i}"), v.clone()));
            Ok(Value::Map(Rc::new(named.collect::<BTreeMap<_, _>>())))
        }
        "query" => samples::query(text(&args[0])?, host),
        "first" => samples::first(&args[0]),
        "label" => samples::label(text(&args[0])?, &args[1]),
        "value" => samples::value(&args[0]),
        "strvalue" => samples::label("__value__", &args[0]),
        "sortByLabel" => samples::sort_by_label(text(&args[0])?, &args[1]),
        "humanize" => told(human::humanize),
        "humanize1024" => told(human::humanize_1024),
        "humanizeDuration" => told(human::humanize_duration),
        "humanizePercentage" => told(human::humanize_percentage),
        "humanizeTimestamp" => time::humanize_timestamp(float(&args[0])?),
        "toTime" => time::to_time(float(&args[0])?),
        "toDuration" => Ok(time::to_duration(float(&args[0])?)),
        "now" => Ok(Value::Float(time::seconds(host.now_ms()))),
        "parseDuration" => time::parse_duration(text(&args[0])?),
        "match" => text::is_match(text(&args[0])?, text(&args[1])?),
        "reReplaceAll" => {
            let replaced = text::replace_all(text(&args[0])?, text(&args[1])?, text(&args[2])?)?;
            Ok(Value::text(bounded(replaced)?))
        }
        "title" => Ok(Value::text(text::title(text(&args[0])?))),
        "toUpper" => Ok(Value::text(text::upper(text(&args[0])?))),
        "toLower" => Ok(Value::text(text::lower(text(&args[0])?))),
        "safeHtml" => Ok(Value::text(text(&args[0])?)),
        "stripPort" => Ok(Value::text(links::strip_port(text(&args[0])?))),
        "stripDomain" => Ok(Value::text(links::strip_domain(text(&args[0])?))),
        "urlQueryEscape" => Ok(Value::text(links::escape(text(&args[0])?))),
        "graphLink" => Ok(Value::text(links::graph(text(&args[0])?, 0))),
        "tableLink" => Ok(Value::text(links::graph(text(&args[0])?, 1))),
        "externalURL" => Ok(Value::text(host.external_url())),
        "pathPrefix" => Ok(Value::text(links::path_prefix(host.external_url()))),
        _ => unreachable!("only names from the table are called"),
    }
}

/// The page that shows an expression's values, below the external URL.
pub(crate) fn table_link(expr: &str) -> String {
    links::graph(expr, 1)
}

fn bounded(text: String) -> Result<String, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("result is longer than {MAX_BYTES} bytes"));
    }
    Ok(text)
}

fn wrong(value: &Value, wanted: &str) -> String {
    format!("wrong type for value; expected {wanted}; got {}", value.type_name())
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong(other, "string")),
    }
}

/// Functions on numbers take texts of numbers as well.
fn float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Duration(ns) => Ok(*ns as f64),
        Value::Text(text) => number::parse(text),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}
