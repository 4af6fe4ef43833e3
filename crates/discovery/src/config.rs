//! The sections of a configuration file that name targets or where to find them.

use crate::{ADDRESS, Error, Group};
use model::Labels;
use model::duration::Duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::path::Path;

/// Sections that Prometheus knows and this crate does not. Whoever reads a job refuses them by
/// name: a job that silently finds nothing would be worse.
pub const UNSUPPORTED: &[&str] = &[
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "dns_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "http_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

/// Checks that an address is `host` or `host:port`: people write URLs there.
///
/// # Errors
/// When the address contains a `/`.
pub fn check_address(address: &str) -> Result<(), Error> {
    if address.contains('/') { Err(Error::Address(address.to_owned())) } else { Ok(()) }
}

/// One of `static_configs`, also one item of a discovery file: addresses and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticConfig {
    /// `host` or `host:port`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub targets: Vec<String>,
    /// Labels of all these targets.
    #[serde(default, deserialize_with = "label_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl StaticConfig {
    /// The group it describes.
    #[must_use]
    pub fn group(&self, source: String) -> Group {
        let target = |address: &String| Labels::from_pairs([(ADDRESS, address)]);
        Group {
            source,
            labels: Labels::from_pairs(&self.labels),
            targets: self.targets.iter().map(target).collect(),
        }
    }
}

/// One of `file_sd_configs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenFileConfig")]
pub struct FileConfig {
    /// Paths ending in `.json`, `.yml` or `.yaml`; the last element may contain `*`.
    pub files: Vec<String>,
    /// How often the files are read even if nothing seems to have changed.
    #[serde(serialize_with = "as_text")]
    pub refresh_interval: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFileConfig {
    #[serde(default, deserialize_with = "null_as_default")]
    files: Vec<String>,
    #[serde(default, deserialize_with = "duration")]
    refresh_interval: Option<Duration>,
}

impl TryFrom<WrittenFileConfig> for FileConfig {
    type Error = Error;

    fn try_from(written: WrittenFileConfig) -> Result<Self, Error> {
        let refresh_interval = written.refresh_interval.unwrap_or(Self::REFRESH_INTERVAL);
        Self::new(written.files, refresh_interval)
    }
}

impl FileConfig {
    /// How often files are read if nothing else is said.
    pub const REFRESH_INTERVAL: Duration = Duration::from_ms(300_000);

    /// # Errors
    /// When there are no files, a path cannot be one of a discovery file, or the interval is 0.
    pub fn new(files: Vec<String>, refresh_interval: Duration) -> Result<Self, Error> {
        if files.is_empty() {
            return Err(Error::NoFiles);
        }
        if let Some(path) = files.iter().find(|path| !is_valid_path(path)) {
            return Err(Error::Path(path.clone()));
        }
        if refresh_interval.ms <= 0 {
            return Err(Error::NoInterval);
        }
        Ok(Self { files, refresh_interval })
    }

    /// Makes relative paths begin at a folder: that of the file in which they are written.
    pub fn resolve(&mut self, folder: &Path) {
        for file in &mut self.files {
            if !file.is_empty() && Path::new(file).is_relative() {
                // Both were texts, so the result is one.
                *file = folder.join(&*file).to_string_lossy().into_owned();
            }
        }
    }
}

fn is_valid_path(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = ["json", "yml", "yaml", "JSON", "YML", "YAML"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending).and_then(|stem| stem.strip_suffix('.')));
    !folder.contains('*') && stem.is_some()
}

/// Reads the section `static_configs`; may be null, its items may not.
///
/// # Errors
/// When the section does not have that form.
pub fn static_configs<'de, D>(deserializer: D) -> Result<Vec<StaticConfig>, D::Error>
where
    D: Deserializer<'de>,
{
    section(deserializer, "static_configs")
}

/// Reads the section `file_sd_configs`; may be null, its items may not.
///
/// # Errors
/// When the section does not have that form.
pub fn file_sd_configs<'de, D>(deserializer: D) -> Result<Vec<FileConfig>, D::Error>
where
    D: Deserializer<'de>,
{
    section(deserializer, "file_sd_configs")
}

fn section<'de, D, T>(deserializer: D, name: &str) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items = Option::<Vec<Option<T>>>::deserialize(deserializer)?.unwrap_or_default();
    let items: Option<Vec<T>> = items.into_iter().collect();
    items.ok_or_else(|| de::Error::custom(format_args!("empty or null section in {name}")))
}

/// A section without a value is an empty one.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn label_map<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let labels = Option::<BTreeMap<String, Option<String>>>::deserialize(deserializer)?;
    let labels = labels.unwrap_or_default();
    if labels.contains_key("") {
        return Err(de::Error::custom("\"\" is not a valid label name"));
    }
    Ok(labels.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
}

fn duration<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| Duration::parse(&text)).transpose().map_err(de::Error::custom)
}

fn as_text<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sections {
        #[serde(default, deserialize_with = "static_configs")]
        static_configs: Vec<StaticConfig>,
        #[serde(default, deserialize_with = "file_sd_configs")]
        file_sd_configs: Vec<FileConfig>,
    }

    fn read(text: &str) -> Result<Sections, String> {
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options(text, options).map_err(|e| e.to_string())
    }

    #[test]
    fn sections_are_read() {
        let sections = read(concat!(
            "static_configs:\n- targets: ['a:1', b]\n  labels: {x: y, n: 1, e: }\n- targets:\n  labels:\n",
            "file_sd_configs:\n- files: [a/*.json]\n- files: [b.YML]\n  refresh_interval: 1m30s\n",
        ));
        let Sections { static_configs, file_sd_configs } = sections.unwrap();
        let group = static_configs[0].group("0".to_owned());
        assert_eq!(group.labels, Labels::from_pairs([("x", "y"), ("n", "1")]));
        assert_eq!(
            group.targets,
            ["a:1", "b"].map(|address| Labels::from_pairs([(ADDRESS, address)]))
        );
        assert_eq!(static_configs[1], StaticConfig::default());
        assert_eq!(file_sd_configs[0].refresh_interval, FileConfig::REFRESH_INTERVAL);
        assert_eq!(file_sd_configs[1].refresh_interval, Duration::from_ms(90_000));
        let empty = read("static_configs:\nfile_sd_configs:\n").unwrap();
        assert!(empty.static_configs.is_empty() && empty.file_sd_configs.is_empty());
    }

    #[track_caller]
    fn refuses(text: &str, parts: &[&str]) {
        let error = read(text).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn bad_sections_are_refused_with_their_line() {
        refuses("static_configs:\n-\n", &["empty or null section in static_configs"]);
        refuses("file_sd_configs: [null]", &["empty or null section in file_sd_configs"]);
        refuses("static_configs:\n- tragets: [a]\n", &["tragets", "line 2"]);
        refuses("static_configs:\n- targets: [a]\n  targets: [b]\n", &["targets", "line 3"]);
        refuses("static_configs:\n- labels: {a: 1, a: 2}\n", &["line 2"]);
        refuses("static_configs:\n- labels: {'': 1}\n", &["\"\" is not a valid label name"]);
        refuses("static_configs:\n- labels: {!!binary \"/w==\": bar}\n", &["line 2"]);
        refuses("static_configs:\n- labels: {a: [b]}\n", &["line 2"]);
        refuses("file_sd_configs: [{}]", &["must contain at least one path name"]);
        refuses("file_sd_configs: [{files: []}]", &["must contain at least one path name"]);
        refuses(
            "file_sd_configs:\n- files: [a.json]\n  refresh_interval: 5x\n",
            &["unknown unit \"x\" in duration \"5x\"", "line 3"],
        );
        refuses("file_sd_configs: [{files: [a.yml], refresh_interval: 0s}]", &["greater than 0"]);
        for path in ["a.txt", "a", "", "*/a.json", "a*/b.yml", "json", "a.jSON", "a.yml/"] {
            let text = format!("file_sd_configs: [{{files: ['{path}']}}]");
            refuses(&text, &[&format!("path name {path:?} is not valid for file discovery")]);
        }
    }

    #[test]
    fn relative_paths_begin_at_the_folder_of_the_file() {
        let files = ["a.yml", "/b/c.json", "d/*.yaml"].map(str::to_owned).to_vec();
        let mut config = FileConfig::new(files, FileConfig::REFRESH_INTERVAL).unwrap();
        config.resolve(Path::new("/etc/p"));
        assert_eq!(config.files, ["/etc/p/a.yml", "/b/c.json", "/etc/p/d/*.yaml"]);
    }

    #[test]
    fn addresses_are_no_urls() {
        assert!(check_address("a:1").is_ok());
        let refused = check_address("http://bad").unwrap_err();
        assert_eq!(refused.to_string(), "\"http://bad\" is not a valid hostname");
    }
}
