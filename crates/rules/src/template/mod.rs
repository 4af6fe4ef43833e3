//! The language of labels and annotations of alerts: Go's `text/template`, as far as rules use it.
//!
//! Text stands for itself; what is between `{{` and `}}` is read by a lexer (`lexer`) and a parser
//! (`parser`) to a tree (`tree`), which is filled in with the data of an alert (`exec`). A
//! template that cannot be read is refused where it is loaded, with Go's words and line numbers,
//! since that is what people search for. Filling in is bounded in steps and bytes.
//!
//! Language: <https://pkg.go.dev/text/template>; functions: Prometheus' template reference.

mod exec;
mod functions;
mod human;
mod layout;
mod lexer;
mod methods;
mod number;
mod parser;
mod printf;
#[cfg(test)]
mod tests;
mod tree;
mod value;

pub use exec::Host;
pub(crate) use functions::table_link;
pub use value::Sample;
pub(crate) use value::write_duration;

use model::{FloatHistogram, Labels};
use std::rc::Rc;
use tree::Tree;
use value::{Data, Value};

/// What stands before every template of a rule, on its first line.
const PREDEFINED: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                          {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// A template that was read.
#[derive(Debug)]
pub struct Template {
    name: String,
    text: String,
    tree: Tree,
}

/// What an alert fills its templates with.
#[derive(Clone, Copy, Debug)]
pub struct AlertData<'a> {
    /// `$labels`: those of the query's result.
    pub labels: &'a Labels,
    /// `$externalLabels`: those of this server.
    pub external_labels: &'a Labels,
    /// `$externalURL`: under which URL people find this server.
    pub external_url: &'a str,
    /// `$value`: the query's result.
    pub value: AlertValue<'a>,
}

/// The result of an alert's query.
#[derive(Clone, Copy, Debug)]
pub enum AlertValue<'a> {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(&'a FloatHistogram),
}

/// Why a template could not be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "error executing template {name}: template: {name}:{line}:{column}: executing {name:?} at \
     <{context}>: {message}"
)]
pub struct ExpandError {
    /// The template's name.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// Bytes before the place on its line, the declarations before the text among them, as Go
    /// counts.
    pub column: usize,
    /// What stands there.
    pub context: String,
    /// In the words of Go.
    pub message: String,
}

/// Why a template was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template: {name}:{line}: {message}")]
pub struct TemplateError {
    /// The name it was given.
    pub name: String,
    /// From 1.
    pub line: usize,
    /// In the words of Go.
    pub message: String,
}

impl Template {
    /// Reads the text of a label or an annotation. `$labels`, `$externalLabels`, `$externalURL` and
    /// `$value` are there.
    ///
    /// # Errors
    /// When the text is not a template, or asks for a function or a variable that does not exist.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        let text = format!("{PREDEFINED}{text}");
        let tree = parser::parse(name, &text)?;
        Ok(Self { name: name.to_owned(), text, tree })
    }

    /// Whether the text says the same whatever the alert.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.tree.is_constant()
    }

    /// Fills the template in.
    ///
    /// # Errors
    /// When a function fails, a value has not what is asked of it, or a bound is reached.
    pub fn expand(&self, data: &AlertData<'_>, host: &dyn Host) -> Result<String, ExpandError> {
        let labels = |labels: &Labels| {
            let pairs = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            Value::Labels(Rc::new(pairs.collect()))
        };
        let data = Data {
            labels: labels(data.labels),
            external_labels: labels(data.external_labels),
            external_url: Value::text(data.external_url),
            value: match data.value {
                AlertValue::Float(value) => Value::Float(value),
                AlertValue::Histogram(histogram) => Value::Histogram(Rc::new(histogram.clone())),
            },
        };
        exec::expand(&self.name, &self.text, &self.tree, data, host).map_err(|failure| {
            let before = &self.text[..failure.at];
            let line = 1 + before.matches('\n').count();
            let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
            let exec::Failure { context, message, .. } = failure;
            ExpandError { name: self.name.clone(), line, column, context, message }
        })
    }
}
