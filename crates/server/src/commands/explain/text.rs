//! An explanation as text: a head line a job, then a paragraph a target, the most important first.

use super::page;
use api::explain::{
    Diagnosis, ExplainedJob, ExplainedTarget, Explanation, LabelMap, Position, Scrapes, Step,
};
use std::fmt::Write as _;

/// What people read.
pub(super) fn show(explanation: &Explanation) -> String {
    let mut out = Text::default();
    for (i, job) in explanation.jobs.iter().enumerate() {
        if i > 0 {
            out.line(0, "");
        }
        out.job(job);
    }
    out.0
}

/// Lines for a terminal.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    /// Characters that a terminal would obey are shown instead.
    pub(super) fn line(&mut self, indent: usize, text: &str) {
        self.0.extend(std::iter::repeat_n(' ', indent));
        for c in text.chars() {
            if c.is_control() && c != '\t' {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        self.0.push('\n');
    }

    /// A word, and what stands behind it in a column of its own.
    fn field(&mut self, word: &str, text: &str) {
        self.line(2, &format!("{word:<11} {text}"));
    }

    fn job(&mut self, job: &ExplainedJob) {
        let states: Vec<_> = job.states.iter().map(|(state, n)| format!("{n} {state}")).collect();
        let asked: usize = job.states.values().sum();
        let of = match (job.discovered, asked) {
            (0, _) => "discovery found no targets".to_owned(),
            (discovered, asked) if discovered == asked => count(discovered, "target"),
            (discovered, asked) => format!("{asked} of {}", count(discovered, "target")),
        };
        let states =
            if states.is_empty() { String::new() } else { format!(": {}", states.join(", ")) };
        self.line(0, &format!("job {} - {of}{states}", job.job));
        for target in &job.targets {
            self.line(0, "");
            self.target(target);
        }
        if job.left_out > 0 {
            self.line(0, "");
            let more = count(job.left_out, "more target");
            self.line(0, &format!("and {more}; --limit shows more of them, --state fewer"));
        }
    }

    fn target(&mut self, target: &ExplainedTarget) {
        let address = target.discovered_labels.get("__address__").map_or("", String::as_str);
        let name = target.scrape_url.as_deref().unwrap_or(address);
        self.line(0, &format!("{} {name}", target.state.to_uppercase()));
        if let Some(reason) = &target.reason {
            self.field("why", reason);
        }
        if let Some(diagnosis) = &target.diagnosis {
            self.diagnosis(diagnosis);
        }
        if let Some(scrapes) = &target.scrapes {
            self.scrapes(scrapes);
        }
        if let Some(labels) = &target.labels {
            self.field("labels", &braces(labels));
        }
        self.field("found by", &target.source);
        self.field("discovered", &braces(&target.discovered_labels));
        for step in &target.steps {
            self.step(step);
        }
    }

    fn scrapes(&mut self, scrapes: &Scrapes) {
        let Some(last) = &scrapes.last_scrape else {
            return self.field("scrapes", "none yet");
        };
        let took = seconds(scrapes.last_scrape_duration);
        let of_all = match scrapes.failed {
            0 => String::new(),
            failed => format!("; {failed} of {} failed", scrapes.total),
        };
        self.field("scraped", &format!("{last}, took {took}{of_all}"));
        let mut parts = vec![count(scrapes.samples, "sample")];
        if scrapes.samples_kept != scrapes.samples {
            parts.push(format!("{} kept after relabeling", scrapes.samples_kept));
        }
        if scrapes.samples_refused > 0 {
            parts.push(format!("{} refused", scrapes.samples_refused));
        }
        parts.push(format!("{} of body", bytes(scrapes.body_bytes)));
        self.field("brought", &parts.join(", "));
        let new = scrapes.series_added;
        let total = scrapes.series_added_total;
        let text =
            format!("{}, {new} new in the last scrape, {total} new over time", scrapes.series);
        self.field("series", &text);
    }

    fn diagnosis(&mut self, diagnosis: &Diagnosis) {
        if !diagnosis.current {
            let text = format!("{} at {}, since mended", diagnosis.error, diagnosis.at);
            self.field("last failed", &text);
        }
        if let Some(limit) = &diagnosis.limit {
            let text =
                format!("{} allows {}, found {}", limit.option, limit.allowed, limit.measured);
            self.field("limit", &text);
            if let Some(series) = &limit.series {
                self.field("beyond it", series);
            }
        }
        if let Some(page) = &diagnosis.page {
            let came = bytes(page.came);
            match page.position {
                None => self.field("answer", &format!("{came} came, beginning with")),
                Some(Position { line, column, offset }) => {
                    let place = format!("line {line}, column {column}, byte {offset} of the page");
                    self.field("place", &format!("{place}; {came} came"));
                }
            }
            for line in page::lines(page) {
                self.line(4, &line);
            }
        }
    }

    fn step(&mut self, step: &Step) {
        self.field(&format!("rule {}", step.rule), &format!("{}: {}", step.outcome, step.text));
        for (name, old) in &step.before {
            match step.after.get(name) {
                Some(new) if new == old => {}
                Some(new) => self.line(14, &format!("{name}: {old:?} -> {new:?}")),
                None => self.line(14, &format!("- {name}={old:?}")),
            }
        }
        for (name, new) in &step.after {
            if !step.before.contains_key(name) {
                self.line(14, &format!("+ {name}={new:?}"));
            }
        }
    }
}

fn braces(labels: &LabelMap) -> String {
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

pub(super) fn count<N: PartialEq + From<u8> + std::fmt::Display>(n: N, what: &str) -> String {
    let end = if n == N::from(1) { "" } else { "s" };
    format!("{n} {what}{end}")
}

fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn bytes(bytes: u64) -> String {
    let mut out = String::new();
    match bytes {
        0..1024 => write!(out, "{}", count(bytes, "byte")),
        1024..1_048_576 => write!(out, "{:.1} KiB", bytes as f64 / 1024.0),
        _ => write!(out, "{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
    .expect("a string takes text");
    out
}
