//! From a tracing event to a line.

use super::line::{Fields, Form};
use crate::clock;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Writes every event as one line.
pub(super) struct Lines {
    pub(super) json: bool,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::new(if self.json { Form::Json } else { Form::Logfmt });
        fields.add("ts", &timestamp(clock::now_ms()));
        fields.add("level", &event.metadata().level().as_str().to_ascii_lowercase());
        let mut rest = Collector::default();
        event.record(&mut rest);
        fields.add("msg", &rest.message);
        if !rest.has_component {
            // The crate that speaks: `scrape::pool` is component scrape.
            let target = event.metadata().target();
            fields.add("component", target.split("::").next().unwrap_or(target));
        }
        for (name, value, kind) in &rest.fields {
            match kind {
                Kind::Text => fields.add(name, value),
                Kind::Plain => fields.add_plain(name, value),
            }
        }
        writer.write_str(&fields.finish())?;
        writer.write_str("\n")
    }
}

fn timestamp(t_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(t_ms)
        .map_or_else(|_| t_ms.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

#[derive(Default)]
struct Collector {
    message: String,
    has_component: bool,
    fields: Vec<(&'static str, String, Kind)>,
}

/// Whether a value is quoted in JSON.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Plain,
}

impl Collector {
    fn put(&mut self, field: &Field, value: String, kind: Kind) {
        match field.name() {
            "message" => self.message = value,
            name => {
                self.has_component |= name == "component";
                self.fields.push((name, value, kind));
            }
        }
    }
}

impl Visit for Collector {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned(), Kind::Text);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.to_string(), Kind::Plain);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.to_string(), Kind::Plain);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.to_string(), Kind::Plain);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"), Kind::Text);
    }
}
