//! `--enable-feature`: which names are honoured, which mean nothing here, which are for later.

use promql::Features;

/// The names of one `--enable-feature`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeatureList {
    pub(crate) promql: Features,
    pub(crate) delayed_name_removal: bool,
    pub(crate) extra_scrape_metrics: bool,
    pub(crate) auto_reload: bool,
    /// Names that nobody knows; worth a warning.
    pub(crate) unknown: Vec<String>,
}

/// What a name does.
#[derive(Clone, Copy)]
enum Effect {
    Switch(fn(&mut FeatureList)),
    /// Nothing to switch, for this reason.
    Nothing(&'static str),
    /// It would change answers, and is not built.
    NotBuilt(&'static str),
}

use Effect::{NotBuilt, Nothing, Switch};

/// All names of Prometheus, in the order of the alphabet.
const FEATURES: &[(&str, Effect)] = &[
    ("auto-reload-config", Switch(|list| list.auto_reload = true)),
    ("concurrent-rule-eval", Nothing("there are no rules yet whose evaluation could be faster")),
    ("created-timestamp-zero-ingestion", NotBuilt("start timestamps as zero samples")),
    ("delayed-compaction", Nothing("blocks are cut a little at a time")),
    ("exemplar-storage", NotBuilt("exemplars")),
    ("extra-scrape-metrics", Switch(|list| list.extra_scrape_metrics = true)),
    ("histograms-st-encoding", Nothing("an encoding of Prometheus' own chunks")),
    ("memory-snapshot-on-shutdown", Nothing("the log is read back fast enough without")),
    ("metadata-wal-records", NotBuilt("metadata in the log, for remote write")),
    ("native-histograms", Nothing("as in Prometheus 3.9 and later, the configuration decides")),
    ("old-ui", NotBuilt("the old web page")),
    ("ooo-native-histograms", Nothing("always on in Prometheus by now")),
    ("otlp-deltatocumulative", NotBuilt("the OTLP receiver")),
    ("otlp-native-delta-ingestion", NotBuilt("the OTLP receiver")),
    ("promql-binop-fill-modifiers", Switch(|list| list.promql.fill = true)),
    ("promql-delayed-name-removal", Switch(|list| list.delayed_name_removal = true)),
    ("promql-duration-expr", Nothing("always on in Prometheus by now")),
    ("promql-experimental-functions", Switch(|list| list.promql.experimental_functions = true)),
    ("promql-extended-range-selectors", Switch(|list| list.promql.extended_selectors = true)),
    ("promql-per-step-stats", NotBuilt("statistics for each step")),
    ("search-api", NotBuilt("the search API")),
    ("st-storage", NotBuilt("stored start timestamps")),
    ("st-synthesis", NotBuilt("start timestamps that are made up")),
    ("type-and-unit-labels", NotBuilt("labels for type and unit")),
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
            all.extra_scrape_metrics |= list.extra_scrape_metrics;
            all.auto_reload |= list.auto_reload;
            all.unknown.extend(list.unknown.iter().cloned());
            all
        })
    }
}

pub(super) fn parse(text: &str) -> Result<FeatureList, String> {
    let mut list = FeatureList::default();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match FEATURES.iter().find(|(known, _)| *known == name) {
            Some((_, Switch(switch))) => switch(&mut list),
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
    let mut out = String::from("Features of --enable-feature:\n");
    let mut line = |name: &str, what: &str| out.push_str(&format!("  {name}{what}\n"));
    for (name, effect) in FEATURES {
        if let Switch(_) = effect {
            line(name, "");
        }
    }
    line("", "Accepted, with nothing to switch:");
    for (name, effect) in FEATURES {
        if let Nothing(why) = effect {
            line(name, &format!(": {why}"));
        }
    }
    line("", "Refused, as not built in yet:");
    for (name, effect) in FEATURES {
        if let NotBuilt(what) = effect {
            line(name, &format!(": {what}"));
        }
    }
    out
}
