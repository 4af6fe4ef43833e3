//! Scrape classes: settings that objects choose by name.

use super::Reason;
use crate::resources::http::{Authorization, TlsConfig};
use crate::resources::settings::ScrapeClass;

/// All classes.
pub(super) struct Classes<'a> {
    all: &'a [ScrapeClass],
}

impl<'a> Classes<'a> {
    pub(super) fn new(all: &'a [ScrapeClass]) -> Result<Self, String> {
        if all.iter().filter(|class| class.default).count() > 1 {
            return Err("scrapeClasses: only one may be the default".into());
        }
        for (i, class) in all.iter().enumerate() {
            if class.name.is_empty() {
                return Err(format!("scrapeClasses[{i}]: a class needs a name"));
            }
            if all[..i].iter().any(|other| other.name == class.name) {
                return Err(format!("scrapeClasses[{i}]: a second class {:?}", class.name));
            }
        }
        Ok(Self { all })
    }

    /// The class an object chooses, or the default.
    pub(super) fn of(&self, chosen: Option<&str>) -> Result<Option<&'a ScrapeClass>, Reason> {
        match chosen {
            Some(name) => match self.all.iter().find(|class| class.name == name) {
                Some(class) => Ok(Some(class)),
                None => Err(format!("scrapeClass: there is no class {name:?}")),
            },
            None => Ok(self.all.iter().find(|class| class.default)),
        }
    }
}

/// What the object says of TLS, filled up by its class.
pub(super) fn tls(own: Option<&TlsConfig>, class: Option<&ScrapeClass>) -> Option<TlsConfig> {
    let of_class = class.and_then(|class| class.tls_config.as_ref());
    let Some(own) = own.filter(|own| **own != TlsConfig::default()) else {
        return of_class.or(own).cloned();
    };
    let mut tls = own.clone();
    if let Some(class) = of_class {
        if tls.ca_file.is_empty() && tls.ca.is_empty() {
            tls.ca_file.clone_from(&class.ca_file);
        }
        if tls.cert_file.is_empty() && tls.cert.is_empty() {
            tls.cert_file.clone_from(&class.cert_file);
        }
        if tls.key_file.is_empty() && tls.key_secret.is_none() {
            tls.key_file.clone_from(&class.key_file);
        }
    }
    Some(tls)
}

/// What the object says of its header, filled up by its class.
pub(super) fn authorization(
    own: Option<&Authorization>,
    class: Option<&ScrapeClass>,
) -> Option<Authorization> {
    let of_class = class.and_then(|class| class.authorization.as_ref());
    let Some(own) = own else { return of_class.cloned() };
    let mut authorization = own.clone();
    if let Some(class) = of_class.filter(|_| own.credentials.is_none()) {
        authorization.credentials.clone_from(&class.credentials);
        authorization.credentials_file.clone_from(&class.credentials_file);
    }
    Some(authorization)
}
