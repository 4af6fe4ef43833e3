use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expected: Result<(), &str>) {
    let read: Result<KubernetesConfig, _> = serde_saphyr::from_str(text);
    match (read.map_err(|error| error.to_string()), expected) {
        (Ok(_), Ok(())) => {}
        (Err(error), Err(part)) if error.contains(part) => {}
        (outcome, expected) => panic!("{text}: {outcome:?}, not {expected:?}"),
    }
}

#[test]
fn roles_are_known_ones() {
    for role in ["node", "pod", "service", "endpoints", "endpointslice", "ingress"] {
        check(&format!("role: {role}"), Ok(()));
    }
    check(
        "{}",
        Err("role missing (one of: pod, service, endpoints, endpointslice, node, ingress)"),
    );
    check("role: Pod", Err("unknown Kubernetes SD role \"Pod\""));
    check("role: vacation", Err("unknown Kubernetes SD role \"vacation\""));
    check("{role: pod, rule: x}", Err("unknown field `rule`"));
}

#[test]
fn ways_to_the_cluster_exclude_each_other() {
    let server = "role: pod, api_server: 'https://a'";
    check(&format!("{{{server}}}"), Ok(()));
    check(&format!("{{{server}, authorization: {{credentials: a}}}}"), Ok(()));
    check(&format!("{{{server}, follow_redirects: false, tls_config: {{ca_file: a}}}}"), Ok(()));
    check(
        &format!("{{{server}, kubeconfig_file: k}}"),
        Err("cannot use 'kubeconfig_file' and 'api_server' simultaneously"),
    );
    check(
        "{role: pod, kubeconfig_file: k, bearer_token: t}",
        Err("cannot use a custom HTTP client configuration together with 'kubeconfig_file'"),
    );
    let explicit =
        "to use custom HTTP client configuration please provide the 'api_server' URL explicitly";
    check("{role: pod, bearer_token: t}", Err(explicit));
    check("{role: pod, follow_redirects: false}", Err(explicit));
    check("{role: pod, follow_redirects: true, enable_http2: true}", Ok(()));
    check(
        &format!("{{{server}, namespaces: {{own_namespace: true}}}}"),
        Err("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously"),
    );
    check(
        "{role: pod, kubeconfig_file: k, namespaces: {own_namespace: true}}",
        Err("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously"),
    );
    check("{role: pod, namespaces: {own_namespace: true, names: [a]}}", Ok(()));
    check("{role: pod, namespaces: , selectors: , attach_metadata: }", Ok(()));
    check(
        &format!("{{{server}, bearer_token: t, basic_auth: {{username: u}}}}"),
        Err(
            "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
        ),
    );
}

#[test]
fn what_is_inside_is_strict_too() {
    check(
        "{role: pod, namespaces: {foo: bar}}",
        Err("field foo not found in type kubernetes.plain"),
    );
    check("{role: pod, attach_metadata: {pod: true}}", Err("field pod not found in type"));
    check("{role: pod, selectors: [{rule: pod}]}", Err("field rule not found in type"));
    let text = "role: pod\nnamespaces:\n  names: [a]\n  foo: bar\n";
    check(text, Err("line 4 column 3"));
    let all = "{node: true, namespace: true, deployment: true, job: false, cronjob: true}";
    check(&format!("{{role: pod, attach_metadata: {all}}}"), Ok(()));
}

#[test]
fn each_role_selects_what_belongs_to_it() {
    let check_roles = |role: &str, more: &str, selectors: &[&str], expected| {
        let selectors: Vec<_> = selectors.iter().map(|role| format!("{{role: {role}}}")).collect();
        let selectors = selectors.join(", ");
        check(&format!("{{role: {role}, {more} selectors: [{selectors}]}}"), expected);
    };
    check_roles("pod", "", &["pod", "node"], Ok(()));
    check_roles("pod", "", &["service"], Err("pod role supports only pod, node selectors"));
    check_roles("service", "", &["service"], Ok(()));
    check_roles("service", "", &["pod"], Err("service role supports only service selectors"));
    check_roles("node", "", &["pod"], Err("node role supports only node selectors"));
    check_roles("ingress", "", &["node"], Err("ingress role supports only ingress selectors"));
    check_roles("endpoints", "", &["pod", "service", "endpoints"], Ok(()));
    let endpoints = "endpoints role supports only pod, service, endpoints selectors";
    check_roles("endpoints", "", &["node"], Err(endpoints));
    check_roles("endpoints", "", &["endpointslice"], Err(endpoints));
    check_roles("endpoints", "attach_metadata: {node: true},", &["node"], Ok(()));
    let slices = "endpointslice role supports only pod, service, endpointslice selectors";
    check_roles("endpointslice", "", &["endpoints"], Err(slices));
    check_roles("pod", "", &["pod", "pod"], Err("duplicated selector role: pod"));
    check("{role: pod, selectors: [{label: a}]}", Err("pod role supports only"));
    check("{role: pod, selectors: [{role: x}]}", Err("unknown Kubernetes SD role \"x\""));
}

#[test]
fn selections_by_field_are_terms() {
    let check = |text: &str, expected: Result<(), &str>| {
        assert_eq!(selector::check_fields(text), expected.map_err(str::to_owned), "{text:?}");
    };
    for fine in ["", "a=b", "a==b,c!=d", "metadata.name=x,", ",", "a=", "a=\\,b\\=c\\\\"] {
        check(fine, Ok(()));
    }
    check(
        "metadata.status-Running",
        Err(
            "invalid selector: 'metadata.status-Running'; can't understand 'metadata.status-Running'",
        ),
    );
    check("a=b,c", Err("invalid selector: 'a=b,c'; can't understand 'c'"));
    check("a=b=c", Err("invalid field selector: unescaped character in value: ="));
    check("a=\\x", Err("invalid field selector: invalid escape sequence: \\x"));
    check("a=b\\", Err("invalid field selector: invalid escape sequence: \\"));
    check("a\\=b", Err("invalid selector: 'a\\=b'; can't understand 'a\\=b'"));
}

#[test]
fn selections_by_label_are_requirements() {
    let check = |text: &str, fine: bool| {
        let outcome = selector::check_labels(text);
        assert_eq!(outcome.is_ok(), fine, "{text:?}: {outcome:?}");
    };
    let fine = [
        "",
        " ",
        "a",
        "!a",
        "a=b",
        "a==b",
        "a!=b",
        "a=",
        "a=,b",
        "foo in (bar,baz)",
        "a notin (b)",
        "a in ()",
        "a in (,)",
        "a>1",
        "a<2",
        "x.y/z=1",
        "a, b ,!c",
        "in",
        "a=in",
        "A_b-c.d=E",
    ];
    for text in fine {
        check(text, true);
    }
    let long = "a".repeat(64);
    let bad = [
        "=",
        "a b",
        "a=b c",
        "a in b",
        "a in (b",
        "a in",
        "a>b",
        "a,",
        ",a",
        "!",
        "!!a",
        "a=b,,c",
        "a=-",
        "-a",
        "/a",
        "a/",
        "A/b",
        "a=(",
        "é",
        "a=é",
        "a in (b c)",
        &long,
    ];
    for text in bad {
        check(text, false);
    }
    let error = selector::check_labels("a b").unwrap_err();
    assert_eq!(
        error,
        "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, >, <"
    );
}

proptest! {
    #[test]
    fn no_selection_is_too_odd(text in "[a-c\\\\ =!<>(),/.é-]{0,20}( in| notin)?[a-c(), é]{0,10}") {
        drop(selector::check_fields(&text));
        drop(selector::check_labels(&text));
    }
}
