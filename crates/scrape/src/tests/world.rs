//! A manager among targets in memory.

use crate::clock::Clock;
use crate::config::{Config, Global, Job};
use crate::{Manager, Metrics, Options, Shared, Target};
use client::{Dialer, Stream};
use discovery::{ADDRESS, Group, Snapshot};
use model::{Labels, METRIC_NAME, MatchOp, Matcher, TimeRange};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::{Appendable, Columns, Queryable, SelectHints};
use testkit::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

/// How a target answers.
#[derive(Clone)]
pub(crate) enum Manner {
    Page(String),
    Raw(String),
    Hang,
    /// Sends this, a line every second.
    Slowly(String),
    /// Sends the beginning of a page and no more.
    HangInBody,
    Close,
}

#[derive(Clone, Default)]
pub(crate) struct Targets {
    manners: Arc<Mutex<HashMap<String, Manner>>>,
    pub(crate) connections: Arc<Mutex<usize>>,
}

impl Targets {
    pub(crate) fn set(&self, address: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(address.into(), manner);
    }

    pub(crate) fn page(&self, address: &str, page: &str) {
        self.set(address, Manner::Page(page.into()));
    }

    fn connect(&self, address: &str) -> Box<dyn Stream> {
        let (near, far) = tokio::io::duplex(1 << 16);
        *self.connections.lock().unwrap() += 1;
        tokio::spawn(self.clone().serve(address.to_owned(), far));
        Box::new(near)
    }

    async fn serve(self, address: String, mut stream: DuplexStream) {
        loop {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => return,
                }
            }
            let manner = self.manners.lock().unwrap().get(&address).cloned();
            let head = |len: usize| {
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len}\r\n\r\n"
                )
            };
            let answer = match manner.unwrap_or(Manner::Close) {
                Manner::Page(page) => head(page.len()) + &page,
                Manner::Raw(answer) => answer,
                Manner::Close => return,
                Manner::Hang => std::future::pending().await,
                Manner::Slowly(page) => {
                    let mut answer = head(page.len());
                    for line in page.split_inclusive('\n') {
                        answer.push_str(line);
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                        answer.clear();
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    continue;
                }
                Manner::HangInBody => {
                    stream.write_all((head(100) + "a 1\n").as_bytes()).await.unwrap();
                    std::future::pending().await
                }
            };
            // The client may have hung up.
            stream.write_all(answer.as_bytes()).await.ok();
        }
    }
}

pub(crate) struct World {
    pub(crate) store: MemoryStore,
    pub(crate) targets: Targets,
    pub(crate) manager: Manager,
    pub(crate) metrics: Arc<Metrics>,
}

/// When the tests begin, in seconds since the Unix epoch.
pub(crate) const BEGIN: i64 = 1_000_000;

impl World {
    pub(crate) fn new() -> Self {
        Self::with_store(MemoryStore::new(), Options::default())
    }

    pub(crate) fn with_store(store: MemoryStore, options: Options) -> Self {
        Self::over(Arc::new(store.clone()), store, options)
    }

    /// Appends to something that stores in memory.
    pub(crate) fn over(
        appendable: Arc<dyn Appendable>,
        store: MemoryStore,
        options: Options,
    ) -> Self {
        let (targets, metrics) = (Targets::default(), Arc::<Metrics>::default());
        let mut shared = Shared::new(appendable, metrics.clone(), options);
        shared.clock = Clock::Runtime(Instant::now(), BEGIN * 1_000_000_000);
        let connected = targets.clone();
        shared.dialer = Dialer::within(move |address| connected.connect(address));
        Self { store, targets, manager: Manager::with_shared(shared), metrics }
    }

    /// Configures jobs as the `scrape_configs` of a file.
    pub(crate) fn apply(&self, configs: &str) {
        self.manager.apply(jobs(configs));
    }

    /// Discovers these addresses for the jobs; others have none.
    pub(crate) fn discover(&self, jobs: &[(&str, &[&str])]) {
        let group = |addresses: &&[&str]| Group {
            source: "test".into(),
            labels: Labels::empty(),
            targets: addresses.iter().map(|a| Labels::from_pairs([(ADDRESS, a)])).collect(),
        };
        let jobs: BTreeMap<_, _> = jobs
            .iter()
            .map(|(job, addresses)| ((*job).to_owned(), [Arc::new(group(addresses))].into()))
            .collect();
        self.manager.set_targets(Arc::new(Snapshot { jobs }));
    }

    /// Lets time pass, and everything that waits for it.
    pub(crate) async fn pass(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    pub(crate) fn target(&self, address: &str) -> Arc<Target> {
        let snapshot = self.manager.snapshot();
        let mut targets = snapshot.pools.iter().flat_map(|pool| &pool.active);
        let url = format!("http://{address}/metrics");
        targets.find(|target| target.scrape_url() == url).unwrap().clone()
    }

    /// Times and values of a series of a target; times since the begin in milliseconds, `None` for
    /// the end.
    pub(crate) fn samples(&self, metric: &str, address: &str) -> Vec<(i64, Option<f64>)> {
        samples(&self.store, metric, address)
    }
}

pub(crate) fn jobs(configs: &str) -> Vec<Job> {
    jobs_of(configs, &Global::default())
}

pub(crate) fn jobs_of(configs: &str, global: &Global) -> Vec<Job> {
    let configs: Vec<Config> = serde_saphyr::from_str(configs).unwrap();
    configs.iter().map(|config| config.resolve(global).unwrap()).collect()
}

pub(crate) fn samples(store: &MemoryStore, metric: &str, address: &str) -> Vec<(i64, Option<f64>)> {
    let querier = store.querier(TimeRange::ALL).unwrap();
    let hints = SelectHints { range: TimeRange::ALL, sorted: true, labels_only: false };
    let equal = |name, value| Matcher::new(MatchOp::Equal, name, value).unwrap();
    let matchers = [equal(METRIC_NAME, metric), equal("instance", address)];
    let set = querier.select(&matchers, &hints).unwrap();
    if set.is_empty() {
        return Vec::new();
    }
    let found = 0;
    let mut columns = Columns::default();
    set.read(found, TimeRange::ALL, &mut columns).unwrap();
    let value = |value: f64| (!model::is_stale(value)).then_some(value);
    let times = columns.t_ms.iter().map(|t_ms| t_ms - BEGIN * 1000);
    times.zip(columns.values.iter().map(|v| value(*v))).collect()
}
