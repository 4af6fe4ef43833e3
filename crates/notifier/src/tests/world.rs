//! A notifier among Alertmanagers in memory.

use crate::{AlertmanagerSet, Metrics, Notifier, Options, Settings};
use client::{Dialer, HttpConfig, Stream};
use discovery::{ADDRESS, Group, Snapshot};
use model::metrics::{Collect, Kind, Visitor};
use model::names::NameScheme;
use model::relabel::{RawRule, Rule};
use model::{Alert, Labels};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// How an Alertmanager answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Takes all.
    Take,
    /// Takes all, after so long.
    Slow(Duration),
    /// Answers with this status line, headers and body.
    Answer(&'static str, &'static str),
    /// Refuses what has an alert of this name in it.
    RefuseWith(&'static str, &'static str),
    /// Reads and never answers.
    Hang,
    /// Closes connections.
    Down,
}

/// One request that was read.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) alerts: Vec<Value>,
    pub(crate) taken: bool,
}

/// All Alertmanagers, by their addresses; those that were not told a manner are down.
#[derive(Clone, Default)]
pub(crate) struct Alertmanagers {
    manners: Arc<Mutex<HashMap<String, Manner>>>,
    heard: Arc<Mutex<HashMap<String, Vec<Heard>>>>,
}

impl Alertmanagers {
    pub(crate) fn set(&self, address: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(address.into(), manner);
    }

    /// All that this one has heard, taken or not.
    pub(crate) fn heard(&self, address: &str) -> Vec<Heard> {
        self.heard.lock().unwrap().get(address).cloned().unwrap_or_default()
    }

    /// What it took, request by request: `name=ends`, with the end in minutes.
    pub(crate) fn taken(&self, address: &str) -> Vec<Vec<String>> {
        let taken = self.heard(address).into_iter().filter(|heard| heard.taken);
        taken.map(|heard| heard.alerts.iter().map(shown).collect()).collect()
    }

    fn connect(&self, address: &str) -> Box<dyn Stream> {
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(self.clone().serve(address.to_owned(), far));
        Box::new(near)
    }

    async fn serve(self, address: String, mut stream: DuplexStream) {
        let manner = || self.manners.lock().unwrap().get(&address).cloned();
        loop {
            if matches!(manner(), None | Some(Manner::Down)) {
                return;
            }
            let Some((head, alerts)) = read(&mut stream).await else { return };
            let has = |name: &str| {
                alerts.iter().any(|alert| alert["labels"]["alertname"].as_str() == Some(name))
            };
            let mut pause = Duration::ZERO;
            let (status, headers) = match manner() {
                Some(Manner::Take) => ("200 OK", ""),
                Some(Manner::Slow(time)) => {
                    pause = time;
                    ("200 OK", "")
                }
                Some(Manner::Answer(status, headers)) => (status, headers),
                Some(Manner::RefuseWith(status, name)) if has(name) => (status, ""),
                Some(Manner::RefuseWith(..)) => ("200 OK", ""),
                Some(Manner::Hang) => ("", ""),
                Some(Manner::Down) | None => return,
            };
            let taken = status.starts_with("200");
            let heard = Heard { head, alerts, taken };
            self.heard.lock().unwrap().entry(address.clone()).or_default().push(heard);
            tokio::time::sleep(pause).await;
            if status.is_empty() {
                std::future::pending::<()>().await;
            }
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 3\r\n{headers}\r\nwhy");
            // The client may have hung up.
            stream.write_all(answer.as_bytes()).await.ok();
        }
    }
}

/// Reads one request: its head, and the alerts in its body.
pub(crate) async fn read(
    stream: &mut (impl tokio::io::AsyncRead + Unpin),
) -> Option<(String, Vec<Value>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    let alerts = if body.is_empty() { Vec::new() } else { serde_json::from_slice(&body).unwrap() };
    Some((head, alerts))
}

fn shown(alert: &Value) -> String {
    let ends: jiff::Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
    let name = alert["labels"]["alertname"].as_str().unwrap();
    format!("{name}={}", ends.as_second() / 60)
}

pub(crate) struct World {
    pub(crate) alertmanagers: Alertmanagers,
    pub(crate) notifier: Notifier,
    pub(crate) metrics: Arc<Metrics>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        let (alertmanagers, metrics) = (Alertmanagers::default(), Arc::<Metrics>::default());
        let connected = alertmanagers.clone();
        let dialer = Dialer::within(move |address| connected.connect(address));
        let notifier = Notifier::new(Options { dialer, ..options }, Arc::clone(&metrics));
        Self { alertmanagers, notifier, metrics }
    }

    /// One set, `s`, with these Alertmanagers, all of which take what they are told.
    pub(crate) fn of(addresses: &[&str]) -> Self {
        let world = Self::new();
        world.apply([set("s")]);
        world.discover(&[("s", addresses)]);
        for address in addresses {
            world.alertmanagers.set(address, Manner::Take);
        }
        world
    }

    pub(crate) fn apply(&self, sets: impl IntoIterator<Item = AlertmanagerSet>) {
        let sets = sets.into_iter().collect();
        self.notifier.apply(Settings { sets, ..Settings::default() });
    }

    /// Discovers these addresses for the sets.
    pub(crate) fn discover(&self, sets: &[(&str, &[&str])]) {
        self.notifier.set_targets(&snapshot(sets));
    }

    /// Sends alerts, each by its name and end in minutes.
    pub(crate) fn send(&self, alerts: &[(&str, i64)]) {
        self.notifier.send(alerts.iter().map(|(name, ends)| alert(name, *ends)).collect());
    }

    /// Lets a little more time pass, and everything that waits for it.
    pub(crate) async fn pass(&self, seconds: u64) {
        let little = Duration::from_millis(1);
        tokio::time::sleep(Duration::from_secs(seconds) + little).await;
    }

    /// The value of a series of ours, such as `sent_total a:9093`; the last word is an address.
    pub(crate) fn metric(&self, series: &str) -> Option<f64> {
        let mut lines = Lines::default();
        self.metrics.collect(&mut lines);
        let (name, address) = series.split_once(' ').unwrap_or((series, ""));
        let url = match address {
            "" => String::new(),
            address => format!("http://{address}/api/v2/alerts"),
        };
        lines.values.get(&format!("prometheus_notifications_{name} {url}")).copied()
    }
}

#[derive(Default)]
struct Lines {
    family: String,
    values: BTreeMap<String, f64>,
}

impl Visitor for Lines {
    fn family(&mut self, name: &str, _: Kind, help: &str) {
        assert!(help.ends_with('.'), "{help}");
        self.family = name.to_owned();
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels.iter().map(|(_, value)| *value).collect();
        let series = format!("{}{suffix} {}", self.family, labels.join(" "));
        assert_eq!(self.values.insert(series, value), None, "a series twice");
    }
}

/// What discovery publishes.
pub(crate) fn snapshot(sets: &[(&str, &[&str])]) -> Snapshot {
    let group = |addresses: &&[&str]| Group {
        source: "test".into(),
        labels: Labels::empty(),
        targets: addresses.iter().map(|a| Labels::from_pairs([(ADDRESS, a)])).collect(),
    };
    let jobs = sets.iter().map(|(set, found)| ((*set).to_owned(), [Arc::new(group(found))].into()));
    Snapshot { jobs: jobs.collect() }
}

/// An alert that began at the epoch and ends after so many minutes.
pub(crate) fn alert(name: &str, ends_minutes: i64) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name), ("severity", "page")]),
        annotations: vec![("summary".into(), format!("{name} is on"))],
        starts_at_ms: 0,
        ends_at_ms: ends_minutes * 60_000,
        generator_url: "http://here/graph?g0.expr=up".into(),
    }
}

/// A set as a file without any settings would have it.
pub(crate) fn set(name: &str) -> AlertmanagerSet {
    super::logs::listen();
    AlertmanagerSet {
        name: name.into(),
        http: HttpConfig::default(),
        timeout: Duration::from_secs(10),
        scheme: "http".into(),
        path_prefix: String::new(),
        relabel: Vec::new(),
        alert_relabel: Vec::new(),
    }
}

/// Relabeling rules as they stand in a file.
pub(crate) fn rules(texts: &[&str]) -> Vec<Rule> {
    #[derive(Deserialize)]
    struct Written {
        source_labels: Option<Vec<String>>,
        regex: Option<String>,
        target_label: Option<String>,
        replacement: Option<String>,
        action: Option<String>,
    }
    let rule = |text: &&str| {
        let written: Written = serde_saphyr::from_str(text).unwrap();
        let raw = RawRule {
            source_labels: written.source_labels,
            regex: written.regex,
            target_label: written.target_label,
            replacement: written.replacement,
            action: written.action,
            ..RawRule::default()
        };
        Rule::new(raw, NameScheme::Utf8).unwrap()
    };
    texts.iter().map(rule).collect()
}
