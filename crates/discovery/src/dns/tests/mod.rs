mod server;

use super::*;
use model::Labels;
use server::{NO_SUCH_NAME, Record, Reply, Servers as World};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use tempfile::TempDir;

const BOTH: &str = "nameserver 127.0.0.1\nnameserver 127.0.0.2\noptions timeout:1 attempts:1\n";

struct Fixture {
    world: World,
    folder: TempDir,
    names: Names,
    metrics: Arc<Metrics>,
}

impl Fixture {
    async fn new(kind: DnsKind, names: &[&str]) -> Self {
        let (world, folder) = (World::start().await, tempfile::tempdir().unwrap());
        let config = DnsConfig {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            kind,
            port: 80,
            refresh_interval: DnsConfig::REFRESH_INTERVAL,
        };
        let system = DnsSystem { resolv_conf: folder.path().join("resolv.conf"), port: world.port };
        let metrics = Arc::new(Metrics::new("scrape"));
        let discovery = Arc::new(DnsDiscovery::new(config, system, Arc::clone(&metrics)));
        let names = Names { discovery, servers: None, known: BTreeMap::new() };
        let fixture = Self { world, folder, names, metrics };
        fixture.write(BOTH);
        fixture
    }

    fn write(&self, resolv_conf: &str) {
        std::fs::write(self.folder.path().join("resolv.conf"), resolv_conf).unwrap();
    }

    /// What a refresh finds, a line a target.
    async fn refresh(&mut self) -> Option<String> {
        let groups = self.names.refresh().await?;
        let targets = groups.iter().flat_map(|group| &group.targets);
        Some(targets.map(Labels::to_string).collect::<Vec<_>>().join("\n"))
    }

    async fn finds(&mut self, expected: &str) {
        assert_eq!(self.refresh().await.as_deref(), Some(expected));
    }

    fn counts(&self) -> (u64, u64) {
        (self.metrics.dns_lookups.get(), self.metrics.dns_lookup_failures.get())
    }
}

fn a(last: u8) -> Record {
    Record::A(Ipv4Addr::new(10, 0, 0, last))
}

#[tokio::test]
async fn each_kind_of_record_has_its_labels() {
    let check = async |kind, records: Vec<Record>, expected: &str| {
        let mut fixture = Fixture::new(kind, &["x.test."]).await;
        fixture.world.both("x.test", Reply::Records(records));
        fixture.finds(expected).await;
        assert_eq!(fixture.counts(), (1, 0));
    };
    let srv = vec![Record::Srv("b.test", 9), Record::Srv("a.test", 8)];
    let expected = concat!(
        r#"{__address__="a.test:8", __meta_dns_name="x.test.", __meta_dns_srv_record_port="8", __meta_dns_srv_record_target="a.test."}"#,
        "\n",
        r#"{__address__="b.test:9", __meta_dns_name="x.test.", __meta_dns_srv_record_port="9", __meta_dns_srv_record_target="b.test."}"#,
    );
    check(DnsKind::Srv, srv, expected).await;
    let expected = r#"{__address__="10.0.0.1:80", __meta_dns_name="x.test."}"#;
    check(DnsKind::A, vec![Record::Cname("y.test"), a(1)], expected).await;
    let expected = r#"{__address__="[2001:db8::1]:80", __meta_dns_name="x.test."}"#;
    let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    check(DnsKind::Aaaa, vec![Record::Aaaa(ip)], expected).await;
    let expected = r#"{__address__="m.test:80", __meta_dns_mx_record_target="m.test.", __meta_dns_name="x.test."}"#;
    check(DnsKind::Mx, vec![Record::Mx("m.test")], expected).await;
    let expected = r#"{__address__="n.test:80", __meta_dns_name="x.test.", __meta_dns_ns_record_target="n.test."}"#;
    check(DnsKind::Ns, vec![Record::Ns("n.test")], expected).await;
    check(DnsKind::A, Vec::new(), "").await;
}

/// A target of an address record.
fn target(name: &str, last: u8) -> String {
    format!(r#"{{__address__="10.0.0.{last}:80", __meta_dns_name="{name}"}}"#)
}

#[tokio::test]
async fn a_name_that_is_gone_is_empty_and_one_in_doubt_stays() {
    let mut fixture = Fixture::new(DnsKind::A, &["x.test", "y.test"]).await;
    fixture.world.both("x.test", Reply::Records(vec![a(2), a(1)]));
    fixture.world.both("y.test", Reply::Records(vec![a(3)]));
    let both = [target("x.test", 1), target("x.test", 2), target("y.test", 3)].join("\n");
    fixture.finds(&both).await;
    // Both servers are asked before one is in doubt.
    for doubt in [Reply::Code(2), Reply::Code(5), Reply::Nonsense] {
        fixture.world.asked();
        fixture.world.both("x.test", doubt.clone());
        fixture.finds(&both).await;
        let asked = fixture.world.asked();
        assert!(asked.contains(&"2 udp x.test 1".to_owned()), "{doubt:?}: {asked:?}");
    }
    assert_eq!(fixture.counts(), (8, 3));
    fixture.world.both("x.test", NO_SUCH_NAME);
    fixture.finds(&target("y.test", 3)).await;
    fixture.world.both("y.test", Reply::Records(Vec::new()));
    fixture.finds("").await;
    assert_eq!(fixture.counts(), (12, 3));
}

#[tokio::test]
async fn nothing_is_said_before_anything_is_known() {
    let mut fixture = Fixture::new(DnsKind::A, &["x.test"]).await;
    fixture.world.both("x.test", Reply::Code(2));
    assert_eq!(fixture.refresh().await, None);
    std::fs::remove_file(fixture.folder.path().join("resolv.conf")).unwrap();
    assert_eq!(fixture.refresh().await, None);
    assert_eq!(fixture.counts(), (2, 2));
    fixture.write("# no servers\n");
    assert_eq!(fixture.refresh().await, None);
    fixture.write(BOTH);
    fixture.world.both("x.test", Reply::Records(vec![a(1)]));
    fixture.finds(&target("x.test", 1)).await;
    assert_eq!(fixture.counts(), (4, 3));
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_has_no_answer() {
    let mut fixture = Fixture::new(DnsKind::A, &["x.test"]).await;
    fixture.world.one(2, "x.test", Reply::Records(vec![a(1)]));
    for doubt in [Reply::Code(2), Reply::Code(5), Reply::Nonsense, Reply::Silence] {
        fixture.world.one(1, "x.test", doubt);
        fixture.finds(&target("x.test", 1)).await;
    }
    // That there is no such name is an answer.
    fixture.world.one(1, "x.test", NO_SUCH_NAME);
    fixture.world.asked();
    fixture.finds("").await;
    assert_eq!(fixture.world.asked(), ["1 udp x.test 1"]);
    assert_eq!(fixture.counts(), (5, 0));
}

#[tokio::test]
async fn what_does_not_fit_is_asked_for_over_tcp() {
    let mut fixture = Fixture::new(DnsKind::A, &["x.test"]).await;
    let many: Vec<_> = (0..=255).map(|n| Record::A(Ipv4Addr::new(10, 1, n, 1))).collect();
    fixture.world.both("x.test", Reply::TooLong(many));
    let found = fixture.refresh().await.unwrap();
    assert_eq!(found.lines().count(), 256);
    assert_eq!(fixture.world.asked(), ["1 udp x.test 1", "1 tcp x.test 1"]);
}

#[tokio::test]
async fn search_domains_make_names_whole() {
    let check = async |name: &str, options: &str, expected: &[&str]| {
        let mut fixture = Fixture::new(DnsKind::A, &[name]).await;
        fixture.write(&format!("{BOTH}search one.test two.test\n{options}"));
        fixture.finds("").await;
        let asked: Vec<_> = expected.iter().map(|name| format!("1 udp {name} 1")).collect();
        assert_eq!(fixture.world.asked(), asked, "{name} {options}");
    };
    check("x", "", &["x.one.test", "x.two.test", "x"]).await;
    check("x.y", "", &["x.y", "x.y.one.test", "x.y.two.test"]).await;
    check("x.y.", "", &["x.y"]).await;
    check("x.y", "options ndots:5", &["x.y.one.test", "x.y.two.test", "x.y"]).await;
    check("_a._tcp.y", "", &["_a._tcp.y", "_a._tcp.y.one.test", "_a._tcp.y.two.test"]).await;

    // The first full name that exists counts, even if it has no such records.
    let mut fixture = Fixture::new(DnsKind::A, &["x"]).await;
    fixture.write(&format!("{BOTH}search one.test two.test\n"));
    fixture.world.both("x.two.test", Reply::Records(vec![a(1)]));
    fixture.finds(&target("x", 1)).await;
    fixture.world.both("x.one.test", Reply::Records(Vec::new()));
    fixture.finds("").await;
    // One in doubt is passed over, but then no answer at all is no answer.
    fixture.world.both("x.one.test", Reply::Code(2));
    fixture.finds(&target("x", 1)).await;
    fixture.world.both("x.two.test", NO_SUCH_NAME);
    assert_eq!(fixture.refresh().await, None);
    assert_eq!(fixture.counts(), (4, 1));
}

#[tokio::test]
async fn names_that_are_none_are_failures() {
    let long = "a".repeat(64);
    let mut fixture = Fixture::new(DnsKind::A, &[&long, "", "a..b", "x.test"]).await;
    fixture.world.both("x.test", Reply::Records(vec![a(1)]));
    fixture.finds(&target("x.test", 1)).await;
    let (lookups, failures) = fixture.counts();
    assert!(lookups == 4 && failures >= 2, "{lookups} {failures}");
}

#[tokio::test]
async fn it_runs_until_it_is_stopped() {
    let fixture = Fixture::new(DnsKind::A, &["x.test"]).await;
    fixture.world.both("x.test", Reply::Records(vec![a(1)]));
    let discovery: Arc<dyn Discoverer> = Arc::<DnsDiscovery>::clone(&fixture.names.discovery);
    let job = crate::Job { name: "a".to_owned(), discoverers: vec![discovery] };
    let found = crate::once(job, Duration::from_secs(20)).await;
    let groups = found[0].groups.as_ref().unwrap();
    assert_eq!((groups[0].source.as_str(), groups[0].targets.len()), ("x.test", 1));
    assert_eq!(DnsSystem::default().resolv_conf, Path::new("/etc/resolv.conf"));
}
