//! What the book does with what it is told.

use super::*;
use MonitorKind::{PodMonitor, Probe, PrometheusRule, ScrapeConfig, ServiceMonitor};

const LOGIN: &str = ", basicAuth: {username: {name: login, key: user}, \
                     password: {name: login, key: password}}";

#[test]
fn one_invalid_object_among_many_harms_none() {
    let mut bench = Bench::new("");
    let all: String = (0..1000).map(|i| monitor(&format!("ns{}/m{i}", i % 7), "")).collect();
    bench.apply(&all);
    let before = bench.plan();
    assert_eq!(before.jobs.len(), 1000);
    assert_eq!(bench.metrics.mappings(), 1000);

    bench.apply(&monitor("ns0/m700", ", interval: often"));
    let after = bench.plan();
    assert_eq!(bench.metrics.mappings(), 1001);
    assert_eq!(after.jobs.len(), 999);
    let is_known = |job| before.jobs.iter().any(|known| Arc::ptr_eq(known, job));
    assert!(after.jobs.iter().all(is_known));
    assert_eq!(
        told(&after, ServiceMonitor, "ns0/m700"),
        "InvalidConfiguration: endpoints[0]: interval: not a valid duration string: \"often\""
    );

    // What is read as nothing is no reason to map it: a status, an annotation, the same again.
    bench.apply(&monitor("ns1/m1", "").replace("metadata: {", "metadata: {annotations: {a: b}, "));
    assert_eq!(bench.metrics.mappings(), 1001);
    // A new spec that means the same is mapped, and is the same job.
    bench.apply(&monitor("ns1/m1", ", honorLabels: false"));
    let again = bench.plan();
    assert_eq!(bench.metrics.mappings(), 1002);
    assert!(again.jobs.iter().all(is_known));
}

#[test]
fn an_object_that_cannot_be_read_is_told_of() {
    let mut bench = Bench::new("serviceMonitorSelector: {matchLabels: {a: b}}");
    let text = "kind: ServiceMonitor\nmetadata: {name: odd, namespace: here, labels: {a: b}}\n\
                spec: {endpoints: 5}";
    bench.apply(text);
    let expected = "InvalidConfiguration: invalid type: integer `5`, expected a sequence";
    assert_eq!(bench.told(ServiceMonitor, "here/odd"), expected);
    bench.apply(&text.replace("a: b", "a: c"));
    let expected = "labels: label a=b is asked for, and it has a=c";
    assert_eq!(bench.told(ServiceMonitor, "here/odd"), expected);
}

#[test]
fn jobs_stand_in_order_and_carry_what_no_file_says() {
    let mut bench = Bench::new("");
    bench.apply(
        "kind: ScrapeConfig\nmetadata: {name: s, namespace: a}\nspec: {staticConfigs: [{targets: [t]}]}\n\
         ---\nkind: Probe\nmetadata: {name: p, namespace: a}\nspec: {prober: {url: prober}, targets: {staticConfig: {static: [x]}}}\n\
         ---\nkind: PodMonitor\nmetadata: {name: p, namespace: a}\nspec: {selector: {matchLabels: {b: c}}, podMetricsEndpoints: [{port: x}, {port: z}]}",
    );
    bench.apply(&(monitor("z/a", "") + &monitor("b/z", "") + &monitor("b/a", "")));
    assert_eq!(
        bench.jobs(),
        [
            "serviceMonitor/b/a/0",
            "serviceMonitor/b/z/0",
            "serviceMonitor/z/a/0",
            "podMonitor/a/p/0",
            "podMonitor/a/p/1",
            "probe/a/p",
            "scrapeConfig/a/s",
        ]
    );
    let plan = bench.plan();
    let preselect = |job: usize| plan.jobs[job].config.sd().kubernetes[0].preselect.clone();
    assert_eq!(preselect(0).map(|preselect| preselect.requirements.len()), Some(0));
    assert_eq!(preselect(4).map(|preselect| preselect.requirements.len()), Some(1));
    let job = &plan.jobs[6];
    assert_eq!(job.object, Some(of(ScrapeConfig, "a/s")));
    let again: scrape::Config = serde_saphyr::from_str(&job.text).expect("can be read again");
    assert_eq!(again, job.config);
    assert!(plan.is_complete);
}

#[test]
fn selection_follows_labels_of_objects_and_namespaces() {
    let mut bench = Bench::new(
        "podMonitorSelector: {matchLabels: {release: x}}\n\
         podMonitorNamespaceSelector: {matchLabels: {team: a}}",
    );
    let labels = |text: &str| serde_saphyr::from_str(text).expect("are labels");
    let namespaces = |one: &str| {
        let known = [("one".into(), labels(one)), ("two".into(), labels("{team: b}"))];
        vec![News::Namespaces(Namespaces::Known(known.into()))]
    };
    bench.tell(namespaces("{team: a}"));
    let of = |namespace: &str, labels: &str| {
        format!(
            "kind: PodMonitor\nmetadata: {{name: m, namespace: {namespace}, labels: {labels}}}\n\
             spec: {{podMetricsEndpoints: [{{}}]}}"
        )
    };
    bench.apply(&of("one", "{}"));
    bench.apply(&of("two", "{release: x}"));
    let check = |bench: &mut Bench, one: &str, two: &str| {
        assert_eq!(bench.told(PodMonitor, "one/m"), one);
        assert_eq!(bench.told(PodMonitor, "two/m"), two);
    };
    let other_team = "namespace: label team=a is asked for, and it has team=b";
    check(&mut bench, "labels: label release=x is asked for, and it has none", other_team);
    assert_eq!(bench.metrics.mappings(), 0);
    bench.apply(&of("one", "{release: x}"));
    check(&mut bench, "accepted podMonitor/one/m/0", other_team);
    // Both change without a change of either object.
    bench.tell(namespaces("{team: c}"));
    check(&mut bench, "namespace: label team=a is asked for, and it has team=c", other_team);
    bench.tell(vec![News::Options(Arc::new(options("")))]);
    check(&mut bench, "accepted podMonitor/one/m/0", "accepted podMonitor/two/m/0");
}

#[test]
fn what_is_gone_has_no_jobs() {
    let mut bench = Bench::new("");
    bench.apply(&(monitor("a/b", LOGIN) + &monitor("a/c", "")));
    bench.apply(&secret("a/login", &[("user", "me"), ("password", "secret")]));
    assert_eq!(bench.jobs().len(), 2);
    assert_eq!(bench.vault.len(), 2);
    bench.delete(ServiceMonitor, "a/b");
    assert_eq!(bench.jobs(), ["serviceMonitor/a/c/0"]);
    assert_eq!(bench.told(ServiceMonitor, "a/b"), "unknown");
    assert_eq!(bench.book.wanted().count(), 0);
    // A scrape that has begun may still read them.
    assert_eq!(bench.vault.len(), 2);
    bench.pass(61);
    assert!(bench.vault.is_empty());
    // A whole list without it means the same.
    bench.tell(vec![News::All(ServiceMonitor, Vec::new())]);
    assert_eq!(bench.jobs(), [""; 0]);
}

#[test]
fn secrets_are_named_and_never_written_into_jobs() {
    let mut bench = Bench::new("");
    bench.apply(&monitor("a/b", LOGIN));
    assert_eq!(
        bench.told(ServiceMonitor, "a/b"),
        "waiting, 0 kept: Secret a/login has not been read yet; Secret a/login has not been read yet"
    );
    assert!(!bench.plan().is_complete);
    bench.lose(Holder::Secret, "a", "login");
    assert_eq!(
        bench.told(ServiceMonitor, "a/b"),
        "waiting, 0 kept: Secret a/login does not exist; Secret a/login does not exist"
    );
    assert!(bench.plan().is_complete);
    bench.apply(&secret("a/login", &[("user", "me")]));
    let missing = "waiting, 0 kept: Secret a/login has no key \"password\"";
    assert_eq!(bench.told(ServiceMonitor, "a/b"), missing);
    bench.apply(&secret("a/login", &[("user", "me"), ("password", "hunter2")]));
    let plan = bench.plan();
    assert_eq!(told(&plan, ServiceMonitor, "a/b"), "accepted serviceMonitor/a/b/0");
    let text = format!("{} {plan:?} {:?}", plan.jobs[0].text, plan.jobs[0].config);
    assert!(text.contains("/kubernetes/secret/a/login/password"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");

    // Rotation changes the vault, and neither the job nor the plan.
    let mappings = bench.metrics.mappings();
    bench.apply(&secret("a/login", &[("user", "me"), ("password", "hunter3")]));
    assert!(!bench.book.has_news());
    assert_eq!(bench.metrics.mappings(), mappings);
    assert!(Arc::ptr_eq(&bench.plan().jobs[0], &plan.jobs[0]));
    assert_eq!(bench.vault.len(), 2);
}

#[test]
fn what_has_no_form_as_a_file_is_made_anew() {
    let mut bench = Bench::new("");
    let oauth2 = ", oauth2: {tokenUrl: 'http://t', clientId: {configMap: {name: ids, key: id}}, \
                  clientSecret: {name: login, key: password}}";
    bench.apply(&(monitor("a/b", oauth2) + &secret("a/login", &[("password", "x")])));
    let ids = |id: &str| {
        format!("kind: ConfigMap\nmetadata: {{name: ids, namespace: a}}\ndata: {{id: {id}}}")
    };
    bench.apply(&ids("one"));
    let first = bench.plan().jobs[0].clone();
    assert!(first.text.contains(r#""client_id":"one""#), "{}", first.text);
    bench.apply(&secret("a/login", &[("password", "y")]));
    assert!(Arc::ptr_eq(&bench.plan().jobs[0], &first));
    bench.apply(&ids("two"));
    assert!(bench.plan().jobs[0].text.contains(r#""client_id":"two""#));
}

#[test]
fn secrets_in_place_are_not_shown() {
    let mut bench = Bench::new("additionalScrapeConfigs: {name: more, key: jobs}");
    let oauth2 = ", proxyUrl: 'http://p', proxyConnectHeader: {X: [{name: login, key: header}]}, \
                  oauth2: {tokenUrl: 'http://t', clientId: {secret: {name: login, key: id}}, \
                  clientSecret: {name: login, key: password}}";
    fn values(id: &str) -> [(&str, &str); 3] {
        [("password", "hidden1"), ("header", "hidden2"), ("id", id)]
    }
    bench.apply(&(monitor("a/b", oauth2) + &secret("a/login", &values("hidden3"))));
    let jobs = "- job_name: x\n  basic_auth: {username: me, password: hidden4}\n  \
                proxy_url: 'http://me:hidden5@p'\n  static_configs: [{targets: [a], labels: {env: yes}}]";
    bench.apply(&secret("monitoring/more", &[("jobs", jobs)]));
    let plan = bench.plan();
    assert_eq!((plan.jobs.len(), &plan.troubles), (2, &Vec::new()));
    for job in &plan.jobs {
        assert!(!job.text.contains("hidden"), "{}", job.text);
        assert!(!format!("{job:?}").contains("hidden"));
        let again: scrape::Config = serde_saphyr::from_str(&job.text).expect("can be read again");
        assert_eq!(again.job_name(), job.config.job_name());
    }
    let config = format!("{:?}", plan.jobs[1].job.http.credentials);
    assert!(config.contains("<secret>"), "{config}");
    assert!(plan.jobs[1].text.contains(r#""env":"yes""#), "{}", plan.jobs[1].text);
    // What is not shown makes a new job when it changes.
    bench.apply(&secret("a/login", &values("other")));
    let after = bench.plan();
    assert_eq!(after.jobs[0].text, plan.jobs[0].text);
    assert!(!Arc::ptr_eq(&after.jobs[0], &plan.jobs[0]));
}

#[test]
fn jobs_outlive_a_vanished_secret_for_a_while() {
    let mut bench = Bench::new("");
    let login = secret("a/login", &[("user", "me"), ("password", "x")]);
    bench.apply(&(monitor("a/b", LOGIN) + &login));
    let job = bench.plan().jobs[0].clone();
    bench.lose(Holder::Secret, "a", "login");
    let gone = "Secret a/login does not exist; Secret a/login does not exist";
    assert_eq!(bench.told(ServiceMonitor, "a/b"), format!("waiting, 1 kept: {gone}"));
    assert!(Arc::ptr_eq(&bench.plan().jobs[0], &job));
    bench.pass(299);
    assert_eq!((bench.jobs().len(), bench.vault.len()), (1, 2));
    bench.apply(&login);
    assert_eq!(bench.told(ServiceMonitor, "a/b"), "accepted serviceMonitor/a/b/0");
    assert!(Arc::ptr_eq(&bench.plan().jobs[0], &job));
    // The time begins anew, and then it is over.
    bench.lose(Holder::Secret, "a", "login");
    bench.pass(299);
    assert_eq!(bench.jobs().len(), 1);
    bench.pass(1);
    assert_eq!(bench.told(ServiceMonitor, "a/b"), format!("waiting, 0 kept: {gone}"));
    assert_eq!(bench.jobs().len(), 0);
    bench.pass(61);
    assert!(bench.vault.is_empty());
    // A spec that is not valid keeps nothing.
    bench.apply(&login);
    assert_eq!(bench.jobs().len(), 1);
    bench.apply(&monitor("a/b", ", scheme: ftp"));
    assert_eq!(bench.jobs().len(), 0);
    // Neither does another spec that waits.
    bench.apply(&(monitor("a/b", LOGIN) + &login));
    assert_eq!(bench.jobs().len(), 1);
    bench.lose(Holder::Secret, "a", "login");
    bench.apply(&monitor("a/b", &format!("{LOGIN}, path: /other")));
    assert_eq!(bench.jobs().len(), 0);
}

#[test]
fn what_is_refused_says_why() {
    let mut bench = Bench::new("");
    bench.apply(&monitor("a/b", ", bearerTokenFile: /etc/passwd"));
    assert_eq!(
        bench.told(ServiceMonitor, "a/b"),
        "FileAccessDenied: endpoints[0]: bearerTokenFile: files of this machine may not be named"
    );
    bench.apply(
        "kind: ScrapeConfig\nmetadata: {name: s, namespace: a}\n\
         spec: {ec2SDConfigs: [{}], consulSDConfigs: [{server: c}], staticConfigs: [{targets: [t]}]}",
    );
    assert_eq!(
        bench.told(ScrapeConfig, "a/s"),
        "accepted scrapeConfig/a/s \
         (UnsupportedDiscovery: ec2SDConfigs is not built in, and left out) \
         (UnsupportedDiscovery: consul_sd_configs is not built in, and left out)"
    );
    // Found only where the job is read as one of a file.
    bench.apply(&monitor("a/b", ", metricRelabelings: [{regex: 'a', targetLabel: '\\xff'}]"));
    let told = bench.told(ServiceMonitor, "a/b");
    assert!(told.starts_with("accepted") || told.starts_with("InvalidConfiguration"), "{told}");
    bench.apply("kind: Probe\nmetadata: {name: p, namespace: a}\nspec: {prober: {url: p}}");
    assert_eq!(bench.told(Probe, "a/p"), "accepted probe/a/p (Note: targets: nothing is probed)");
    let name = monitor("a/b", ", basicAuth: {password: {name: 'No name', key: k}}");
    bench.apply(&name);
    assert_eq!(
        bench.told(ServiceMonitor, "a/b"),
        "waiting, 0 kept: Secret a/No name does not exist"
    );
    assert_eq!(bench.book.wanted().count(), 0);
}

#[test]
fn targets_without_rules_have_the_enforced_label_too() {
    let mut bench = Bench::new("enforcedNamespaceLabel: ns");
    bench.apply(
        "kind: ScrapeConfig\nmetadata: {name: s, namespace: a}\n\
         spec: {staticConfigs: [{targets: [t], labels: {ns: other}}]}",
    );
    let plan = bench.plan();
    let [job] = plan.jobs.as_slice() else { panic!("one job: {:?}", plan.jobs) };
    let step = r#"{"target_label":"ns","replacement":"a"}"#;
    assert_eq!(job.text.matches(step).count(), 2, "targets and samples: {}", job.text);
}

#[test]
fn names_that_are_taken_are_refused() {
    let mut all = options("");
    all.taken = Arc::new(["serviceMonitor/a/b/0".to_owned()].into());
    let mut bench = Bench::of(all);
    bench.apply(&monitor("a/b", ""));
    assert_eq!(
        bench.told(ServiceMonitor, "a/b"),
        "InvalidConfiguration: a job \"serviceMonitor/a/b/0\" is in the configuration file"
    );
}

fn rule(name: &str, expr: &str) -> String {
    let (namespace, name) = name.split_once('/').expect("names both");
    format!(
        "---\nkind: PrometheusRule\nmetadata: {{name: {name}, namespace: {namespace}, uid: u-{name}}}\n\
         spec: {{groups: [{{name: g, rules: [{{record: a, expr: {expr}}}]}}]}}\n"
    )
}

#[test]
fn rules_are_files_of_their_own() {
    let mut bench = Bench::new(
        "enforcedNamespaceLabel: ns\nexcludedFromEnforcement: [{resource: prometheusrules, namespace: free}]",
    );
    bench.apply(&(rule("a/one", "b") + &rule("free/two", "b") + &rule("a/bad", "'b >'")));
    let plan = bench.plan();
    let files: Vec<_> = plan
        .rules
        .iter()
        .map(|file| format!("{} {}", file.name, file.groups.groups[0].rules[0].expr))
        .collect();
    assert_eq!(files, [r#"a-one-u-one.yaml b{ns="a"}"#, "free-two-u-two.yaml b"]);
    assert_eq!(told(&plan, PrometheusRule, "a/one"), "accepted  a-one-u-one.yaml 1");
    assert_eq!(
        told(&plan, PrometheusRule, "a/bad"),
        "InvalidConfiguration: group \"g\", rule 1, \"a\": could not parse expression: \
         1:4: parse error: unexpected end of input"
    );
    bench.apply(&rule("a/bad", "c"));
    assert_eq!(bench.metrics.mappings(), 4);
    let after = bench.plan();
    assert!(Arc::ptr_eq(&after.rules[1].groups, &plan.rules[0].groups), "is not read again");
    bench.delete(PrometheusRule, "a/one");
    assert_eq!(bench.plan().rules.len(), 2);
}

#[test]
fn jobs_of_the_settings_come_from_a_secret() {
    let mut bench = Bench::new("additionalScrapeConfigs: {name: more, key: jobs}\nshards: 2");
    let plan = bench.plan();
    assert_eq!(plan.jobs.len(), 0);
    let unread = "additionalScrapeConfigs: Secret monitoring/more has not been read yet";
    assert_eq!((plan.troubles, plan.is_complete), (vec![unread.to_owned()], false));
    let jobs = |text: &str| secret("monitoring/more", &[("jobs", text)]);
    bench.apply(&monitor("a/b", ""));
    bench.apply(&jobs("- job_name: x\n  static_configs: [{targets: [a]}]\n- job_name: y\n- job_name: x\n- job_name: serviceMonitor/a/b/0\n- job_name: z\n  scheme: ftp"));
    let plan = bench.plan();
    let names: Vec<_> = plan.jobs.iter().map(|job| job.config.job_name()).collect();
    assert_eq!(names, ["serviceMonitor/a/b/0", "x", "y"]);
    assert!(plan.jobs[1].text.contains(r#""regex":"0;|.+;.+""#), "{}", plan.jobs[1].text);
    assert_eq!(plan.jobs[1].object, None);
    assert_eq!(
        plan.troubles,
        [
            "additionalScrapeConfigs[2]: a second job \"x\"",
            "additionalScrapeConfigs[4]: scheme must be 'http' or 'https', got \"ftp\"",
            "additionalScrapeConfigs: an object of the cluster has a job \"serviceMonitor/a/b/0\" already",
        ]
    );
    bench.apply(&jobs("- job_name: y\n- job_name: w"));
    let after = bench.plan();
    assert!(Arc::ptr_eq(&after.jobs[1], &plan.jobs[2]));
    // What is wrong with a secret is told without showing it.
    bench.apply(&jobs("password: [hunter2"));
    let plan = bench.plan();
    assert_eq!(plan.jobs.len(), 1);
    assert!(plan.troubles[0].starts_with("additionalScrapeConfigs: not a list of jobs"));
    assert!(!plan.troubles[0].contains("hunter2"), "{:?}", plan.troubles);
    bench.apply(&jobs("- job_name: y"));
    bench.lose(Holder::Secret, "monitoring", "more");
    assert_eq!(bench.jobs().len(), 2);
    bench.pass(300);
    assert_eq!(bench.jobs().len(), 1);
}

#[test]
fn a_section_that_is_read_again_is_the_same() {
    let check = |other: &str, expected: bool| {
        let settings =
            options("podTargetLabels: [a]\nserviceMonitorSelector: {matchLabels: {b: c}}");
        assert_eq!(settings.is_same(&options(other)), expected, "{other}");
    };
    check("{serviceMonitorSelector: {matchLabels: {b: c}}, podTargetLabels: [a]}", true);
    check("{serviceMonitorSelector: {matchLabels: {b: d}}, podTargetLabels: [a]}", false);
    check("podTargetLabels: [a]", false);
}

#[test]
fn who_does_not_answer_delays_others_once() {
    let mut bench = Bench::new("");
    assert!(!bench.book.is_worth_waiting());
    bench.apply(&monitor("a/b", LOGIN));
    assert!(bench.book.is_worth_waiting());
    assert!(!bench.plan().is_complete);
    bench.apply(&monitor("a/c", ""));
    assert!(!bench.book.is_worth_waiting());
    assert!(!bench.plan().is_complete);
    // Another one may answer.
    bench.apply(&monitor("z/d", LOGIN));
    assert!(bench.book.is_worth_waiting());
    let login = |namespace: &str| secret(&format!("{namespace}/login"), &[("user", "u")]);
    bench.apply(&login("z"));
    assert!(!bench.book.is_worth_waiting());
    bench.apply(&login("a"));
    assert!(bench.plan().is_complete);
}

#[test]
fn other_settings_leave_jobs_that_come_out_the_same() {
    let mut bench = Bench::new("");
    bench.apply(&(monitor("a/b", "") + &monitor("a/c", ", sampleLimit: 5")));
    let before = bench.plan();
    bench.tell(vec![News::Options(Arc::new(options("evaluationInterval: 1m")))]);
    let after = bench.plan();
    assert_eq!(bench.metrics.mappings(), 4);
    assert!(before.jobs.iter().zip(&after.jobs).all(|(a, b)| Arc::ptr_eq(a, b)));
    let mut other = options("");
    other.global.sample_limit = 7;
    bench.tell(vec![News::Options(Arc::new(other))]);
    let after = bench.plan();
    assert!(before.jobs.iter().zip(&after.jobs).all(|(a, b)| !Arc::ptr_eq(a, b)));
}

#[test]
fn kinds_come_and_go() {
    let mut bench = Bench::new("");
    let absent = KindState { is_absent: true, ..KindState::default() };
    bench.tell(vec![
        News::Kind(ServiceMonitor, absent.clone()),
        News::All(ServiceMonitor, Vec::new()),
    ]);
    let plan = bench.plan();
    assert_eq!((&plan.kinds[&ServiceMonitor], plan.is_complete), (&absent, true));
    bench.tell(vec![News::Kind(ServiceMonitor, KindState::default())]);
    assert!(!bench.plan().is_complete);
    bench.apply(&monitor("a/b", ""));
    assert_eq!(bench.jobs().len(), 1);
}
