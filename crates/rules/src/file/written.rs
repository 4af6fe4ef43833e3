//! A rule file as written, strict or not.

use super::{Fault, Options};
use model::duration::Duration;
use serde::{Deserialize, Deserializer, de};
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;

/// Keys and values of a file.
const MAX_NODES: usize = 4_000_000;

/// Texts by name; a name without a text is none.
pub(super) type Texts = BTreeMap<String, Option<String>>;

/// A group, with its place.
pub(super) struct Group {
    pub(super) at: Location,
    pub(super) name: Spanned<String>,
    pub(super) interval: Option<Time>,
    pub(super) query_offset: Option<Time>,
    pub(super) limit: Option<Whole>,
    pub(super) labels: Texts,
    pub(super) rules: Vec<Rule>,
}

/// A rule, with its place.
pub(super) struct Rule {
    pub(super) at: Location,
    pub(super) record: Option<Spanned<String>>,
    pub(super) alert: Option<Spanned<String>>,
    pub(super) expr: Option<Spanned<String>>,
    pub(super) hold: Option<Time>,
    pub(super) keep_firing_for: Option<Time>,
    pub(super) labels: Texts,
    pub(super) annotations: Texts,
}

/// A duration; the empty text is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Time(pub(super) i64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        if text.is_empty() {
            return Ok(Self(0));
        }
        Duration::parse(&text).map(|duration| Self(duration.ms)).map_err(de::Error::custom)
    }
}

/// A whole number as Go's YAML reads it: `1e3` is one, `"5"` is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(pub(super) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        // Quotes make it longer in the file.
        let length = text.defined.span().byte_len().and_then(|len| usize::try_from(len).ok());
        let whole = model::scalar::signed(&text.value).filter(|_| length == Some(text.value.len()));
        whole.map(Self).ok_or_else(|| de::Error::custom("expected a whole number"))
    }
}

/// Declares the file's shape twice: unknown keys refused, and unknown keys passed over.
macro_rules! shape {
    ($module:ident $(, $strict:meta)?) => {
        mod $module {
            use super::{Texts, Time, Whole, Deserialize, Spanned};

            #[derive(Default, Deserialize)]
            #[serde(default)]
            $(#[$strict])?
            pub(super) struct File {
                pub(super) groups: Option<Vec<Option<Spanned<Group>>>>,
            }

            #[derive(Default, Deserialize)]
            #[serde(default)]
            pub(super) struct Object {
                pub(super) kind: Option<String>,
                pub(super) spec: Option<File>,
            }

            #[derive(Deserialize)]
            $(#[$strict])?
            pub(super) struct Group {
                pub(super) name: Option<Spanned<String>>,
                pub(super) interval: Option<Time>,
                pub(super) query_offset: Option<Time>,
                pub(super) limit: Option<Whole>,
                pub(super) labels: Option<Texts>,
                pub(super) rules: Option<Vec<Option<Spanned<Rule>>>>,
                /// Thanos' business; only in objects.
                pub(super) partial_response_strategy: Option<String>,
            }

            #[derive(Deserialize)]
            $(#[$strict])?
            pub(super) struct Rule {
                record: Option<Spanned<String>>,
                alert: Option<Spanned<String>>,
                expr: Option<Spanned<String>>,
                #[serde(rename = "for")]
                hold: Option<Time>,
                keep_firing_for: Option<Time>,
                labels: Option<Texts>,
                annotations: Option<Texts>,
            }

            pub(super) fn groups(file: File) -> impl Iterator<Item = (super::Group, bool)> {
                file.groups.into_iter().flatten().flatten().map(|group| {
                    let at = group.referenced;
                    let group = group.value;
                    let of_object = group.partial_response_strategy.is_some();
                    let rules = group.rules.into_iter().flatten().flatten();
                    let rules = rules.map(|rule| super::Rule {
                        at: rule.referenced,
                        record: rule.value.record,
                        alert: rule.value.alert,
                        expr: rule.value.expr,
                        hold: rule.value.hold,
                        keep_firing_for: rule.value.keep_firing_for,
                        labels: rule.value.labels.unwrap_or_default(),
                        annotations: rule.value.annotations.unwrap_or_default(),
                    });
                    let group = super::Group {
                        at,
                        name: group.name.unwrap_or_else(|| super::nameless(at)),
                        interval: group.interval,
                        query_offset: group.query_offset,
                        limit: group.limit,
                        labels: group.labels.unwrap_or_default(),
                        rules: rules.collect(),
                    };
                    (group, of_object)
                })
            }
        }
    };
}

shape!(strict, serde(deny_unknown_fields));
shape!(lenient);

fn nameless(at: Location) -> Spanned<String> {
    Spanned { value: String::new(), referenced: at, defined: at }
}

/// Reads a text; a `PrometheusRule` object is known by its kind.
pub(super) fn read(text: &str, options: &Options) -> Result<Vec<Group>, Fault> {
    let object = is_object(text);
    let groups: Vec<(Group, bool)> = match (object, options.ignore_unknown_fields) {
        (false, false) => strict::groups(rulefmt(text)?).collect(),
        (false, true) => lenient::groups(rulefmt(text)?).collect(),
        (true, false) => strict::groups(spec(rulefmt::<strict::Object>(text)?.spec)).collect(),
        (true, true) => lenient::groups(spec(rulefmt::<lenient::Object>(text)?.spec)).collect(),
    };
    let known = object || options.ignore_unknown_fields;
    if let Some((group, _)) = groups.iter().find(|(_, of_object)| *of_object && !known) {
        let message = "field partial_response_strategy not found in type rulefmt.RuleGroup";
        return Err(Fault { place: place(group.at), message: message.to_owned() });
    }
    Ok(groups.into_iter().map(|(group, _)| group).collect())
}

fn spec<T: Default>(spec: Option<T>) -> T {
    spec.unwrap_or_default()
}

fn is_object(text: &str) -> bool {
    let kind = || rulefmt::<lenient::Object>(text).ok()?.kind;
    text.contains("PrometheusRule") && kind().as_deref() == Some("PrometheusRule")
}

fn rulefmt<T: de::DeserializeOwned + Default>(text: &str) -> Result<T, Fault> {
    yaml::<Option<T>>(text, "rulefmt").map(Option::unwrap_or_default)
}

/// Reads strict YAML; keys that are not known are not found in a type of that name.
pub(crate) fn yaml<T: de::DeserializeOwned>(text: &str, of: &str) -> Result<T, Fault> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_events: 2 * MAX_NODES },
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
    };
    serde_saphyr::from_str_with_options::<T>(text, options).map_err(|error| Fault {
        place: error.location().and_then(place),
        message: bare(&error.without_snippet().to_string(), of),
    })
}

pub(crate) fn place(at: Location) -> Option<super::Place> {
    (at != Location::UNKNOWN).then(|| (at.line(), at.column()))
}

/// The message without the place, which stands in front, and an unknown key as Prometheus says it.
fn bare(message: &str, of: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let ends = [" (defined at ", " at line ", ", set DuplicateKeyPolicy", "; use "];
    let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    let line = &line[..end];
    match line.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => format!("field {field} not found in type {of}"),
        None => line.to_owned(),
    }
}
