//! The service account of the pod that we run in.

use super::{AccessError, Way};
use client::HttpConfig;
use client::config::{Credentials, Material, SecretSource, TlsConfig};
use std::net::Ipv6Addr;
use std::path::Path;

/// Bytes of a file with a name.
const MAX_NAME: u64 = 4 << 10;
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// Whether we run in a pod with a service account: the environment names the API server, and the folder
/// holds a token.
#[must_use]
pub fn is_in_cluster(folder: &Path) -> bool {
    std::env::var(HOST).is_ok_and(|host| !host.is_empty()) && folder.join("token").is_file()
}

/// The way to the API server, never through a proxy: it is a Service of the cluster itself.
pub(super) fn way(
    folder: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Way, AccessError> {
    let set = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| AccessError::NotInCluster(format!("{name} is not set")))
    };
    let (host, port) = (set(HOST)?, set(PORT)?);
    let host = match host.parse::<Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => host,
    };
    let token = folder.join("token");
    if !token.is_file() {
        let reason = format!("{} is not a file", token.display());
        return Err(AccessError::NotInCluster(reason));
    }
    let namespace = folder.join("namespace");
    let namespace = match client::files::read_file(&namespace, MAX_NAME) {
        Ok(content) => content.into_text().ok().map(|text| text.trim().to_owned()),
        Err(_) => None,
    };
    Ok(Way {
        server: format!("https://{host}:{port}"),
        http: HttpConfig {
            credentials: Credentials::Scheme {
                scheme: "Bearer".into(),
                secret: SecretSource::File(token),
            },
            tls: TlsConfig {
                ca: Some(Material::File(folder.join("ca.crt"))),
                ..TlsConfig::default()
            },
            ..HttpConfig::default()
        },
        namespace: namespace.filter(|name| !name.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn way_with(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Way, AccessError> {
        let folder = account(files);
        way(folder.path(), |name| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_the_server() {
        let check = |host: &str, server: &str| {
            let variables = [(HOST, host), (PORT, "443")];
            assert_eq!(way_with(&[("token", "t")], &variables).unwrap().server, server);
        };
        check("10.0.0.1", "https://10.0.0.1:443");
        check("fd00::1", "https://[fd00::1]:443");
        check("kubernetes.default.svc", "https://kubernetes.default.svc:443");
    }

    #[test]
    fn the_folder_says_who_asks() {
        let variables = [(HOST, "10.0.0.1"), (PORT, "443")];
        let check = |files: &[(&str, &str)], namespace: Option<&str>| {
            assert_eq!(way_with(files, &variables).unwrap().namespace.as_deref(), namespace);
        };
        check(&[("token", "t"), ("namespace", "monitoring\n")], Some("monitoring"));
        check(&[("token", "t"), ("namespace", "")], None);
        check(&[("token", "t")], None);
        let way = way_with(&[("token", "t")], &variables).unwrap();
        let files = way.http.files();
        let names: Vec<_> = files.iter().map(|(path, _)| path.file_name().unwrap()).collect();
        assert_eq!(names, ["token", "ca.crt"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |files: &[(&str, &str)], variables: &[(&str, &str)], part: &str| {
            let error = way_with(files, variables).unwrap_err().to_string();
            assert!(error.starts_with("not in a cluster: ") && error.contains(part), "{error}");
        };
        check(&[("token", "t")], &[], HOST);
        check(&[("token", "t")], &[(HOST, ""), (PORT, "1")], HOST);
        check(&[("token", "t")], &[(HOST, "a")], PORT);
        check(&[], &[(HOST, "a"), (PORT, "1")], "token is not a file");
    }
}
