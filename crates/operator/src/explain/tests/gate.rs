//! What holds for every kind: is the object seen, selected, valid?

use super::super::Outcome::{Fail, Pass, Skipped};
use super::super::cluster::Watched;
use super::super::facts::Facts;
use super::service_monitor::ASR;
use super::world::{World, all_up, with_state, world};
use crate::plan::{
    LabelMiss, Missing, MissingReason, ObjectState, Reason, Rejected, Selection, Verdict, Waiting,
};

fn asr() -> World {
    world(ASR)
}

/// Nobody has seen the object.
fn unseen(watched: Watched) -> World {
    asr().given(|facts| {
        facts.state = None;
        facts.spec = None;
        facts.jobs.clear();
        facts.watched = watched;
    })
}

#[test]
fn kinds_that_are_not_followed() {
    let explanation = unseen(Watched::Absent).fails(
        "watched",
        "this cluster does not know servicemonitors",
        "install the CustomResourceDefinition servicemonitors.monitoring.coreos.com of the Prometheus \
         Operator",
    );
    assert_eq!(
        explanation.outcomes(),
        [("watched", Fail), ("namespace", Skipped), ("labels", Skipped), ("valid", Skipped)]
    );
    assert_eq!(
        explanation.verdict,
        "ServiceMonitor smallest/lightning-asr has no targets: this cluster does not know \
         servicemonitors"
    );
    let forbidden = Watched::Forbidden {
        message: "servicemonitors.monitoring.coreos.com is forbidden".into(),
        rules: "- apiGroups: [monitoring.coreos.com]\n  resources: [servicemonitors]".into(),
    };
    let explanation = unseen(forbidden).fails(
        "watched",
        "we may not read servicemonitors: servicemonitors.monitoring.coreos.com is forbidden",
        "add these rules to our ClusterRole, or to a Role in each namespace",
    );
    assert_eq!(explanation.details("watched").len(), 2);
    unseen(Watched::Waiting { error: None })
        .waits("watched", "the first list of servicemonitors has not come yet");
    let message = "nobody has asked for servicemonitors yet";
    unseen(Watched::NotAsked).waits("watched", message);
}

#[test]
fn namespaces_that_we_do_not_look_at() {
    let followed = |facts: &mut Facts| {
        facts.cluster.followed = ["a".to_owned(), "b".to_owned()].into();
    };
    unseen(Watched::InSync).given(followed).fails(
        "watched",
        "we look at the namespaces a, b only, not at smallest",
        "add smallest to kubernetes.namespaces in our configuration, and give us a Role there",
    );
}

#[test]
fn settings_that_no_object_can_follow() {
    let refused = |facts: &mut Facts| facts.refused = Some("namespaces may not be read".into());
    asr().given(refused).fails(
        "watched",
        "no ServiceMonitor can count: namespaces may not be read",
        "mend serviceMonitorSelector and serviceMonitorNamespaceSelector in our configuration",
    );
}

#[test]
fn the_api_server_is_away() {
    let behind = Watched::Behind { seconds: 600, error: "connection refused".into() };
    asr().given(all_up).given(|facts| facts.watched = behind).waits(
        "watched",
        "the API server has told nothing new of servicemonitors for 10 min: connection refused",
    );
}

fn selection(selection: Selection) -> World {
    asr().given(|facts| facts.jobs.clear()).given(with_state(|state: &mut ObjectState| {
        state.selection = selection;
        state.verdict = None;
    }))
}

fn miss(operator: &str, values: &[&str], found: Option<&str>) -> LabelMiss {
    LabelMiss {
        key: "release".into(),
        operator: operator.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        found: found.map(str::to_owned),
    }
}

#[test]
fn labels_that_are_not_ours() {
    let check = |miss: LabelMiss, message: &str, labels: &str| {
        let explanation = selection(Selection::LabelsDiffer { misses: vec![miss] }).fails(
            "labels",
            &format!("it is not selected by serviceMonitorSelector: {message}"),
            &format!(
                "kubectl label servicemonitor -n smallest lightning-asr {labels}; or widen \
                 serviceMonitorSelector in our configuration ({{}} takes all)"
            ),
        );
        assert_eq!(explanation.details("labels"), ["its labels: release=kps"]);
        // What comes of it in the cluster is told all the same.
        assert_eq!(
            explanation.outcomes()[1..],
            [
                ("namespace", Pass),
                ("labels", Fail),
                ("valid", Skipped),
                ("namespaces", Pass),
                ("services", Pass),
                ("port", Pass),
                ("endpoints", Pass),
                ("relabeling", Skipped),
                ("limits", Skipped),
                ("scrapes", Skipped)
            ]
        );
    };
    check(
        miss("In", &["kube-prometheus-stack"], None),
        "label release=kube-prometheus-stack is asked for, and it has none",
        "release=kube-prometheus-stack",
    );
    check(
        miss("In", &["stack"], Some("kps")),
        "label release=stack is asked for, and it has release=kps",
        "--overwrite release=stack",
    );
    check(
        miss("DoesNotExist", &[], Some("kps")),
        "label release must not be there, and it has release=kps",
        "release-",
    );
}

#[test]
fn namespaces_that_are_not_ours() {
    let misses = vec![miss("In", &["kps"], None)];
    let selected = Selection::NamespaceNotSelected { misses, unknown: None };
    let explanation = selection(selected).fails(
        "namespace",
        "namespace smallest is not selected by serviceMonitorNamespaceSelector: label release=kps is \
         asked for, and it has none",
        "kubectl label namespace smallest release=kps; or widen serviceMonitorNamespaceSelector in our \
         configuration ({} takes all)",
    );
    assert_eq!(explanation.outcomes()[2], ("labels", Skipped));
    let unknown = Some("namespaces is forbidden".to_owned());
    let selected = Selection::NamespaceNotSelected { misses: Vec::new(), unknown };
    selection(selected).fails(
        "namespace",
        "the labels of namespace smallest are not known: namespaces is forbidden",
        "let us get, list and watch namespaces, or remove the namespace selector",
    );
}

#[test]
fn objects_that_are_not_valid() {
    let endpoint = |endpoint: &str| {
        asr().edit("[{port: metrics}]", &format!("[{{port: metrics, {endpoint}}}]"))
    };
    let explanation = endpoint("interval: 10s, scrapeTimeout: 20s").fails(
        "valid",
        "endpoints[0]: scrapeTimeout: 20s is longer than the interval of 10s",
        "kubectl edit servicemonitor -n smallest lightning-asr, field spec.endpoints[0].scrapeTimeout",
    );
    assert_eq!(explanation.outcomes()[7..9], [("endpoints", Pass), ("relabeling", Skipped)]);
    endpoint("relabelings: [{action: keep, regex: '('}]").fails(
        "valid",
        "endpoints[0]: relabelings[0]: regex \"(\": error parsing regexp: missing closing ): `(`",
        "kubectl edit servicemonitor -n smallest lightning-asr, field \
         spec.endpoints[0].relabelings[0]",
    );
    let denied = Rejected {
        reason: Reason::FileAccessDenied,
        message: "endpoints[0]: bearerTokenFile: files of this machine may not be named".into(),
    };
    asr().given(with_state(|state| state.verdict = Some(Verdict::Rejected(denied)))).fails(
        "valid",
        "endpoints[0]: bearerTokenFile: files of this machine may not be named",
        "list the file's folder in kubernetes.fileAccess of our configuration, if who writes monitors \
         may send the files in it to any target; or name a Secret instead: kubectl edit servicemonitor \
         -n smallest lightning-asr, field spec.endpoints[0].bearerTokenFile",
    );
    let unreadable = Rejected {
        reason: Reason::InvalidConfiguration,
        message: "invalid type: integer `5`, expected a sequence".into(),
    };
    let world =
        asr().given(with_state(|state| state.verdict = Some(Verdict::Rejected(unreadable))));
    world.given(|facts| facts.spec = None).fails(
        "valid",
        "invalid type: integer `5`, expected a sequence",
        "kubectl edit servicemonitor -n smallest lightning-asr",
    );
}

#[test]
fn secrets_that_are_missing() {
    let waiting = |kind: &'static str, why: MissingReason, kept: &[&str]| {
        let missing = Missing {
            kind,
            namespace: "smallest".into(),
            name: "asr-token".into(),
            key: "token".into(),
            why,
        };
        let kept = kept.iter().map(|job| (*job).to_owned()).collect();
        let waiting = Waiting { missing: vec![missing], kept };
        asr().given(with_state(|state| state.verdict = Some(Verdict::Waiting(waiting))))
    };
    waiting("Secret", MissingReason::NoObject, &[]).fails(
        "secrets",
        "Secret smallest/asr-token does not exist",
        "kubectl create secret generic -n smallest asr-token --from-literal=token=...; or correct the \
         name; it has to be in the namespace of the object that refers to it",
    );
    waiting("ConfigMap", MissingReason::NoObject, &[]).fails(
        "secrets",
        "ConfigMap smallest/asr-token does not exist",
        "kubectl create configmap -n smallest asr-token --from-literal=token=...; or correct the name; \
         it has to be in the namespace of the object that refers to it",
    );
    let explanation = waiting("Secret", MissingReason::NoKey, &["job/0"]).fails(
        "secrets",
        "Secret smallest/asr-token has no key \"token\"",
        "add the key \"token\" to Secret smallest/asr-token, or correct the reference",
    );
    assert_eq!(explanation.details("secrets"), ["for 5 minutes it keeps the jobs job/0"]);
    waiting("Secret", MissingReason::NotText, &[]).fails(
        "secrets",
        "key \"token\" of Secret smallest/asr-token is not UTF-8",
        "store text under \"token\" in Secret smallest/asr-token",
    );
    let forbidden = MissingReason::Forbidden("secrets \"asr-token\" is forbidden".into());
    let explanation = waiting("Secret", forbidden, &[]).fails(
        "secrets",
        "Secret smallest/asr-token may not be read: secrets \"asr-token\" is forbidden",
        "add this rule to a Role in namespace smallest and bind us to it",
    );
    assert_eq!(
        explanation.details("secrets"),
        [
            "- apiGroups: [\"\"]",
            "  resources: [secrets]",
            "  resourceNames: [asr-token]",
            "  verbs: [get, list, watch]"
        ]
    );
    waiting("Secret", MissingReason::NotRead(None), &[])
        .given(all_up)
        .waits("secrets", "Secret smallest/asr-token has not been read yet");
}
