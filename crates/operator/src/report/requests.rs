//! Requests to the API server, and what their answers mean.

use super::bindings::Change;
use super::outcome::{Condition, Outcome};
use super::{GROUP, Instance};
use crate::plan::{MonitorKind, ObjectRef};
use cluster::access::Access;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// Objects in a page. Those with rules are large.
const PAGE: usize = 100;
/// Conflicts in a row after which an object is left alone for a while.
const MAX_CONFLICTS: usize = 5;

/// Why something was not done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// We may not.
    Forbidden(String),
    /// There is no such object, or kind of objects.
    Absent,
    /// Somebody else was faster, or is already there.
    Conflict,
    /// The server does not take it.
    Refused(String),
    /// Anything else.
    Other(String),
}

impl Failed {
    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Forbidden(text) | Self::Refused(text) | Self::Other(text) => text.clone(),
            Self::Absent => "it is not there".into(),
            Self::Conflict => "others change it all the time".into(),
        }
    }
}

impl From<kube::Error> for Failed {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                403 if is_of_roles(&status.message) => Self::Forbidden(status.message),
                404 => Self::Absent,
                409 => Self::Conflict,
                code @ (400 | 403 | 413 | 415 | 422) => {
                    Self::Refused(format!("answered {code}: {}", status.message))
                }
                code => Self::Other(format!("answered {code}: {}", status.message)),
            },
            error => Self::Other(error.to_string()),
        }
    }
}

/// Whether we lack a permission; else this one object is refused: by a webhook or a quota, or because
/// its namespace is about to go.
fn is_of_roles(message: &str) -> bool {
    message.contains(" cannot ")
}

/// What came of writing a status.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// It says what it should now.
    Written,
    /// It did already.
    Unchanged,
    /// The object is not there any more, or is another one.
    Gone,
}

/// An object as far as we look at it.
#[derive(Debug, Deserialize)]
struct Listed {
    #[serde(default)]
    metadata: Meta,
    #[serde(default)]
    status: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: String,
    namespace: String,
    uid: String,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default = "Vec::new")]
    items: Vec<Listed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListMeta {
    r#continue: Option<String>,
}

/// What we have said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Tells it from another of the same name.
    pub(super) uid: String,
    /// Nothing is `None`.
    pub(super) condition: Option<Condition>,
}

/// Asks and tells.
#[derive(Clone, Debug)]
pub(super) struct Requests(pub(super) Access);

impl Requests {
    async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<T, Failed> {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some((kind, _)) = body {
            request = request.header("content-type", kind);
        }
        let body = body.map_or_else(Vec::new, |(_, body)| body.to_string().into_bytes());
        let request = request.body(body).map_err(|error| Failed::Other(error.to_string()))?;
        Ok(self.0.client().request(request).await?)
    }

    /// Whether there is a `Prometheus` object of our name.
    pub(super) async fn is_prometheus(&self, instance: &Instance) -> Result<bool, Failed> {
        let Instance { namespace, name } = instance;
        let path = format!("/apis/{GROUP}/v1/namespaces/{namespace}/prometheuses/{name}");
        match self.send::<Value>("GET", &path, None).await {
            Ok(_) => Ok(true),
            Err(Failed::Absent) => Ok(false),
            Err(failed) => Err(failed),
        }
    }

    /// What we have said about each object of a kind.
    pub(super) async fn told(
        &self,
        kind: MonitorKind,
        version: &str,
        namespace: Option<&str>,
        instance: &Instance,
    ) -> Result<Vec<(ObjectRef, Told)>, Failed> {
        let place = namespace.map_or_else(String::new, |name| format!("/namespaces/{name}"));
        let path = format!("/apis/{GROUP}/{version}{place}/{}?limit={PAGE}", kind.plural());
        let (mut told, mut next) = (Vec::new(), String::new());
        loop {
            let list: List = self.send("GET", &format!("{path}{next}"), None).await?;
            for Listed { metadata, status } in list.items {
                let Meta { name, namespace, uid } = metadata;
                let object = ObjectRef { kind, namespace: namespace.into(), name: name.into() };
                told.push((object, Told { uid, condition: instance.told(&status) }));
            }
            match list.metadata.r#continue.filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", escaped(&token)),
                None => return Ok(told),
            }
        }
    }

    /// Makes an object say what it should.
    pub(super) async fn write(
        &self,
        object: &ObjectRef,
        version: &str,
        uid: &str,
        instance: &Instance,
        outcome: &Outcome,
    ) -> Result<Wrote, Failed> {
        let ObjectRef { kind, namespace, name } = object;
        let plural = kind.plural();
        let path = format!("/apis/{GROUP}/{version}/namespaces/{namespace}/{plural}/{name}");
        let mut last = Failed::Conflict;
        for _ in 0..MAX_CONFLICTS {
            let found: Value = match self.send("GET", &path, None).await {
                Err(Failed::Absent) => return Ok(Wrote::Gone),
                found => found?,
            };
            if found.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) {
                return Ok(Wrote::Gone);
            }
            let status = format!("{path}/status");
            let written = match instance.change(found, outcome, Timestamp::now()) {
                Change::None => return Ok(Wrote::Unchanged),
                Change::Put(object) => {
                    let body = Some(("application/json", &object));
                    self.send::<Value>("PUT", &status, body).await
                }
                Change::Patch(list) => {
                    let body = Some(("application/json-patch+json", &list));
                    self.send::<Value>("PATCH", &status, body).await.map_err(|failed| {
                        // Most likely a test that does not hold: the list has changed.
                        match failed {
                            Failed::Refused(text) => {
                                last = Failed::Refused(text);
                                Failed::Conflict
                            }
                            failed => failed,
                        }
                    })
                }
            };
            match written {
                Err(Failed::Conflict) => {}
                Err(Failed::Absent) => return Ok(Wrote::Gone),
                written => return written.map(|_| Wrote::Written),
            }
        }
        Err(last)
    }

    /// Sends an Event; one of the same name counts as sent.
    pub(super) async fn event(&self, namespace: &Arc<str>, event: &Value) -> Result<(), Failed> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let body = Some(("application/json", event));
        self.send::<Value>("POST", &path, body).await.map(drop)
    }
}

/// A token for a URL.
fn escaped(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    for byte in token.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                text.push(char::from(byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_permission_is_told_so() {
        let failed = |code: u16, message: &str| {
            let status = kube::core::Status { code, message: message.into(), ..Default::default() };
            Failed::from(kube::Error::Api(Box::new(status)))
        };
        let roles = "events.events.k8s.io is forbidden: User \"me\" cannot create resource \"events\" in \
                     API group \"events.k8s.io\" in the namespace \"a\"";
        assert_eq!(failed(403, roles), Failed::Forbidden(roles.into()));
        // These say nothing of other objects.
        for message in [
            "events.events.k8s.io \"m.1\" is forbidden: unable to create new content in namespace a \
             because it is being terminated",
            "admission webhook \"policy.example\" denied the request: no",
            "events \"m.1\" is forbidden: exceeded quota: few",
        ] {
            assert_eq!(failed(403, message), Failed::Refused(format!("answered 403: {message}")));
        }
        assert_eq!(failed(404, ""), Failed::Absent);
        assert_eq!(failed(409, ""), Failed::Conflict);
        assert_eq!(failed(500, "x"), Failed::Other("answered 500: x".into()));
    }
}
