//! Credentials: a name and a password, or a scheme and what it takes.

use super::{HttpKeys, OAuth2, is_file, is_set};
use crate::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// `basic_auth`: a name and a password, each in place or in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    pub(super) username: Option<String>,
    pub(super) username_file: Option<PathBuf>,
    pub(super) password: Option<Secret>,
    pub(super) password_file: Option<PathBuf>,
}

/// `authorization`: a scheme and credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorization {
    #[serde(rename = "type")]
    pub(super) scheme: Option<String>,
    pub(super) credentials: Option<Secret>,
    pub(super) credentials_file: Option<PathBuf>,
}

/// A secret in place, or in a file that is read again when it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// In place.
    Text(Secret),
    /// In a file.
    File(PathBuf),
}

/// The credentials that go with every request.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub enum Credentials {
    /// None at all.
    #[default]
    None,
    /// Name and password.
    Basic {
        /// The name.
        username: SecretSource,
        /// The password.
        password: SecretSource,
    },
    /// A scheme, most often `Bearer`.
    Scheme {
        /// Its name.
        scheme: String,
        /// What follows the name.
        secret: SecretSource,
    },
    /// Tokens that are asked for.
    OAuth2(Box<OAuth2>),
}

impl HttpKeys {
    pub(super) fn credentials(&self) -> Result<Credentials, String> {
        let token = self.bearer_token.as_ref().filter(|t| !t.reveal().is_empty());
        let token_file = self.bearer_token_file.as_ref().filter(|p| !p.as_os_str().is_empty());
        let bearer = token.is_some() || token_file.is_some();
        let refuse = |text: &str| Err(text.to_owned());
        if token.is_some() && token_file.is_some() {
            return refuse("at most one of bearer_token & bearer_token_file must be configured");
        }
        if bearer && (self.basic_auth.is_some() || self.oauth2.is_some()) {
            return refuse(
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be \
                 configured",
            );
        }
        let basic = self.basic_auth.as_ref().map(BasicAuth::credentials).transpose()?;
        if self.authorization.is_some() && bearer {
            return refuse("authorization is not compatible with bearer_token & bearer_token_file");
        }
        let scheme = self.authorization.as_ref().map(Authorization::credentials).transpose()?;
        let ways = [basic.is_some(), scheme.is_some(), self.oauth2.is_some()];
        if ways.into_iter().filter(|way| *way).count() > 1 {
            return refuse("at most one of basic_auth, oauth2 & authorization must be configured");
        }
        let oauth2 = self.oauth2.as_ref().map(|keys| keys.config()).transpose()?;
        let oauth2 = oauth2.map(|oauth2| Credentials::OAuth2(Box::new(oauth2)));
        let bearer = bearer.then(|| Credentials::Scheme {
            scheme: "Bearer".into(),
            secret: SecretSource::of(token, token_file),
        });
        Ok(basic.or(scheme).or(oauth2).or(bearer).unwrap_or_default())
    }
}

impl BasicAuth {
    fn credentials(&self) -> Result<Credentials, String> {
        if is_set(self.username.as_deref()) && is_file(self.username_file.as_ref()) {
            return Err(
                "at most one of basic_auth username & username_file must be configured".into()
            );
        }
        if is_set(self.password.as_ref().map(Secret::reveal))
            && is_file(self.password_file.as_ref())
        {
            return Err(
                "at most one of basic_auth password & password_file must be configured".into()
            );
        }
        let username = self.username.as_deref().map(Secret::from);
        Ok(Credentials::Basic {
            username: SecretSource::of(username.as_ref(), self.username_file.as_ref()),
            password: SecretSource::of(self.password.as_ref(), self.password_file.as_ref()),
        })
    }
}

impl Authorization {
    fn credentials(&self) -> Result<Credentials, String> {
        if is_set(self.credentials.as_ref().map(Secret::reveal))
            && is_file(self.credentials_file.as_ref())
        {
            return Err("at most one of authorization credentials & credentials_file must be \
                        configured"
                .into());
        }
        let scheme = self.scheme.as_deref().map_or("", str::trim);
        if scheme.eq_ignore_ascii_case("basic") {
            return Err(
                r#"authorization type cannot be set to "basic", use "basic_auth" instead"#.into()
            );
        }
        Ok(Credentials::Scheme {
            scheme: if scheme.is_empty() { "Bearer".into() } else { scheme.into() },
            secret: SecretSource::of(self.credentials.as_ref(), self.credentials_file.as_ref()),
        })
    }
}

impl SecretSource {
    /// The file when one is named, else the text.
    pub(super) fn of(text: Option<&Secret>, file: Option<&PathBuf>) -> Self {
        match file.filter(|file| !file.as_os_str().is_empty()) {
            Some(file) => Self::File(file.clone()),
            None => Self::Text(text.cloned().unwrap_or_default()),
        }
    }
}
