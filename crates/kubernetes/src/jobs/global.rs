//! The `global` section.

use super::limits;
use crate::resources::{Object, Settings};
use crate::yaml::Fields;

/// From the settings; the Operator's defaults where they say nothing.
pub(super) fn section(own: &Object<Settings>) -> Fields {
    let (settings, meta) = (&own.spec, &own.metadata);
    let or_default = |text: &str| if text.is_empty() { "30s" } else { text }.to_owned();
    let mut out = Fields::default();
    out.set("scrape_interval", or_default(&settings.scrape_interval));
    out.set_text("scrape_timeout", &settings.scrape_timeout);
    let mut labels = Fields::default();
    let name =
        |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
    let own_label = name(&settings.prometheus_external_label_name, "prometheus");
    let replica_label = name(&settings.replica_external_label_name, "prometheus_replica");
    for (label, value) in &settings.external_labels {
        if *label != own_label && *label != replica_label {
            labels.set(label, value);
        }
    }
    if !own_label.is_empty() && !meta.name.is_empty() {
        labels.set(&own_label, format!("{}/{}", meta.namespace, meta.name));
    }
    if !replica_label.is_empty() {
        labels.set(&replica_label, "$(POD_NAME)");
    }
    out.set_fields("external_labels", labels);
    out.set_list("scrape_protocols", &settings.scrape_protocols);
    limits::global(&mut out, settings);
    out.set("evaluation_interval", or_default(&settings.evaluation_interval));
    out
}
