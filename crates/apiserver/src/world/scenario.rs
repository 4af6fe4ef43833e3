//! What a world is made of, as it is written down.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Nodes and applications; everything else follows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How many nodes there are.
    #[serde(default = "one")]
    pub nodes: usize,
    /// What runs on them.
    pub apps: Vec<App>,
}

/// A deployment with its pods, and a service in front of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Where all of it is.
    pub namespace: String,
    /// Of the deployment and the service.
    pub name: String,
    /// Of pods and service; `app: NAME` when there are none.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How many pods.
    #[serde(default = "one")]
    pub pods: usize,
    /// Ports of containers and service alike, by name.
    pub ports: BTreeMap<String, u16>,
    /// Real exporters, by port: their page, or the file beside the scenario that holds it. `$POD`
    /// and `$NAMESPACE` stand for the pod's own.
    #[serde(default)]
    pub pages: BTreeMap<String, String>,
    /// Ports with TLS.
    #[serde(default)]
    pub secure: Vec<String>,
}

fn one() -> usize {
    1
}

impl Scenario {
    /// Reads a file of YAML.
    ///
    /// # Panics
    /// When it, or the file of a page, is not there or not understood.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let text = |path: &Path| {
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
        };
        let mut scenario: Self = serde_saphyr::from_str(&text(path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for page in scenario.apps.iter_mut().flat_map(|app| app.pages.values_mut()) {
            if !page.contains('\n') {
                *page = text(&path.with_file_name(&*page));
            }
        }
        scenario
    }
}

impl App {
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        match self.labels.is_empty() {
            true => BTreeMap::from([("app".to_owned(), self.name.clone())]),
            false => self.labels.clone(),
        }
    }
}
