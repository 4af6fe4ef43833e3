//! Where Alertmanagers are: from what discovery found to URLs.

use crate::AlertmanagerSet;
use client::{Place, without_password};
use discovery::{ADDRESS, Group};
use model::relabel;
use model::{Labels, LabelsBuilder};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

const SCHEME: &str = "__scheme__";
const PATH: &str = "__alerts_path__";

/// What the groups of a set come to.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    /// Whom to tell, in the order of discovery, each once.
    pub(crate) active: Vec<Address>,
    /// The URLs of those that a rule dropped, as they were before it.
    pub(crate) dropped: Vec<String>,
}

/// Where one Alertmanager takes alerts.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// What tells it from others, without a password.
    pub(crate) url: String,
    pub(crate) place: Place,
}

/// Finds the Alertmanagers among the targets of a set. One that cannot be asked is left out, with a
/// line in the log.
pub(crate) fn of_groups(set: &AlertmanagerSet, groups: &[Arc<Group>]) -> Addresses {
    let (mut addresses, mut urls) = (Addresses::default(), HashSet::new());
    let path = alerts_path(&set.path_prefix);
    let mut labels = LabelsBuilder::new();
    for group in groups {
        for own in &group.targets {
            fill(&mut labels, set, &path, &group.labels, own);
            let before = Url::of(&labels);
            if !relabel::apply(&set.relabel, &mut labels) {
                addresses.dropped.push(before.shown());
                continue;
            }
            let url = Url::of(&labels);
            match url.place() {
                Ok(place) => {
                    let url = url.shown();
                    if urls.insert(url.clone()) {
                        addresses.active.push(Address { url, place });
                    }
                }
                Err(error) => {
                    let (set, group, url) = (&set.name, &group.source, url.shown());
                    tracing::warn!(set, group, url, error, "Alertmanager left out");
                }
            }
        }
    }
    addresses
}

/// The labels before relabeling. What the set says wins over the target's own labels, and labels of
/// the group that the target does not have itself win over the set.
fn fill(
    labels: &mut LabelsBuilder,
    set: &AlertmanagerSet,
    path: &str,
    group: &Labels,
    own: &Labels,
) {
    labels.reset(own);
    labels.set(SCHEME, &set.scheme);
    labels.set(PATH, path);
    for (name, value) in group {
        if own.get(name).is_none() {
            labels.set(name, value);
        }
    }
}

/// The prefix and the path of the API, as one path without empty elements and dots.
fn alerts_path(prefix: &str) -> String {
    let mut elements = Vec::new();
    for element in prefix.split('/').chain(["api", "v2", "alerts"]) {
        match element {
            "" | "." => {}
            ".." => drop(elements.pop()),
            other => elements.push(other),
        }
    }
    format!("/{}", elements.join("/"))
}

/// A URL, escaped as Go's `net/url` does.
struct Url {
    scheme: String,
    authority: String,
    path: String,
}

impl Url {
    fn of(labels: &LabelsBuilder) -> Self {
        let label = |name| labels.get(name).unwrap_or("");
        let mut path = String::new();
        if !label(PATH).starts_with('/') {
            path.push('/');
        }
        for byte in label(PATH).bytes() {
            if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
                path.push(char::from(byte));
            } else {
                write!(path, "%{byte:02X}").expect("a string takes text");
            }
        }
        Self { scheme: label(SCHEME).to_owned(), authority: label(ADDRESS).to_owned(), path }
    }

    fn place(&self) -> Result<Place, String> {
        if self.authority.is_empty() {
            return Err("no address".into());
        }
        discovery::check_address(&self.authority).map_err(|error| error.to_string())?;
        let place = Place::new(&self.scheme, &self.authority, &self.path, None);
        place.map_err(|error| error.to_string())
    }

    fn shown(&self) -> String {
        without_password(&self.to_string()).into_owned()
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{rules, set};

    #[test]
    fn paths() {
        let check = |prefix: &str, expected: &str| assert_eq!(alerts_path(prefix), expected);
        check("", "/api/v2/alerts");
        check("/", "/api/v2/alerts");
        check("am", "/am/api/v2/alerts");
        check("/a//b/", "/a/b/api/v2/alerts");
        check("/a/./../b", "/b/api/v2/alerts");
        check("../..", "/api/v2/alerts");
    }

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    /// Groups of label sets, each with the labels of its targets; what comes of them.
    #[track_caller]
    fn check(set: &AlertmanagerSet, groups: &[(Pairs<'_>, &[Pairs<'_>])], expected: &[&str]) {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let groups: Vec<_> = groups
            .iter()
            .map(|(group, targets)| {
                let targets = targets.iter().map(|own| labels(own)).collect();
                Arc::new(Group { source: "s".into(), labels: labels(group), targets })
            })
            .collect();
        let found = of_groups(set, &groups);
        let active = found.active.iter().map(|address| address.url.clone());
        let dropped = found.dropped.iter().map(|url| format!("dropped {url}"));
        assert_eq!(active.chain(dropped).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn addresses() {
        let plain = set("s");
        check(
            &plain,
            &[(&[], &[&[(ADDRESS, "a:9093")], &[(ADDRESS, "b")], &[(ADDRESS, "a:9093")]])],
            &["http://a:9093/api/v2/alerts", "http://b/api/v2/alerts"],
        );
        // Without an address, with a path in it, with a scheme nobody speaks.
        check(
            &plain,
            &[
                (&[(SCHEME, "ftp")], &[&[(ADDRESS, "c:1")]]),
                (&[], &[&[("x", "y")], &[(ADDRESS, "a/b")], &[(ADDRESS, "[::1]:9093")]]),
            ],
            &["http://[::1]:9093/api/v2/alerts"],
        );
        // A group's labels win over the set, a target's own do not.
        let prefixed = AlertmanagerSet { path_prefix: "/x y".into(), ..set("s") };
        check(
            &prefixed,
            &[
                (&[(SCHEME, "https"), (PATH, "/p")], &[&[(ADDRESS, "a")]]),
                (&[(SCHEME, "https")], &[&[(ADDRESS, "b"), (SCHEME, "ftp")]]),
            ],
            &["https://a/p", "http://b/x%20y/api/v2/alerts"],
        );
    }

    #[test]
    fn relabeling() {
        let relabel = rules(&[
            "{source_labels: [port_name], regex: web, action: keep}",
            "{source_labels: [ip], target_label: __address__, replacement: '$1:9093'}",
            "{source_labels: [path], target_label: __alerts_path__, regex: (.+)}",
        ]);
        let set = AlertmanagerSet { relabel, ..set("s") };
        check(
            &set,
            &[(
                &[("port_name", "web")],
                &[
                    &[("ip", "1.2.3.4"), (ADDRESS, "x:1")],
                    &[("ip", "1.2.3.4"), (ADDRESS, "x:2")],
                    &[("ip", "1.2.3.4"), (ADDRESS, "x:2"), ("path", "q")],
                    &[("port_name", "mesh"), (ADDRESS, "u:secret@x:3")],
                ],
            )],
            &[
                "http://1.2.3.4:9093/api/v2/alerts",
                "http://1.2.3.4:9093/q",
                "dropped http://u:xxxxx@x:3/api/v2/alerts",
            ],
        );
    }
}
