//! `--enable-feature`: which names are honoured, which mean nothing here, which are for later.

use promql::Features;

/// The names of one `--enable-feature`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeatureList {
    pub(crate) promql: Features,
    pub(crate) delayed_name_removal: bool,
    pub(crate) scrape: scrape::Features,
    pub(crate) extra_scrape_metrics: bool,
    pub(crate) auto_reload: bool,
    pub(crate) concurrent_rule_eval: bool,
    /// Names that nobody knows; worth a warning.
    pub(crate) unknown: Vec<String>,
}

/// What a name does.
#[derive(Clone, Copy)]
enum Effect {
    /// Switches this on.
    Switch(&'static str, fn(&mut FeatureList)),
    /// Nothing to switch, for this reason.
    Nothing(&'static str),
    /// It would change answers, and is not built.
    NotBuilt(&'static str),
}

use Effect::{NotBuilt, Nothing, Switch};

/// All names of Prometheus, in the order of the alphabet.
const FEATURES: &[(&str, Effect)] = &[
    (
        "auto-reload-config",
        Switch("the same as --config.auto-reload", |list| list.auto_reload = true),
    ),
    (
        "concurrent-rule-eval",
        Switch("rules of a group that do not need each other are evaluated together", |list| {
            list.concurrent_rule_eval = true;
        }),
    ),
    (
        "created-timestamp-zero-ingestion",
        Switch("a zero sample where a target says that a series began", |list| {
            list.scrape.created_timestamp_zero_ingestion = true;
        }),
    ),
    ("delayed-compaction", Nothing("blocks are cut a little at a time")),
    (
        "exemplar-storage",
        Switch("exemplars are kept, as many as storage.exemplars of the file says", |list| {
            list.scrape.exemplar_storage = true;
        }),
    ),
    (
        "extra-scrape-metrics",
        Switch("limits and the timeout of a target as series beside up", |list| {
            list.extra_scrape_metrics = true
        }),
    ),
    ("histograms-st-encoding", Nothing("an encoding of Prometheus' own chunks")),
    ("memory-snapshot-on-shutdown", Nothing("the log is read back fast enough without")),
    ("metadata-wal-records", NotBuilt("metadata in the log, for remote write")),
    ("native-histograms", Nothing("as in Prometheus 3.9 and later, the configuration decides")),
    ("old-ui", NotBuilt("the old web page")),
    ("ooo-native-histograms", Nothing("always on in Prometheus by now")),
    ("otlp-deltatocumulative", NotBuilt("the OTLP receiver")),
    ("otlp-native-delta-ingestion", NotBuilt("the OTLP receiver")),
    (
        "promql-binop-fill-modifiers",
        Switch("fill_left, fill_right and fill beside on and ignoring", |list| {
            list.promql.fill = true
        }),
    ),
    (
        "promql-delayed-name-removal",
        Switch("the metric name goes at the end of a query, not in each step", |list| {
            list.delayed_name_removal = true
        }),
    ),
    ("promql-duration-expr", Nothing("always on in Prometheus by now")),
    (
        "promql-experimental-functions",
        Switch("functions that may still change", |list| list.promql.experimental_functions = true),
    ),
    (
        "promql-extended-range-selectors",
        Switch("anchored and smoothed ranges", |list| list.promql.extended_selectors = true),
    ),
    ("promql-per-step-stats", NotBuilt("statistics for each step")),
    ("search-api", NotBuilt("the search API")),
    ("st-storage", NotBuilt("stored start timestamps")),
    ("st-synthesis", NotBuilt("start timestamps that are made up")),
    (
        "type-and-unit-labels",
        Switch("the labels __type__ and __unit__ from the metadata of a scrape", |list| {
            list.scrape.type_and_unit_labels = true;
        }),
    ),
    ("use-start-timestamps", NotBuilt("queries over start timestamps")),
    ("use-uncached-io", Nothing("compaction writes little enough to leave caches alone")),
    ("xor2-encoding", Nothing("an encoding of Prometheus' own chunks")),
];

impl FeatureList {
    /// Everything that any of the lists switches on.
    pub(crate) fn union<'a>(lists: impl IntoIterator<Item = &'a Self>) -> Self {
        lists.into_iter().fold(Self::default(), |mut all, list| {
            all.promql.experimental_functions |= list.promql.experimental_functions;
            all.promql.extended_selectors |= list.promql.extended_selectors;
            all.promql.fill |= list.promql.fill;
            all.delayed_name_removal |= list.delayed_name_removal;
            let (scrape, more) = (&mut all.scrape, list.scrape);
            scrape.created_timestamp_zero_ingestion |= more.created_timestamp_zero_ingestion;
            scrape.type_and_unit_labels |= more.type_and_unit_labels;
            scrape.exemplar_storage |= more.exemplar_storage;
            all.extra_scrape_metrics |= list.extra_scrape_metrics;
            all.auto_reload |= list.auto_reload;
            all.concurrent_rule_eval |= list.concurrent_rule_eval;
            all.unknown.extend(list.unknown.iter().cloned());
            all
        })
    }
}

pub(super) fn parse(text: &str) -> Result<FeatureList, String> {
    let mut list = FeatureList::default();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match FEATURES.iter().find(|(known, _)| *known == name) {
            Some((_, Switch(_, switch))) => switch(&mut list),
            Some((_, Nothing(_))) => {}
            Some((_, NotBuilt(what))) => {
                return Err(format!("not supported yet: {name}: {what}"));
            }
            None => list.unknown.push(name.to_owned()),
        }
    }
    Ok(list)
}

/// The list for people, a line a name.
pub(super) fn help() -> String {
    let mut out = String::from("Features of --enable-feature; an unknown name is a warning.");
    let mut part = |title: &str, told: fn(&Effect) -> Option<&'static str>| {
        out.push_str(&format!("\n\n{title}:"));
        for (name, effect) in FEATURES {
            if let Some(what) = told(effect) {
                out.push_str(&format!("\n  {name}: {what}"));
            }
        }
    };
    part("Built in", |effect| match effect {
        Switch(what, _) => Some(what),
        Nothing(_) | NotBuilt(_) => None,
    });
    part("Accepted, with nothing to switch", |effect| match effect {
        Nothing(why) => Some(why),
        Switch(..) | NotBuilt(_) => None,
    });
    part("Refused, as not built in yet", |effect| match effect {
        NotBuilt(what) => Some(what),
        Switch(..) | Nothing(_) => None,
    });
    out
}
