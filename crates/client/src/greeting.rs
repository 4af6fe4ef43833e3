//! The headers that say who we are: made of secrets, which may stand in files.

use crate::FetchError;
use crate::config::{Credentials, HttpConfig, SecretSource};
use crate::files::{Bytes, Vault};
use crate::fresh::{Fresh, Unreadable};
use crate::place::basic;
use crate::tls::Trouble;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::{Zeroize as _, Zeroizing};

/// Headers that come of secrets, made again when a file changes.
#[derive(Debug)]
pub(crate) struct Greeting {
    config: Arc<HttpConfig>,
    /// When there are no files: made once and for all.
    fixed: Option<Result<Arc<Headers>, FetchError>>,
    headers: Fresh<Headers>,
    whats: Vec<&'static str>,
}

/// Headers with their names, secrets revealed: never to be printed.
pub(crate) struct Headers(pub(crate) Vec<(String, String)>);

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} headers", self.0.len())
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl Greeting {
    pub(crate) fn new(config: &Arc<HttpConfig>, vault: &Vault) -> Self {
        let (mut paths, mut whats) = (Vec::<PathBuf>::new(), Vec::new());
        for (source, what) in sources(config) {
            if let SecretSource::File(path) = source {
                paths.push(path.clone());
                whats.push(what);
            }
        }
        let fixed = paths.is_empty().then(|| make(config, &[]).map(Arc::new));
        Self { config: config.clone(), fixed, headers: Fresh::new(paths, vault), whats }
    }

    /// The headers as of now.
    pub(crate) async fn headers(&self) -> Result<Arc<Headers>, FetchError> {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        let config = self.config.clone();
        let made = self.headers.get(move |files| make(&config, files).map_err(Trouble::Other));
        made.await.map_err(|trouble| match trouble {
            Trouble::Unreadable(Unreadable { file, source }) => FetchError::Secret {
                what: self.whats.get(file).copied().unwrap_or("a file"),
                path: self.headers.path(file).display().to_string(),
                source: Arc::new(source),
            },
            Trouble::Other(error) => error,
        })
    }
}

/// The text of a file that holds a secret.
pub(crate) fn text_of(content: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(String::from_utf8_lossy(content).into_owned());
    Zeroizing::new(text.trim().to_owned())
}

/// All secrets in the order of the headers, each with what a file of it holds.
pub(crate) fn sources(config: &HttpConfig) -> Vec<(&SecretSource, &'static str)> {
    let mut sources = match &config.credentials {
        Credentials::None | Credentials::OAuth2(_) => Vec::new(),
        Credentials::Basic { username, password } => {
            vec![(username, "basic auth username file"), (password, "basic auth password file")]
        }
        Credentials::Scheme { secret, .. } => vec![(secret, "authorization credentials file")],
    };
    sources.extend(config.headers.iter().map(|(_, value)| (value, "http header file")));
    sources
}

fn make(config: &HttpConfig, files: &[Bytes]) -> Result<Headers, FetchError> {
    let mut files = files.iter();
    let mut texts = sources(config).into_iter().map(|(source, _)| match source {
        SecretSource::Text(secret) => Zeroizing::new(secret.reveal().to_owned()),
        SecretSource::File(_) => text_of(files.next().expect("one for each path")),
    });
    let mut text = || texts.next().expect("one for each source");
    let mut headers = Vec::new();
    match &config.credentials {
        Credentials::None | Credentials::OAuth2(_) => {}
        Credentials::Basic { .. } => {
            let (username, password) = (text(), text());
            headers.push(("Authorization".to_owned(), basic(&username, &password)));
        }
        Credentials::Scheme { scheme, .. } => {
            headers.push(("Authorization".to_owned(), format!("{scheme} {}", text().as_str())));
        }
    }
    headers.extend(config.headers.iter().map(|(name, _)| (name.clone(), (*text()).clone())));
    // A file may hold anything.
    for (name, value) in &headers {
        if http::HeaderValue::from_str(value).is_err() {
            let text = format!("header {name:?} has a value that cannot be sent");
            return Err(FetchError::Address(text));
        }
    }
    Ok(Headers(headers))
}
