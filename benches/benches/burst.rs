//! A burst of ServiceMonitors over a large cluster that moves: how long from the moment one is applied
//! to the first scrape of a target of its own, what memory it takes, and how much work it was.
//!
//! It starts a cluster and the given binary in front of it, prints, and ends:
//! `cargo bench -p benches --bench burst -- --server=target/release/rushlight`; other figures by
//! `--pods= --services= --monitors= --rate= --rolling=`.

use apiserver::{ApiServer, App, Scenario, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Apps are spread over so many namespaces.
const NAMESPACES: usize = 20;
/// Between two steps of a rolling update.
const STEP: Duration = Duration::from_millis(200);
/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(120);
/// Counters of the server that are told of.
const COUNTED: [&str; 6] = [
    "rushlight_kubernetes_groups_built_total",
    "rushlight_kubernetes_group_sets_told_total",
    "rushlight_kubernetes_watch_events_total",
    "rushlight_kubernetes_watch_relists_total",
    "rushlight_operator_",
    "process_cpu_seconds_total",
];

/// Ends the server with the measurement.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended already
        self.child.wait().ok();
    }
}

impl Server {
    fn start(binary: &str, folder: &Path, api_server: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let address = free.expect("a free port");
        let config = folder.join("prometheus.yml");
        let text = format!("kubernetes:\n  apiServer: {api_server}\n");
        std::fs::write(&config, text).expect("a writable folder");
        let log = std::fs::File::create(folder.join("log")).expect("a writable folder");
        let child = Command::new(binary)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        Self { child, address }
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        head.split(' ').nth(1).filter(|status| *status == "200").map(|_| body.to_owned())
    }

    /// Resident MiB now, and at most so far.
    fn memory(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok()
        };
        let mib = |name: &str| field(name).unwrap_or(f64::NAN) / 1024.0;
        (mib("VmRSS:"), mib("VmHWM:"))
    }

    /// Counters by name, summed over their labels.
    fn counters(&self) -> BTreeMap<String, f64> {
        let mut found = BTreeMap::new();
        for line in self.get("/metrics").unwrap_or_default().lines() {
            let is_counted = COUNTED.iter().any(|name| line.starts_with(name));
            if let (true, Some((series, value))) = (is_counted, line.rsplit_once(' ')) {
                let name = series.split('{').next().unwrap_or(series).to_owned();
                if !name.ends_with("_bucket") {
                    *found.entry(name).or_default() += value.parse().unwrap_or(0.0);
                }
            }
        }
        found
    }

    fn tell(&self, when: &str, since: &BTreeMap<String, f64>) {
        let (now, most) = self.memory();
        println!("{when}: {now:.0} MiB resident, {most:.0} at most");
        for (name, value) in self.counters() {
            let before = since.get(&name).copied().unwrap_or(0.0);
            if value > before {
                println!("  {name} +{}", value - before);
            }
        }
    }
}

fn monitor(number: usize, service: usize, round: &str) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
           "metadata": {"name": format!("{round}-{number}"), "namespace": namespace(service)},
           "spec": {"selector": {"matchLabels": {"app": app(service)}},
                    "endpoints": [{"port": "metrics", "path": path(number, round)}]}})
}

fn namespace(number: usize) -> String {
    format!("team-{}", number % NAMESPACES)
}

fn app(number: usize) -> String {
    format!("app-{number}")
}

fn path(number: usize, round: &str) -> String {
    format!("/{round}/{number}")
}

struct Burst {
    world: Arc<World>,
    server: Server,
    services: usize,
    monitors: usize,
}

impl Burst {
    /// Waits until each monitor has been scraped; seconds since it was applied, smallest first.
    async fn latencies(&self, round: &str, applied: &[Instant]) -> Vec<f64> {
        let deadline = Instant::now() + PATIENCE;
        let first = |number| self.world.pages().scrapes_of(&path(number, round)).first;
        loop {
            let missing = (0..applied.len()).filter(|number| first(*number).is_none()).count();
            if missing == 0 || Instant::now() > deadline {
                if missing > 0 {
                    println!("{round}: {missing} were never scraped");
                }
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        let seconds = |(number, applied): (usize, &Instant)| {
            first(number).map_or(f64::INFINITY, |first| (first - *applied).as_secs_f64())
        };
        let mut all: Vec<f64> = applied.iter().enumerate().map(seconds).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// Applies monitors of the services from the first one on.
    async fn round(&self, round: &str, first: usize, pause: Duration) {
        let before = self.server.counters();
        let begun = Instant::now();
        let mut applied = Vec::new();
        for number in 0..self.monitors {
            let service = (first + number) % self.services;
            self.world.server().apply(&monitor(number, service, round));
            applied.push(Instant::now());
            if !pause.is_zero() {
                // On the clock, so that the rate holds whatever applying costs.
                let due = begun + pause * u32::try_from(number + 1).unwrap_or(u32::MAX);
                tokio::time::sleep_until(due.into()).await;
            }
        }
        let all = self.latencies(round, &applied).await;
        let at = |percent: usize| all[(all.len() * percent / 100).min(all.len() - 1)];
        println!(
            "{round}: {} monitors in {:.1} s; first scrape after p50 {:.3} s, p90 {:.3} s, \
             p99 {:.3} s, max {:.3} s",
            all.len(),
            begun.elapsed().as_secs_f64(),
            at(50),
            at(90),
            at(99),
            at(100)
        );
        self.server.tell(round, &before);
    }

    /// Waits for the first scrape of the first monitor of all.
    async fn warm_up(&self, number: usize, begun: Instant) {
        while self.world.pages().scrapes_of(&path(number, "warm")).first.is_none() {
            assert!(begun.elapsed() < PATIENCE, "the first monitor is not scraped");
            sleep(Duration::from_millis(20)).await;
        }
        println!("first scrape {:.2} s after the start", begun.elapsed().as_secs_f64());
    }

    async fn clear(&self, round: &str) {
        for number in 0..self.monitors {
            let name = format!("{round}-{number}");
            self.world.server().delete("servicemonitors", &namespace(number), &name);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let pools = self.server.get("/api/v1/scrape_pools").unwrap_or_default();
            if !pools.contains(&format!("/{round}-")) {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
        println!("{round}: its jobs are still there");
    }
}

/// A rolling update after the other, of apps that are chosen as if by chance.
async fn roll(world: Arc<World>, services: usize, first: usize) {
    let mut number = first;
    loop {
        number = (number.wrapping_mul(48_271) + 11) % services;
        world.roll(&namespace(number), &app(number), STEP).await;
    }
}

async fn measure(binary: &str, figure: impl Fn(&str, usize) -> usize) {
    let (services, monitors) = (figure("--services=", 2_000), figure("--monitors=", 1_000));
    let (pods, rate) = (figure("--pods=", 10_000) / services, figure("--rate=", 50));
    let rolling = figure("--rolling=", 20);
    let api_server = Arc::new(ApiServer::start().await.expect("a free port"));
    let scenario = Scenario { nodes: 100, apps: Vec::new() };
    let world = Arc::new(World::new(Arc::clone(&api_server), scenario));
    let page = (0..10).fold(String::new(), |page, n| page + &format!("work_{n} {n}\n"));
    let port = world.pages().everywhere(&page).expect("a free port");
    for number in 0..services {
        world.deploy(App {
            namespace: namespace(number),
            name: app(number),
            pods,
            ports: BTreeMap::from([("metrics".to_owned(), port)]),
            ..App::default()
        });
    }
    println!("{} pods behind {services} services in {NAMESPACES} namespaces", pods * services);
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(binary, folder.path(), &api_server.url());
    let burst = Burst { world: Arc::clone(&world), server, services, monitors };
    let begun = Instant::now();
    while burst.server.get("/-/ready").is_none() {
        assert!(begun.elapsed() < PATIENCE, "the server is not ready");
        sleep(Duration::from_millis(50)).await;
    }
    burst.server.tell("ready", &BTreeMap::new());
    // With the first one it reads the cluster.
    world.server().apply(&monitor(services - 1, services - 1, "warm"));
    burst.warm_up(services - 1, begun).await;
    sleep(Duration::from_secs(3)).await;
    burst.server.tell("a first monitor", &BTreeMap::new());
    let rolls: Vec<_> = (0..rolling)
        .map(|n| tokio::spawn(roll(Arc::clone(&world), services, n * 97 + 1)))
        .collect();
    let before = burst.server.counters();
    sleep(Duration::from_secs(10)).await;
    burst.server.tell("10 s of rolling updates", &before);
    let pause = Duration::from_secs(1) / u32::try_from(rate).unwrap_or(1);
    burst.round("steady", 0, pause).await;
    burst.clear("steady").await;
    // Of other services: a target with the labels of one that went is scraped where that one was.
    burst.round("at-once", monitors, Duration::ZERO).await;
    let before = burst.server.counters();
    sleep(Duration::from_secs(30)).await;
    burst.server.tell("30 s later", &before);
    rolls.iter().for_each(tokio::task::JoinHandle::abort);
    if burst.server.memory().0.is_nan() {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        println!("the server has ended:\n{}", &log[log.len().saturating_sub(2000)..]);
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name));
    let Some(binary) = value("--server=") else {
        println!("skipped: burst: say which binary by --server=PATH");
        return;
    };
    let figure =
        |name: &str, default| value(name).map_or(default, |n| n.parse().expect("a number"));
    // One thread, so that there is a core for the one that is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("threads").block_on(measure(binary, figure));
}
