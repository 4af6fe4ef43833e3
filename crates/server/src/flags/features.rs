//! `--enable-feature`: which names are honoured, which mean nothing, which are for later.

use promql::Features;

/// Always on, or always on in Prometheus by now: nothing to switch.
const NOTHING_TO_DO: &[&str] =
    &["native-histograms", "ooo-native-histograms", "promql-duration-expr"];

/// Known to Prometheus, not built here yet.
const NOT_YET: &[&str] = &[
    "auto-reload-config",
    "concurrent-rule-eval",
    "created-timestamp-zero-ingestion",
    "delayed-compaction",
    "exemplar-storage",
    "histograms-st-encoding",
    "memory-snapshot-on-shutdown",
    "metadata-wal-records",
    "old-ui",
    "otlp-deltatocumulative",
    "otlp-native-delta-ingestion",
    "promql-per-step-stats",
    "search-api",
    "st-storage",
    "st-synthesis",
    "type-and-unit-labels",
    "use-start-timestamps",
    "use-uncached-io",
    "xor2-encoding",
];

/// The names of one `--enable-feature`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeatureList {
    pub(crate) promql: Features,
    pub(crate) delayed_name_removal: bool,
    pub(crate) extra_scrape_metrics: bool,
    /// Names that nobody knows; worth a warning.
    pub(crate) unknown: Vec<String>,
}

impl FeatureList {
    /// Everything that any of the lists switches on.
    pub(crate) fn union<'a>(lists: impl IntoIterator<Item = &'a Self>) -> Self {
        lists.into_iter().fold(Self::default(), |mut all, list| {
            all.promql.experimental_functions |= list.promql.experimental_functions;
            all.promql.extended_selectors |= list.promql.extended_selectors;
            all.promql.fill |= list.promql.fill;
            all.delayed_name_removal |= list.delayed_name_removal;
            all.extra_scrape_metrics |= list.extra_scrape_metrics;
            all.unknown.extend(list.unknown.iter().cloned());
            all
        })
    }
}

pub(super) fn parse(text: &str) -> Result<FeatureList, String> {
    let mut list = FeatureList::default();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "promql-experimental-functions" => list.promql.experimental_functions = true,
            "promql-extended-range-selectors" => list.promql.extended_selectors = true,
            "promql-binop-fill-modifiers" => list.promql.fill = true,
            "promql-delayed-name-removal" => list.delayed_name_removal = true,
            "extra-scrape-metrics" => list.extra_scrape_metrics = true,
            name if NOTHING_TO_DO.contains(&name) => {}
            name if NOT_YET.contains(&name) => return Err(format!("not supported yet: {name}")),
            name => list.unknown.push(name.to_owned()),
        }
    }
    Ok(list)
}
