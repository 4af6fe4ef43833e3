//! Labels of targets.

use crate::names::sanitized;
use crate::objects::ObjectMeta;
use discovery::ADDRESS;
use model::Labels;
use std::net::Ipv6Addr;

const META: &str = "__meta_kubernetes_";

/// Labels that are put together; the last value of a name counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Meta(Vec<(String, String)>);

impl Meta {
    /// Sets a meta label.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.push((format!("{META}{name}"), value.to_owned()));
    }

    /// Sets a meta label if there is a value.
    pub(super) fn set_some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Sets a label of any other name.
    pub(super) fn set_plain(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Sets the address.
    pub(super) fn address(&mut self, address: &str) {
        self.set_plain(ADDRESS, address);
    }

    /// Sets a label that has a name of its own, and that it is there.
    pub(super) fn set_named(&mut self, what: &str, present: &str, name: &str, value: &str) {
        let name = sanitized(name);
        self.set(&format!("{what}{name}"), value);
        self.set(&format!("{present}{name}"), "true");
    }

    /// Sets name, labels and annotations of an object.
    pub(super) fn object(&mut self, role: &str, meta: &ObjectMeta) {
        self.set(&format!("{role}_name"), &meta.name);
        self.labels_of(role, meta);
    }

    /// Sets labels and annotations of an object.
    pub(super) fn labels_of(&mut self, role: &str, meta: &ObjectMeta) {
        for (name, value) in &meta.labels {
            let (label, present) = (format!("{role}_label_"), format!("{role}_labelpresent_"));
            self.set_named(&label, &present, name, value);
        }
        for (name, value) in &meta.annotations {
            let (annotation, present) =
                (format!("{role}_annotation_"), format!("{role}_annotationpresent_"));
            self.set_named(&annotation, &present, name, value);
        }
    }

    /// Sets all of others.
    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    /// The labels; those without a value are none.
    pub(super) fn labels(&self) -> Labels {
        let mut builder = Labels::empty().to_builder();
        for (name, value) in &self.0 {
            builder.set(name, value);
        }
        builder.build()
    }
}

/// Host and port; an address of IPv6 gets brackets.
pub(super) fn host_and_port(host: &str, port: u16) -> String {
    if host.parse::<Ipv6Addr>().is_ok() || host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// `true` or `false`.
pub(super) fn yes_or_no(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
