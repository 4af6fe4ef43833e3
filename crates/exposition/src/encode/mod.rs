//! Samples to a page: our own metrics, and single lines for whoever has samples of their own.
//!
//! [`TextEncoder`] writes a page; it is the [`Visitor`] that our own metrics are told to. [`choose`]
//! picks the protocol a client asks for. Names outside the classic character sets are quoted where
//! the protocol knows quoted names, else their other characters become underscores.

mod accept;
mod line;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use model::metrics::{Kind, Visitor};

pub use accept::{choose, content_type};

use crate::dialect::Dialect;
use crate::negotiate::Protocol;
use crate::sink::FamilyType;

/// Writes a page in one of the text protocols.
#[derive(Debug)]
pub struct TextEncoder {
    protocol: Protocol,
    page: String,
    /// The family that has begun; its head is written before its first sample, so that a family
    /// without samples leaves no trace.
    family: Option<Family>,
}

#[derive(Debug)]
struct Family {
    name: String,
    kind: Kind,
    help: String,
    has_head: bool,
}

const TOTAL: &str = "_total";

impl TextEncoder {
    /// An empty page. Protobuf is not written: the page is text 0.0.4 then.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        let protocol = if protocol == Protocol::Protobuf { Protocol::Text0 } else { protocol };
        Self { protocol, page: String::new(), family: None }
    }

    /// The finished page, with the end mark that OpenMetrics has.
    #[must_use]
    pub fn finish(mut self) -> String {
        if dialect_of(self.protocol) == Dialect::OpenMetrics {
            self.page.push_str("# EOF\n");
        }
        self.page
    }

    /// Takes out what is written so far, to send a long page piece by piece; what
    /// [`TextEncoder::finish`] gives is the rest.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.page)
    }

    /// Writes a TYPE line. In OpenMetrics the family of a counter is named without `_total`.
    pub fn type_line(&mut self, family: &str, kind: FamilyType) {
        let word = match (dialect_of(self.protocol), kind) {
            (Dialect::OpenMetrics, kind) => kind.as_str(),
            (Dialect::Text, FamilyType::Counter) => "counter",
            (Dialect::Text, FamilyType::Gauge | FamilyType::Info | FamilyType::StateSet) => "gauge",
            (Dialect::Text, FamilyType::Histogram | FamilyType::GaugeHistogram) => "histogram",
            (Dialect::Text, FamilyType::Summary) => "summary",
            (Dialect::Text, FamilyType::Unknown) => "untyped",
        };
        self.page.push_str("# TYPE ");
        line::write_family_name(&mut self.page, self.protocol, family);
        writeln!(self.page, " {word}").expect("a string takes text");
    }

    /// Writes a HELP line.
    pub fn help_line(&mut self, family: &str, help: &str) {
        self.page.push_str("# HELP ");
        line::write_family_name(&mut self.page, self.protocol, family);
        self.page.push(' ');
        line::write_help(&mut self.page, dialect_of(self.protocol), help);
        self.page.push('\n');
    }

    /// Writes a sample. Labels are written in the order they come, `__name__` and empty ones left out.
    pub fn sample_line<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: f64,
        t_ms: Option<i64>,
    ) {
        line::write_series(&mut self.page, self.protocol, name, labels);
        self.page.push(' ');
        model::float::write_g(&mut self.page, value).expect("a string takes text");
        if let Some(t_ms) = t_ms {
            self.page.push(' ');
            line::write_timestamp(&mut self.page, dialect_of(self.protocol), t_ms);
        }
        self.page.push('\n');
    }

    /// The name of the family in TYPE and HELP lines, and of the sample.
    ///
    /// In OpenMetrics samples of counters end in `_total` and their family does not; in text a
    /// counter is named like its samples.
    fn names(&self, family: &Family, suffix: &str) -> (String, String) {
        let sample = format!("{}{suffix}", family.name);
        match (dialect_of(self.protocol), family.kind) {
            (Dialect::OpenMetrics, Kind::Counter) => {
                let base = sample.strip_suffix(TOTAL).unwrap_or(&sample);
                (base.to_owned(), format!("{base}{TOTAL}"))
            }
            (Dialect::Text, Kind::Counter) => (sample.clone(), sample),
            _ => (family.name.clone(), sample),
        }
    }
}

impl Visitor for TextEncoder {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (name, help) = (name.to_owned(), help.to_owned());
        self.family = Some(Family { name, kind, help, has_head: false });
    }

    /// # Panics
    /// When no family has begun.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let mut family = self.family.take().expect("a family comes before its samples");
        let (head, name) = self.names(&family, suffix);
        if !family.has_head {
            family.has_head = true;
            if !family.help.is_empty() {
                self.help_line(&head, &family.help);
            }
            self.type_line(&head, type_of(family.kind));
        }
        self.sample_line(&name, labels.iter().copied(), value, None);
        self.family = Some(family);
    }
}

fn dialect_of(protocol: Protocol) -> Dialect {
    match protocol {
        Protocol::OpenMetrics0 | Protocol::OpenMetrics1 => Dialect::OpenMetrics,
        Protocol::Text0 | Protocol::Text1 | Protocol::Protobuf => Dialect::Text,
    }
}

fn type_of(kind: Kind) -> FamilyType {
    match kind {
        Kind::Counter => FamilyType::Counter,
        Kind::Gauge => FamilyType::Gauge,
        Kind::Histogram => FamilyType::Histogram,
        Kind::Summary => FamilyType::Summary,
    }
}
