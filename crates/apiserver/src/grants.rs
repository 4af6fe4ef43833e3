//! What roles allow: those of manifests, for the one who asks.

use serde_json::Value;

/// A rule of a role.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    /// Only there; everywhere for cluster roles.
    namespace: Option<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
    /// Only these; any when there are none.
    names: Vec<String>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// With its part, such as `pods/status`.
    pub(crate) resource: &'a str,
    /// Empty for all.
    pub(crate) namespace: &'a str,
    /// Empty for all.
    pub(crate) name: &'a str,
}

impl Grant {
    /// All rules of an object; none when it is no role.
    pub(crate) fn of(object: &Value) -> Vec<Self> {
        let namespace = match object["kind"].as_str() {
            Some("ClusterRole") => None,
            Some("Role") => object.pointer("/metadata/namespace").and_then(Value::as_str),
            _ => return Vec::new(),
        };
        let rules = object["rules"].as_array().into_iter().flatten();
        let texts = |rule: &Value, key: &str| -> Vec<String> {
            let list = rule[key].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        rules
            .map(|rule| Self {
                namespace: namespace.map(str::to_owned),
                groups: texts(rule, "apiGroups"),
                resources: texts(rule, "resources"),
                verbs: texts(rule, "verbs"),
                names: texts(rule, "resourceNames"),
            })
            .collect()
    }

    pub(crate) fn allows(&self, deed: Deed) -> bool {
        let has = |list: &[String], wanted: &str| {
            list.iter().any(|one| one.as_str() == wanted || one == "*")
        };
        self.namespace.as_deref().is_none_or(|own| own == deed.namespace)
            && has(&self.groups, deed.group)
            && has(&self.resources, deed.resource)
            && has(&self.verbs, deed.verb)
            && (self.names.is_empty() || has(&self.names, deed.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{Deed, Grant};
    use serde_json::json;

    #[test]
    fn what_a_role_allows() {
        let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"],
                            "resourceNames": ["x"]},
                           {"apiGroups": ["apps"], "resources": ["deployments/status"],
                            "verbs": ["*"]}]);
        let check = |kind: &str, deed: Deed, expected: bool| {
            let role = json!({"kind": kind, "metadata": {"namespace": "a"}, "rules": rules});
            let is_allowed = Grant::of(&role).iter().any(|grant| grant.allows(deed));
            assert_eq!(is_allowed, expected, "{kind} {deed:?}");
        };
        let deed = Deed { verb: "get", group: "", resource: "secrets", namespace: "a", name: "x" };
        check("Role", deed, true);
        check("Role", Deed { namespace: "b", ..deed }, false);
        check("ClusterRole", Deed { namespace: "b", ..deed }, true);
        check("Role", Deed { name: "y", ..deed }, false);
        check("Role", Deed { name: "", ..deed }, false);
        check("Role", Deed { verb: "list", ..deed }, false);
        check("Role", Deed { group: "apps", ..deed }, false);
        let status = Deed { group: "apps", resource: "deployments/status", name: "y", ..deed };
        check("Role", status, true);
        check("Role", Deed { resource: "deployments", ..status }, false);
        check("RoleBinding", deed, false);
    }
}
