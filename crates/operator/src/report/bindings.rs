//! Bindings in a status: `status.bindings`, a list of those who look after an object, each with what
//! became of it there. One of them is ours.

use super::outcome::{Condition, Outcome};
use super::{GROUP, Instance};
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

/// What we are, in the words that the definitions allow.
const RESOURCE: &str = "prometheuses";
/// The one type of condition.
const ACCEPTED: &str = "Accepted";

/// How an object is changed so that it says what it should.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// Not at all.
    None,
    /// By putting this whole object in its place.
    Put(Value),
    /// By these operations.
    Patch(Value),
}

impl Instance {
    /// What we have said about an object, as its status shows.
    pub(super) fn told(&self, status: &Value) -> Option<Condition> {
        let (_, binding) = self.binding(status)?;
        let conditions = binding.get("conditions")?.as_array()?;
        let condition = conditions.iter().find(|c| text(c, "type") == ACCEPTED)?;
        let owned = |key: &str| text(condition, key).to_owned();
        Some(Condition {
            status: owned("status"),
            reason: owned("reason"),
            message: owned("message"),
            generation: condition.get("observedGeneration").and_then(Value::as_i64).unwrap_or(0),
        })
    }

    /// Our binding, and its place in the list.
    fn binding<'s>(&self, status: &'s Value) -> Option<(usize, &'s Value)> {
        let bindings = status.get("bindings")?.as_array()?;
        bindings.iter().enumerate().find(|(_, binding)| {
            text(binding, "group") == GROUP
                && text(binding, "resource") == RESOURCE
                && text(binding, "namespace") == self.namespace
                && text(binding, "name") == self.name
        })
    }

    /// How the object, as it was read just now, comes to say what it should.
    pub(super) fn change(&self, mut object: Value, outcome: &Outcome, now: Timestamp) -> Change {
        let status = object.get("status").unwrap_or(&Value::Null);
        let old = self.binding(status);
        let condition = match (outcome, old) {
            (Outcome::Open, _) | (Outcome::Untold, None) => return Change::None,
            (Outcome::Untold, Some((at, old))) => {
                let path = format!("/status/bindings/{at}");
                return Change::Patch(json!([{"op": "test", "path": path, "value": old},
                                            {"op": "remove", "path": path}]));
            }
            (Outcome::Told(condition), _) => condition,
        };
        let before = self.told(status);
        if before.as_ref() == Some(condition) {
            return Change::None;
        }
        // The time is that of the last change of `True` to `False` and back.
        let same_status = before.is_some_and(|before| before.status == condition.status);
        let since = old.filter(|_| same_status).and_then(|(_, old)| {
            let conditions = old.get("conditions")?.as_array()?;
            let condition = conditions.iter().find(|c| text(c, "type") == ACCEPTED)?;
            Some(text(condition, "lastTransitionTime").to_owned())
        });
        let since = since.filter(|time| !time.is_empty());
        let since = since.unwrap_or_else(|| now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        let mut told = json!({
            "type": ACCEPTED, "status": condition.status, "lastTransitionTime": since,
            "observedGeneration": condition.generation,
        });
        for (key, text) in [("reason", &condition.reason), ("message", &condition.message)] {
            if !text.is_empty() {
                told[key] = json!(text);
            }
        }
        let binding = json!({
            "group": GROUP, "resource": RESOURCE, "namespace": self.namespace, "name": self.name,
            "conditions": [told],
        });
        if let Some((at, old)) = old {
            let path = format!("/status/bindings/{at}");
            return Change::Patch(json!([{"op": "test", "path": path, "value": old},
                                        {"op": "replace", "path": path, "value": binding}]));
        }
        let Some(map) = object.as_object_mut() else { return Change::None };
        let status = map.entry("status").or_insert(Value::Null);
        if !status.is_object() {
            *status = json!({});
        }
        match status.get_mut("bindings").and_then(Value::as_array_mut) {
            Some(bindings) => bindings.push(binding),
            None => status["bindings"] = json!([binding]),
        }
        Change::Put(object)
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Instance {
        Instance { namespace: "mon".into(), name: "main".into() }
    }

    fn condition(status: &str, message: &str, generation: i64) -> Condition {
        let reason = if message.is_empty() { "" } else { "InvalidConfiguration" };
        Condition {
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            generation,
        }
    }

    fn binding(resource: &str, name: &str, condition: &Value) -> Value {
        json!({"group": GROUP, "resource": resource, "namespace": "mon", "name": name,
               "conditions": [condition]})
    }

    fn accepted(status: &str, time: &str, generation: i64) -> Value {
        json!({"type": ACCEPTED, "status": status, "lastTransitionTime": time,
               "observedGeneration": generation})
    }

    fn now() -> Timestamp {
        "2026-03-04T05:06:07.89Z".parse().unwrap()
    }

    #[test]
    fn the_first_binding_is_put() {
        let told = Outcome::Told(condition("True", "", 3));
        let mine = binding(RESOURCE, "main", &accepted("True", "2026-03-04T05:06:07Z", 3));
        let check = |status: Value, bindings: Value| {
            let mut object = json!({"metadata": {"resourceVersion": "7"}, "spec": {"x": 1}});
            let mut expected = object.clone();
            expected["status"] = json!({"bindings": bindings});
            if status != Value::Null {
                object["status"] = status;
            }
            assert_eq!(ours().change(object, &told, now()), Change::Put(expected));
        };
        check(Value::Null, json!([mine]));
        check(json!({}), json!([mine]));
        check(json!({"bindings": []}), json!([mine]));
        check(json!({"bindings": null}), json!([mine]));
        let others = [
            binding("prometheusagents", "main", &json!({})),
            binding(RESOURCE, "other", &json!({"type": "x"})),
        ];
        check(json!({"bindings": others}), json!([others[0], others[1], mine]));
    }

    #[test]
    fn ours_is_changed_where_it_is_and_tested_before() {
        let other = binding(RESOURCE, "other", &json!({}));
        let old = binding(RESOURCE, "main", &accepted("True", "2020-01-01T00:00:00Z", 3));
        let object = || json!({"status": {"bindings": [other, old]}});
        let check = |outcome: &Outcome, last: Option<Value>| {
            let path = "/status/bindings/1";
            let test = json!({"op": "test", "path": path, "value": old});
            let expected = last.map_or(Change::None, |last| Change::Patch(json!([test, last])));
            assert_eq!(ours().change(object(), outcome, now()), expected);
        };
        let replace = |condition: Value| {
            let value = binding(RESOURCE, "main", &condition);
            Some(json!({"op": "replace", "path": "/status/bindings/1", "value": value}))
        };
        check(&Outcome::Told(condition("True", "", 3)), None);
        check(&Outcome::Open, None);
        let later = accepted("True", "2020-01-01T00:00:00Z", 4);
        check(&Outcome::Told(condition("True", "", 4)), replace(later));
        let mut bad = accepted("False", "2026-03-04T05:06:07Z", 3);
        bad["reason"] = json!("InvalidConfiguration");
        bad["message"] = json!("bad");
        check(&Outcome::Told(condition("False", "bad", 3)), replace(bad));
        check(&Outcome::Untold, Some(json!({"op": "remove", "path": "/status/bindings/1"})));
        let without = json!({"status": {"bindings": [other]}});
        assert_eq!(ours().change(without, &Outcome::Untold, now()), Change::None);
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for told in [condition("True", "", 3), condition("False", "bad", 4)] {
            let change = ours().change(json!({}), &Outcome::Told(told.clone()), now());
            let Change::Put(object) = change else { panic!("{change:?}") };
            assert_eq!(ours().told(&object["status"]), Some(told));
        }
        for status in [Value::Null, json!(1), json!({"bindings": 1}), json!({"bindings": [1, {}]})]
        {
            assert_eq!(ours().told(&status), None);
        }
    }
}
