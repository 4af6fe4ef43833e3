//! The exact bytes of the lists, and the words of errors.

use super::{ActiveAlert, AlertState, Alerting, Rule, RuleGroup, RuleHealth};
use crate::tests::{Api, TestRules};
use model::Labels;
use std::time::Duration;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn alert(state: AlertState, value: f64) -> ActiveAlert {
    ActiveAlert {
        labels: Labels::from_pairs([("alertname", "Down"), ("job", "a<b")]),
        annotations: pairs(&[("empty", ""), ("summary", "1 & 2 > \"0\"")]),
        state,
        active_at_ms: 1_500_000_000_120,
        keep_firing_since_ms: None,
        value,
    }
}

/// A group that was evaluated, one that was not, and one of another file.
fn house() -> TestRules {
    let alerts = vec![
        ActiveAlert { keep_firing_since_ms: Some(-1500), ..alert(AlertState::Firing, 1.0) },
        alert(AlertState::Pending, f64::INFINITY),
    ];
    let down = Rule {
        name: "Down".into(),
        query: "up < 1".into(),
        labels: pairs(&[("gone", ""), ("severity", "{{ $value }}<")]),
        health: RuleHealth::Err,
        last_error: "a > b".into(),
        evaluation_time: Duration::from_nanos(356_688),
        last_evaluation_ns: Some(1_500_000_000_000_000_001),
        alerting: Some(Alerting {
            state: AlertState::Firing,
            for_ms: 600_000,
            keep_firing_for_ms: 1500,
            annotations: pairs(&[("summary", "<{{ $labels.job }}>")]),
            alerts,
        }),
    };
    let recorded = Rule {
        name: "job:up:sum".into(),
        query: "sum by (job) (up)".into(),
        labels: pairs(&[("tier", "a")]),
        health: RuleHealth::Ok,
        last_evaluation_ns: Some(1_500_000_000_000_000_000),
        evaluation_time: Duration::from_millis(2),
        ..Rule::default()
    };
    let new = Rule {
        name: "New".into(),
        query: "vector(1)".into(),
        alerting: Some(Alerting::default()),
        ..Rule::default()
    };
    let group = |file: &str, name: &str, rules: Vec<Rule>| RuleGroup {
        name: name.into(),
        file: file.into(),
        interval_ms: 15_000,
        limit: 7,
        rules,
        ..RuleGroup::default()
    };
    let first = RuleGroup {
        evaluation_time: Duration::from_nanos(561_635),
        last_evaluation_ns: Some(1_500_000_000_874_000_000),
        ..group("/etc/a&b.yml", "first", vec![down, recorded])
    };
    TestRules {
        groups: vec![
            first,
            group("/etc/a&b.yml", "second", vec![new.clone()]),
            group("/etc/c.yml", "first", vec![new]),
        ],
        active: vec!["http://a:9093/api/v2/alerts?x=1&y=2".into(), "http://b:9093/".into()],
        dropped: vec!["http://c:9093/".into()],
    }
}

const ALERTS: &str = concat!(
    r#"[{"labels":{"alertname":"Down","job":"a<b"},"#,
    r#""annotations":{"empty":"","summary":"1 & 2 > \"0\""},"state":"firing","#,
    r#""activeAt":"2017-07-14T02:40:00.12Z","keepFiringSince":"1969-12-31T23:59:58.5Z","#,
    r#""value":"1e+00"},"#,
    r#"{"labels":{"alertname":"Down","job":"a<b"},"#,
    r#""annotations":{"empty":"","summary":"1 & 2 > \"0\""},"state":"pending","#,
    r#""activeAt":"2017-07-14T02:40:00.12Z","value":"+Inf"}]"#,
);
const DOWN_BEFORE_ALERTS: &str = concat!(
    r#"{"state":"firing","name":"Down","query":"up \u003c 1","duration":600,"keepFiringFor":1.5,"#,
    r#""labels":{"gone":"","severity":"{{ $value }}<"},"#,
    r#""annotations":{"summary":"<{{ $labels.job }}>"},"alerts":"#,
);
const DOWN_AFTER_ALERTS: &str = concat!(
    r#","health":"err","lastError":"a \u003e b","evaluationTime":0.000356688,"#,
    r#""lastEvaluation":"2017-07-14T02:40:00.000000001Z","type":"alerting"}"#,
);
const RECORDED: &str = concat!(
    r#"{"name":"job:up:sum","query":"sum by (job) (up)","labels":{"tier":"a"},"health":"ok","#,
    r#""evaluationTime":0.002,"lastEvaluation":"2017-07-14T02:40:00Z","type":"recording"}"#,
);
const FIRST_AFTER_RULES: &str = concat!(
    r#"],"interval":15,"limit":7,"evaluationTime":0.000561635,"#,
    r#""lastEvaluation":"2017-07-14T02:40:00.874Z"}"#,
);
const NEW_GROUP_RULES: &str = concat!(
    r#""rules":[{"state":"unknown","name":"New","query":"vector(1)","duration":0,"#,
    r#""keepFiringFor":0,"labels":{},"annotations":{},"alerts":[],"health":"unknown","#,
    r#""evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"}],"#,
    r#""interval":15,"limit":7,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}"#,
);
const FIRST: &str = r#"{"name":"first","file":"/etc/a\u0026b.yml","rules":["#;
const SECOND: &str = r#"{"name":"second","file":"/etc/a\u0026b.yml","#;
const THIRD: &str = r#"{"name":"first","file":"/etc/c.yml","#;
/// Of `/etc/a&b.yml;second` and `/etc/c.yml;first`.
const TOKENS: [&str; 2] = [
    "3cc92203e3a3b21b79cb9ea5f3a898eaec2f8ecdde96482e651e9122c1d88ba1",
    "a9eb0ca7eeb074b2ac55d9f5b562d8146a7cdb6eefe2290a82c99fc6e21f180e",
];

fn success(data: &str) -> String {
    format!(r#"{{"status":"success","data":{data}}}"#)
}

#[tokio::test]
async fn lists_are_exact() {
    let api = Api::of_rules(house());
    let check = async |uri: &str, data: String| {
        let answer = api.get(uri).await;
        assert_eq!((answer.status, answer.text()), (200, success(&data)), "{uri}");
    };
    let down = format!("{DOWN_BEFORE_ALERTS}{ALERTS}{DOWN_AFTER_ALERTS}");
    let first = format!("{FIRST}{down},{RECORDED}{FIRST_AFTER_RULES}");
    let (second, third) =
        (format!("{SECOND}{NEW_GROUP_RULES}"), format!("{THIRD}{NEW_GROUP_RULES}"));
    check("/api/v1/rules", format!(r#"{{"groups":[{first},{second},{third}]}}"#)).await;
    check("/api/v1/rules?nonsense=1", format!(r#"{{"groups":[{first},{second},{third}]}}"#)).await;

    let recorded = format!(r#"{{"groups":[{FIRST}{RECORDED}{FIRST_AFTER_RULES}]}}"#);
    check("/api/v1/rules?type=record", recorded.clone()).await;
    check("/api/v1/rules?type=Record&rule_name[]=x&rule_name[]=job:up:sum", recorded).await;
    let short = format!("{FIRST}{DOWN_BEFORE_ALERTS}null{DOWN_AFTER_ALERTS}{FIRST_AFTER_RULES}");
    let short = format!(r#"{{"groups":[{short}]}}"#);
    check("/api/v1/rules?exclude_alerts=T&match[]=%7Bseverity=~%22.%2B%22%7D", short).await;
    check("/api/v1/rules?match[]=%7Bgone!=%22%22%7D", r#"{"groups":[]}"#.into()).await;
    check("/api/v1/rules?file[]=/etc/c.yml", format!(r#"{{"groups":[{third}]}}"#)).await;
    check("/api/v1/rules?rule_group[]=second", format!(r#"{{"groups":[{second}]}}"#)).await;

    check("/api/v1/alerts", format!(r#"{{"alerts":{ALERTS}}}"#)).await;
    let managers = concat!(
        r#"{"activeAlertmanagers":[{"url":"http://a:9093/api/v2/alerts?x=1\u0026y=2"},"#,
        r#"{"url":"http://b:9093/"}],"droppedAlertmanagers":[{"url":"http://c:9093/"}]}"#,
    );
    check("/api/v1/alertmanagers", managers.into()).await;
}

#[tokio::test]
async fn nothing_is_an_empty_list() {
    let api = Api::of_rules(TestRules::default());
    let check = async |uri: &str, data: &str| {
        let answer = api.get(uri).await;
        assert_eq!((answer.status, answer.text()), (200, success(data)), "{uri}");
    };
    check("/api/v1/rules", r#"{"groups":[]}"#).await;
    check("/api/v1/rules?group_limit=1", r#"{"groups":[]}"#).await;
    check("/api/v1/alerts", r#"{"alerts":[]}"#).await;
    check("/api/v1/alertmanagers", r#"{"activeAlertmanagers":[],"droppedAlertmanagers":[]}"#).await;
}

#[tokio::test]
async fn pages_follow_each_other() {
    let api = Api::of_rules(house());
    let page = async |query: &str| {
        let data = api.get(&format!("/api/v1/rules?{query}")).await.json()["data"].take();
        let groups = data["groups"].as_array().expect("groups").iter();
        let names = groups.map(|group| format!("{};{}", group["file"], group["name"]));
        (names.collect::<Vec<_>>().join(" "), data.get("groupNextToken").cloned())
    };
    let check = async |query: &str, names: &str, token: Option<&str>| {
        let (got, next) = page(query).await;
        assert_eq!(
            (&*got.replace('"', ""), next.as_ref().and_then(|t| t.as_str())),
            (names, token)
        );
    };
    let [second, third] = TOKENS;
    check("group_limit=1", "/etc/a&b.yml;first", Some(second)).await;
    let query = format!("group_limit=1&group_next_token={second}");
    check(&query, "/etc/a&b.yml;second", Some(third)).await;
    let query = format!("group_limit=2&group_next_token={third}");
    check(&query, "/etc/c.yml;first", None).await;
    check("group_limit=2", "/etc/a&b.yml;first /etc/a&b.yml;second", Some(third)).await;
    check("group_limit=3", "/etc/a&b.yml;first /etc/a&b.yml;second /etc/c.yml;first", None).await;
    // What is filtered out takes no place in a page.
    check("group_limit=1&rule_group[]=first", "/etc/a&b.yml;first", Some(third)).await;
    check("group_limit=1&type=record", "/etc/a&b.yml;first", None).await;
}

#[tokio::test]
async fn faults_have_the_words_clients_look_for() {
    let api = Api::of_rules(house());
    let check = async |query: &str, message: &str| {
        let answer = api.get(&format!("/api/v1/rules?{query}")).await;
        let body = answer.json();
        let got = (answer.status, &body["errorType"], &body["error"]);
        assert_eq!(got, (400, &"bad_data".into(), &message.into()), "{query}");
    };
    check("type=x", r#"invalid parameter "type": not supported value "x""#).await;
    check("type=ALERTS", r#"invalid parameter "type": not supported value "alerts""#).await;
    check("match[]=%7B%7D", "match[] must contain at least one non-empty matcher").await;
    check("match[]=%7Ba=%22%22%7D", "match[] must contain at least one non-empty matcher").await;
    check("a=%zz", r#"error parsing form values: invalid URL escape "%zz""#).await;
    check(
        "exclude_alerts=Maybe",
        r#"invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "maybe": invalid syntax"#,
    )
    .await;
    let limit = r#"invalid parameter "group_limit": group_limit needs to be"#;
    check("group_limit=0", &format!("{limit} greater than 0")).await;
    check("group_limit=-1", &format!("{limit} greater than 0")).await;
    let number = format!("{limit} a valid number: strconv.ParseInt: parsing");
    check("group_limit=1.5", &format!(r#"{number} "1.5": invalid syntax"#)).await;
    check("group_limit=2147483648", &format!(r#"{number} "2147483648": value out of range"#)).await;
    let token = r#"invalid parameter "group_next_token":"#;
    let alone = "group_limit needs to be present in order to paginate over the groups";
    check("group_next_token=a", &format!("{token} {alone}")).await;
    let unknown = "invalid group_next_token 'a'. were rule groups changed?";
    check("group_next_token=a&group_limit=1", &format!("{token} {unknown}")).await;
    // The first fault is told, in this order.
    check("type=x&match[]=%7B%7D", "match[] must contain at least one non-empty matcher").await;
    check("group_limit=x&type=x", r#"invalid parameter "type": not supported value "x""#).await;

    let selector = api.get("/api/v1/rules?match[]=sum(a)").await.json();
    assert!(selector["error"].as_str().is_some_and(|e| e.starts_with("1:")), "{selector}");
    for path in ["rules", "alerts", "alertmanagers"] {
        let answer = api.post(&format!("/api/v1/{path}"), "").await;
        assert_eq!((answer.status, &*answer.text()), (405, "Method Not Allowed\n"), "{path}");
    }
}
