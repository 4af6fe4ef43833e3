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

/// Names and how many arguments they take.
const FUNCTIONS: [(&str, usize, usize); 48] = [
    ("args", 0, MANY),
    ("call", 1, MANY),
    ("eq", 2, MANY),
    ("externalURL", 0, 0),
    ("first", 1, 1),
    ("ge", 2, 2),
    ("graphLink", 1, 1),
    ("gt", 2, 2),
    ("html", 1, MANY),
    ("humanize", 1, 1),
    ("humanize1024", 1, 1),
    ("humanizeDuration", 1, 1),
    ("humanizePercentage", 1, 1),
    ("humanizeTimestamp", 1, 1),
    ("index", 1, MANY),
    ("js", 1, MANY),
    ("label", 2, 2),
    ("le", 2, 2),
    ("len", 1, 1),
    ("lt", 2, 2),
    ("match", 2, 2),
    ("ne", 2, 2),
    ("not", 1, 1),
    ("now", 0, 0),
    ("parseDuration", 1, 1),
    ("pathPrefix", 0, 0),
    ("print", 0, MANY),
    ("printf", 1, MANY),
    ("println", 0, MANY),
    ("query", 1, 1),
    ("reReplaceAll", 3, 3),
    ("safeHtml", 1, 1),
    ("slice", 1, 4),
    ("sortByLabel", 2, 2),
    ("stripDomain", 1, 1),
    ("stripPort", 1, 1),
    ("strvalue", 1, 1),
    ("tableLink", 1, 1),
    ("title", 1, 1),
    ("toDuration", 1, 1),
    ("toLower", 1, 1),
    ("toTime", 1, 1),
    ("toUpper", 1, 1),
    ("urlQueryEscape", 1, 1),
    ("urlquery", 1, MANY),
    ("value", 1, 1),
    // Evaluated where they stand, since they look at no more than they must.
    ("and", 1, MANY),
    ("or", 1, MANY),
];

const MANY: usize = usize::MAX;

/// The name as it is kept, if there is such a function.
pub(super) fn find(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(known, ..)| *known)
}

/// Whether it takes so many arguments, in Go's words if not.
pub(super) fn check_arity(name: &str, given: usize) -> Result<(), String> {
    let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
    let (_, least, most) = known.copied().unwrap_or((name, 0, MANY));
    if given < least || given > most {
        let wanted = if most == MANY { format!("at least {least}") } else { least.to_string() };
        return Err(format!("wrong number of args for {name}: want {wanted} got {given}"));
    }
    Ok(())
}

/// Calls a function; the number of arguments was checked.
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
        "html" => Ok(Value::text(text::html(&go::print(args)))),
        "js" => Ok(Value::text(text::js(&go::print(args)))),
        "urlquery" => Ok(Value::text(links::escape(&go::print(args)))),
        "call" => Err(format!("non-function {} of type {}", args[0], args[0].type_name())),
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
        "toDuration" => time::to_duration(float(&args[0])?),
        "now" => Ok(Value::Float(time::seconds(host.now_ms()))),
        "parseDuration" => time::parse_duration(text(&args[0])?),
        "match" => text::is_match(text(&args[0])?, text(&args[1])?),
        "reReplaceAll" => {
            let replaced = text::replace_all(text(&args[0])?, text(&args[1])?, text(&args[2])?)?;
            Ok(Value::text(bounded(replaced)?))
        }
        "title" => Ok(Value::text(text::title(text(&args[0])?))),
        "toUpper" => Ok(Value::text(text(&args[0])?.to_uppercase())),
        "toLower" => Ok(Value::text(text(&args[0])?.to_lowercase())),
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
        Value::Text(text) => number::parse(text)
            .ok_or_else(|| format!("strconv.ParseFloat: parsing {:?}: invalid syntax", &**text)),
        other => Err(format!("can't convert {} to float", other.type_name())),
    }
}
