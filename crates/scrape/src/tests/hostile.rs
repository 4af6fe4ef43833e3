//! Targets that mean harm, on real sockets beside ordinary ones: each only hurts itself.

use super::world::samples;
use crate::{Manager, Metrics, Options};
use discovery::{ADDRESS, Group, Groups, Snapshot};
use flate2::Compression;
use flate2::write::GzEncoder;
use model::Labels;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use testkit::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

/// How far the middle one and the slowest tenth of the healthy scrapes may move, in seconds.
const MOST_MOVED: f64 = 0.1;
/// How often that is looked at before it counts as moved: what else the machine does is no fault of
/// the targets. What it does all the time is seen by a client that scrapes nobody.
const TRIES: usize = 20;
/// Memory that all of it may take beside what the servers of the test take, in MiB.
const MOST_MIB: u64 = 768;
const DEADLINE: Duration = Duration::from_secs(120);
const HEALTHY: usize = 50;
/// Beyond what a build without optimization can do, nobody is on time.
const HANGING: usize = if cfg!(debug_assertions) { 1_000 } else { 5_000 };
/// Open files a hanging target takes, both ends of its connection, with some to spare.
const FILES: usize = 3;
const FILES_BESIDE: usize = 1_000;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/// What a target does once it has read a request.
#[derive(Clone)]
enum Harm {
    /// Says this, and hangs up.
    Say(Vec<u8>),
    /// Says this, and then nothing, with the connection open.
    Hang(Vec<u8>),
    /// Says the first, and the second as long as somebody listens.
    Flood(Vec<u8>, Vec<u8>),
    /// Says the first, and the second again and again, a little later each time.
    Dribble(Vec<u8>, Vec<u8>),
    /// Says this, and ends what it sends but not the connection.
    HalfClose(Vec<u8>),
    /// Says this, and resets the connection.
    Reset(Vec<u8>),
}

async fn harm(mut stream: TcpStream, harm: Harm) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    match harm {
        Harm::Say(all) => stream.write_all(&all).await,
        Harm::Hang(begin) => {
            stream.write_all(&begin).await?;
            stream.read_u8().await.map(|_| ())
        }
        Harm::Flood(begin, more) => {
            stream.write_all(&begin).await?;
            loop {
                stream.write_all(&more).await?;
            }
        }
        Harm::Dribble(begin, more) => {
            stream.write_all(&begin).await?;
            loop {
                stream.write_all(&more).await?;
                sleep(Duration::from_millis(50)).await;
            }
        }
        Harm::HalfClose(all) => {
            stream.write_all(&all).await?;
            stream.shutdown().await?;
            sleep(Duration::from_secs(5)).await;
            Ok(())
        }
        Harm::Reset(begin) => {
            stream.write_all(&begin).await?;
            stream.set_zero_linger()
        }
    }
}

async fn target(doing: Harm) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // The client hangs up when it has seen enough.
            let doing = doing.clone();
            tokio::spawn(async move { harm(stream, doing).await.ok() });
        }
    });
    address
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn head(headers: &str) -> Vec<u8> {
    format!("{OK}{headers}\r\n").into_bytes()
}

fn known(headers: &str, body: &[u8]) -> Vec<u8> {
    [head(&format!("{headers}Content-Length: {}\r\n", body.len())), body.to_vec()].concat()
}

/// What a target does, and a part of the error it gets; `None` when it is no harm after all.
fn harms() -> Vec<(Harm, Option<&'static str>)> {
    use Harm::{Dribble, Flood, HalfClose, Hang, Reset, Say};
    let packed = "Content-Encoding: gzip\r\n";
    let lines = b"endless 1\n".repeat(5_000);
    let late = Some("context deadline exceeded");
    let short = Some("unexpected EOF");
    let limit = Some("body size limit exceeded");
    let loops =
        b"HTTP/1.1 302 Found\r\nLocation: /m\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let many_labels: String = (0..5_000).map(|i| format!("l{i}=\"v\",")).collect();
    let families: String = (0..10_000).map(|i| format!("# TYPE f{i} counter\nf{i} 1\n")).collect();
    let mut members = gzip(b"a 1\n");
    members.extend(gzip(b"b 2\n"));
    let mut cut = members.clone();
    cut.truncate(members.len() - 6);
    let mut trailed = members.clone();
    trailed.extend(b"garbage");
    vec![
        (Hang(Vec::new()), late),
        (Hang(OK.into()), late),
        (Hang(head("Content-Length: 9\r\n")), late),
        (Hang(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()), late),
        (Dribble(head("Content-Length: 100000\r\n"), b"a".to_vec()), late),
        (Dribble(OK.into(), b"X".to_vec()), late),
        (Dribble(head("Transfer-Encoding: chunked\r\n"), b"1\r\n#\r\n".to_vec()), late),
        (Reset(head("Content-Length: 100\r\n")), Some("")),
        (HalfClose(head("Content-Length: 100\r\n")), short),
        (HalfClose(known("", b"a 1\n")), None),
        (Say(head("Content-Length: 100\r\n")), short),
        (Say([OK.as_bytes(), b"Content-Length: 4\r\n\r\na 1\nb 2\n"].concat()), None),
        (Say(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n".to_vec()), None),
        (Say(Vec::new()), Some("EOF")),
        (Say(loops.to_vec()), Some("stopped after 10 redirects")),
        (Say(known(packed, &cut)), short),
        (Say(known(packed, &trailed)), Some("gzip: ")),
        (Say(known(packed, &members)), None),
        (Say(known(packed, &gzip(&gzip(b"a 1\n")))), Some("line 1, column 1")),
        (Say(known(packed, &gzip(&vec![b'\n'; 8 << 20]))), limit),
        (Say(known("", format!("a{{{many_labels}}} 1\n").as_bytes())), None),
        (Say(known("", format!("a{{b=\"{}\"}} 1\n", "x".repeat(500_000)).as_bytes())), None),
        (Say(known("", families.as_bytes())), None),
        (Flood(head("Content-Length: 10000000000\r\n"), lines.clone()), limit),
        (Flood(head(""), lines), limit),
        (Flood(head(""), b"x".repeat(50_000)), limit),
        (Flood(head("Transfer-Encoding: chunked\r\n"), b"1\r\n#\r\n".repeat(1_000)), Some("")),
        (Flood(head(packed), gzip(b"").repeat(1_000)), Some("")),
        (Flood(OK.into(), b"X: y\r\n".repeat(1_000)), Some("too many headers")),
        (Flood(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()), Some("too many 1xx")),
    ]
}

fn found<'a>(addresses: impl Iterator<Item = &'a String>) -> Groups {
    let labels = Labels::empty();
    let targets = addresses.map(|address| Labels::from_pairs([(ADDRESS, address)])).collect();
    [Arc::new(Group { source: "test".into(), labels, targets })].into()
}

/// So many targets at one address, each with labels of its own.
fn alike(address: &str, count: usize) -> Groups {
    let own = |i: usize| Labels::from_pairs([(ADDRESS, address), ("number", &i.to_string())]);
    let targets = (0..count).map(own).collect();
    [Arc::new(Group { source: "test".into(), labels: Labels::empty(), targets })].into()
}

/// Files that this process may have open.
fn max_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    soft.and_then(|soft| soft.parse().ok()).unwrap_or(1024)
}

/// The middle one and the slowest tenth of times in seconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    middle: f64,
    slow: f64,
}

impl Times {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self { middle: all[all.len() / 2], slow: all[all.len() * 9 / 10] }
    }

    /// How far these moved from others, by the worse of both.
    fn moved(self, from: Self) -> f64 {
        (self.middle - from.middle).max(self.slow - from.slow)
    }
}

/// How long the last scrapes of the healthy targets took.
fn durations(manager: &Manager) -> Times {
    let snapshot = manager.snapshot();
    let pool = snapshot.pools.iter().find(|pool| pool.job == "healthy").unwrap();
    let all = pool.active.iter().map(|target| target.status().last_duration_seconds);
    Times::of(all.collect())
}

/// Time that the threads of this process ran, and time that they were ready to and had no core.
fn run_and_wait() -> (f64, f64) {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    stats.fold((0.0, 0.0), |(run, wait), stat| {
        let mut ns = stat.split_whitespace().filter_map(|field| field.parse::<f64>().ok());
        (run + ns.next().unwrap_or(0.0), wait + ns.next().unwrap_or(0.0))
    })
}

/// How many times longer all takes because others have the cores.
fn starved(before: (f64, f64), after: (f64, f64)) -> f64 {
    let (run, wait) = (after.0 - before.0, after.1 - before.1);
    if run > 0.0 { 1.0 + wait.max(0.0) / run } else { 1.0 }
}

/// How long the same takes a client on a thread of its own, which is what the machine alone costs.
fn ask_all(addresses: &[String]) -> Times {
    use std::io::Read as _;
    let ask = |address: &String| {
        let started = Instant::now();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut page = Vec::new();
        stream.read_to_end(&mut page).unwrap();
        assert!(page.len() > 1000, "{page:?}");
        started.elapsed().as_secs_f64()
    };
    Times::of(addresses.iter().map(ask).collect())
}

async fn asked(addresses: &[String]) -> Times {
    let addresses = addresses.to_vec();
    tokio::task::spawn_blocking(move || ask_all(&addresses)).await.unwrap()
}

/// Waits until all targets of a job have been scraped twice.
async fn met_twice(manager: &Manager, job: &str) {
    let start = Instant::now();
    let snapshot = manager.snapshot();
    let pool = snapshot.pools.iter().find(|pool| pool.job == job).unwrap();
    let mut met: Vec<_> = pool.active.iter().map(|t| (t, 0, t.status().last_scrape_ns)).collect();
    while let Some((target, ..)) = met.iter().find(|(_, times, _)| *times < 2) {
        assert!(start.elapsed() < DEADLINE, "{} is not scraped", target.scrape_url());
        for (target, times, last) in &mut met {
            let now = target.status().last_scrape_ns;
            *times += usize::from(now != *last);
            *last = now;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// The most memory this process had, in MiB; 0 where that is not told.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

fn threads(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

#[test]
fn hostile_targets_hurt_only_themselves() {
    // The targets have threads of their own, and the healthy ones do not share theirs.
    let (near, far) = (threads(1), threads(1));
    let page: String = (0..100).map(|i| format!("m{{number=\"{i}\"}} {i}\n")).collect();
    let page = known("Connection: close\r\n", page.as_bytes());
    let healthy: Vec<_> =
        (0..HEALTHY).map(|_| near.block_on(target(Harm::Say(page.clone())))).collect();
    let harms = harms();
    let sends: Vec<_> = harms.iter().map(|(doing, _)| doing.clone()).collect();
    let harms = harms.into_iter();
    // Floods take all the time that their threads have.
    let home = |doing: &Harm| if matches!(doing, Harm::Flood(..)) { &far } else { &near };
    let hostile: Vec<_> =
        harms.map(|(doing, expected)| (home(&doing).block_on(target(doing)), expected)).collect();
    let silent = far.block_on(target(Harm::Hang(head("Content-Length: 5\r\n"))));
    let hanging = HANGING.min(max_files().saturating_sub(FILES_BESIDE) / FILES);
    println!("{hanging} hanging targets");
    threads(2).block_on(async {
        let store = MemoryStore::new();
        let metrics = Arc::<Metrics>::default();
        let manager = Manager::new(Arc::new(store.clone()), metrics, Options::default());
        manager.apply(super::world::jobs(
            "- {job_name: healthy, scrape_interval: 1s}\n\
             - {job_name: hostile, scrape_interval: 3s, body_size_limit: 1MB}\n\
             - {job_name: hanging, scrape_interval: 10s, scrape_timeout: 10s}",
        ));
        let mut jobs = [("healthy".to_owned(), found(healthy.iter()))].into_iter().collect();
        manager.set_targets(Arc::new(Snapshot { jobs }));
        met_twice(&manager, "healthy").await;
        let (alone, asked_alone) = (durations(&manager), asked(&healthy).await);
        jobs = [
            ("healthy".to_owned(), found(healthy.iter())),
            ("hostile".to_owned(), found(hostile.iter().map(|(address, _)| address))),
            ("hanging".to_owned(), alike(&silent, hanging)),
        ]
        .into();
        manager.set_targets(Arc::new(Snapshot { jobs }));
        met_twice(&manager, "hostile").await;
        met_twice(&manager, "hanging").await;
        let (mut least, mut since) = (f64::INFINITY, run_and_wait());
        for _ in 0..TRIES {
            let now = run_and_wait();
            let starved = starved(std::mem::replace(&mut since, now), now);
            let (beside, asked_beside) = (durations(&manager), asked(&healthy).await);
            // What anybody would wait for is no fault of ours.
            let by_machine = asked_beside.moved(asked_alone).max(0.0);
            least = least.min((beside.moved(alone) - by_machine) / starved);
            let ms = |times: Times| format!("{:.1} {:.1}", times.middle * 1e3, times.slow * 1e3);
            println!(
                "ms of healthy scrapes, middle and slowest tenth: {} alone, {} beside; asked: {}, {}; \
                 {starved:.1} times as slow for want of cores",
                ms(alone),
                ms(beside),
                ms(asked_alone),
                ms(asked_beside)
            );
            if least < MOST_MOVED {
                break;
            }
            met_twice(&manager, "healthy").await;
        }
        assert!(least < MOST_MOVED, "scrapes of healthy targets moved by {least} s");
        let memory = peak_mib();
        println!("{memory} MiB at most");
        assert!(memory < MOST_MIB, "{memory} MiB");
        let ups = |addresses: &[String]| {
            let all = addresses.iter().flat_map(|address| samples(&store, "up", address));
            let all: Vec<f64> = all.map(|(_, up)| up.expect("not ended")).collect();
            (all.iter().sum::<f64>(), all.len() as f64)
        };
        let (good, all) = ups(&healthy);
        // On a busy machine one may be late.
        assert!(good >= all * 0.9, "{good} of {all} healthy scrapes are good");
        let pools = manager.snapshot();
        let hung = pools.pools.iter().find(|pool| pool.job == "hanging").unwrap();
        assert_eq!(hung.active.len(), hanging);
        let answered = |target: &&Arc<crate::Target>| target.status().health == crate::Health::Up;
        assert_eq!(hung.active.iter().filter(answered).count(), 0, "a hanging target answered");
        let snapshot = manager.snapshot();
        let pool = snapshot.pools.iter().find(|pool| pool.job == "hostile").unwrap();
        for (number, (address, expected)) in hostile.iter().enumerate() {
            let url = format!("http://{address}/metrics");
            let target = pool.active.iter().find(|t| t.scrape_url() == url).unwrap();
            let got = target.status().last_error.clone();
            match (&got, expected) {
                (Some(got), Some(expected)) => {
                    // On a busy machine those that send much may be late, and no others.
                    let may_be_late = matches!(sends[number], Harm::Flood(..) | Harm::Say(_));
                    let is_late = may_be_late && got.contains("context deadline exceeded");
                    let fits = got.contains(expected) || is_late;
                    assert!(fits, "{number}: {got}");
                }
                (None, None) => {}
                _ => panic!("harm {number}: {got:?}, expected {expected:?}"),
            }
        }
        assert!(manager.shutdown(DEADLINE).await);
    });
    near.shutdown_background();
    far.shutdown_background();
}
