//! The section `kubernetes`, which is our own: what it means stands in the crate of that name.
//!
//! It is read twice. Lists that have the form of a `prometheus.yml` are read here, as strictly as in
//! their own sections; all else is read there. What the section says of `global`, `storage` and
//! `alerting` holds where the file says nothing itself.

use super::alerting::{Alerting, AlertingSection, Alertmanager};
use super::error::place_of;
use super::file::{File, Jobs};
use super::{ConfigError, ConfigText, Reading, reading};
use kubernetes::Section;
use kubernetes::resources::Settings;
use kubernetes::section::Surroundings;
use model::names::NameScheme;
use model::relabel::{Action, Rule};
use rules::LoadedFile;
use rules::file::RuleFile;
use scrape::config::RelabelConfig;
use scrape::{Config, Global};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

/// Faults told at once.
const MAX_TOLD: usize = 20;

/// The key in the file; it counts without a value too.
#[derive(Debug, Default)]
pub(super) struct Key {
    is_there: bool,
    lists: Option<Spanned<Lists>>,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let lists = Option::<Spanned<Lists>>::deserialize(deserializer)?;
        Ok(Self { is_there: true, lists })
    }
}

/// Lists in the form of a `prometheus.yml`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Lists {
    additional_scrape_configs: Inline<Spanned<Option<Config>>>,
    additional_alert_manager_configs: Inline<Spanned<Option<Alertmanager>>>,
    additional_alert_relabel_configs: Inline<Option<RelabelConfig>>,
}

/// A list that is written in place; empty when anything else is written, which others judge.
#[derive(Debug)]
struct Inline<T>(Vec<T>);

impl<T> Default for Inline<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inline<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InlineVisitor(PhantomData))
    }
}

struct InlineVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InlineVisitor<T> {
    type Value = Inline<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or the key of a Secret or a ConfigMap")
    }

    fn visit_unit<E>(self) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_none<E>(self) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Inline<T>, E> {
        Ok(Inline::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Inline<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Inline::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Inline<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Inline(items))
    }
}

/// What the section brings into the file.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) section: Option<Arc<Section>>,
    /// What it says of alerting, in the form of the file.
    alerting: Option<AlertingSection>,
    lists: Lists,
    /// Where the section stands.
    at: Location,
    /// Worth telling.
    pub(super) warnings: Vec<String>,
}

impl Brought {
    /// Reads the section, and fills up what the file itself does not say.
    pub(super) fn new(
        written: &mut File,
        text: &str,
        file: &str,
        how: &Reading,
    ) -> Result<Self, ConfigError> {
        let key = std::mem::take(&mut written.kubernetes);
        if !key.is_there {
            let (lists, at) = (Lists::default(), Location::UNKNOWN);
            return Ok(Self { section: None, alerting: None, lists, at, warnings: Vec::new() });
        }
        let section = Section::read(text).map_err(|faults| all_of(faults, file))?;
        let section = section.unwrap_or_default();
        let around = Surroundings {
            replica: how.replica.as_deref(),
            namespace: how.own_namespace.as_deref(),
        };
        let mut said: File = reading::sections(&section.to_file(around), file)
            .map_err(|error| ConfigError { at: None, ..error })?;
        let (lists, at) = match key.lists {
            Some(lists) => (lists.value, lists.referenced),
            None => (Lists::default(), Location::UNKNOWN),
        };
        let warnings = said_twice(written, &section.settings);
        written.fill(&mut said, at);
        let alerting = said.take_alerting();
        Ok(Self { section: Some(Arc::new(section)), alerting, lists, at, warnings })
    }

    /// No limit is above the one that is enforced.
    pub(super) fn enforce(&self, global: &mut Global) {
        let Some(section) = &self.section else { return };
        let s = &section.settings;
        let size = s.enforced_body_size_limit.as_deref();
        let bytes = size.and_then(|size| model::size::parse_bytes(size).ok());
        let limits = [
            (&mut global.sample_limit, s.enforced_sample_limit),
            (&mut global.target_limit, s.enforced_target_limit),
            (&mut global.label_limit, s.enforced_label_limit),
            (&mut global.label_name_length_limit, s.enforced_label_name_length_limit),
            (&mut global.label_value_length_limit, s.enforced_label_value_length_limit),
            (&mut global.keep_dropped_targets, s.enforced_keep_dropped_targets),
            (&mut global.body_size_limit, bytes),
        ];
        for (limit, enforced) in limits {
            if let Some(enforced) = enforced.filter(|enforced| *enforced > 0) {
                *limit = if *limit == 0 { enforced } else { enforced.min(*limit) };
            }
        }
    }

    /// Adds the jobs that are written in place, each with its part of the targets only; as a file of
    /// their own.
    pub(super) fn add_jobs(
        &mut self,
        jobs: &mut Jobs,
        file: &str,
        directory: &Path,
        global: &Global,
        shard: Option<u64>,
    ) -> Result<Option<ConfigText>, ConfigError> {
        let written = std::mem::take(&mut self.lists.additional_scrape_configs.0);
        let Some(section) = self.section.as_ref().filter(|_| !written.is_empty()) else {
            return Ok(None);
        };
        let number = written.len();
        let before = jobs.jobs.len();
        jobs.add(Some(written), file, directory, global)?;
        let rules = section.shard_rules(shard.unwrap_or(0));
        if !rules.is_empty() {
            let text = serde_json::to_string(&rules).expect("a tree of texts and numbers is JSON");
            let rules: Vec<RelabelConfig> =
                serde_saphyr::from_str(&text).expect("our own rules are right");
            for job in &mut jobs.jobs[before..] {
                let is_divided = job.relabel.iter().any(|rule| rule.action == Action::HashMod);
                if !is_divided {
                    let rules = rules.iter().map(|rule| rule.rule(job.name_scheme));
                    let rules: Vec<_> = rules.collect::<Result<_, _>>().expect("as above");
                    job.relabel.extend(rules);
                }
            }
        }
        let list = match &section.settings.additional_scrape_configs {
            Some(kubernetes::resources::settings::Additional::Inline(list)) => list.as_slice(),
            _ => &[],
        };
        let text = json!({"scrape_configs": list}).to_string();
        Ok(Some(ConfigText { text, jobs: number }))
    }

    /// Adds whom the section tells of alerts, and what it makes of them.
    pub(super) fn add_alerting(
        &self,
        alerting: &mut Alerting,
        file: &str,
        directory: &Path,
        scheme: NameScheme,
    ) -> Result<(), ConfigError> {
        if let Some(said) = &self.alerting {
            let said = said.resolve(file, directory, scheme, alerting.sets.len());
            let said = said.map_err(|error| self.here(error))?;
            // A replica's name is taken off before anybody looks at labels.
            alerting.alert_relabel.splice(0..0, said.alert_relabel);
            alerting.sets.extend(said.sets);
        }
        let Lists { additional_alert_manager_configs, additional_alert_relabel_configs, .. } =
            &self.lists;
        for rule in &additional_alert_relabel_configs.0 {
            let rule =
                rule.as_ref().ok_or_else(|| "empty or null alert relabeling rule".to_owned());
            let rule: Result<Rule, String> = rule.and_then(|rule| rule.rule(scheme));
            let rule = rule.map_err(|message| self.here(ConfigError::of_file(file, message)))?;
            alerting.alert_relabel.push(rule);
        }
        for written in &additional_alert_manager_configs.0 {
            let number = alerting.sets.len();
            alerting.sets.push(super::alerting::set(written, number, file, directory, scheme)?);
        }
        Ok(())
    }

    /// What of alerting this build cannot do.
    pub(super) fn alertmanagers(&self) -> impl Iterator<Item = &Alertmanager> {
        let written = self.lists.additional_alert_manager_configs.0.iter();
        written.filter_map(|written| written.value.as_ref())
    }

    /// The rules that are written in place, each name as a file of its own.
    pub(super) fn rule_files(
        &self,
        file: &str,
        options: &rules::file::Options,
    ) -> Result<Vec<LoadedFile>, ConfigError> {
        let written = self.section.iter().flat_map(|section| &section.additional_rules);
        let files = written.map(|rules| {
            let name = format!("additionalPrometheusRulesMap/{}", rules.name);
            match RuleFile::parse(&rules.file.to_string(), options) {
                Ok(groups) => Ok(LoadedFile { name, groups: Arc::new(groups) }),
                Err(faults) => {
                    let told = faults.iter().take(MAX_TOLD).map(|fault| fault.message.as_str());
                    let message = format!("{name}: {}", told.collect::<Vec<_>>().join("; "));
                    Err(ConfigError { at: rules.place, ..ConfigError::of_file(file, message) })
                }
            }
        });
        files.collect()
    }

    /// An error in what the section says stands where the section does.
    fn here(&self, error: ConfigError) -> ConfigError {
        ConfigError { at: place_of(self.at), ..error }
    }
}

/// All faults as one error, a line each.
fn all_of(faults: Vec<kubernetes::section::Fault>, file: &str) -> ConfigError {
    let error = |fault: kubernetes::section::Fault| {
        let message = if fault.path.is_empty() {
            fault.message
        } else {
            format!("{}: {}", fault.path, fault.message)
        };
        ConfigError { at: fault.place, ..ConfigError::of_file(file, message) }
    };
    let number = faults.len();
    let mut faults = faults.into_iter().map(error);
    let mut first = faults.next().expect("never an empty list");
    for fault in faults.take(MAX_TOLD - 1) {
        first.message.push('\n');
        first.message.push_str(&fault.to_string());
    }
    if number > MAX_TOLD {
        first.message.push_str(&format!("\nand {} more", number - MAX_TOLD));
    }
    first
}

/// Times of the section that do nothing, as the file itself says others.
fn said_twice(written: &File, settings: &Settings) -> Vec<String> {
    let Some(global) = &written.global else { return Vec::new() };
    let times = [
        ("scrape_interval", "scrapeInterval", &settings.scrape_interval),
        ("scrape_timeout", "scrapeTimeout", &settings.scrape_timeout),
        ("evaluation_interval", "evaluationInterval", &settings.evaluation_interval),
    ];
    let twice = global.value.times().filter_map(|name| {
        let (_, own, _) = times.iter().find(|(of, _, time)| *of == name && !time.is_empty())?;
        Some(format!("kubernetes.{own} does nothing, as global.{name} is written"))
    });
    twice.collect()
}
