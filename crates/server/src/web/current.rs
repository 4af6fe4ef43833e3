//! The configuration in use, and its change while the server runs.

use super::{WebConfig, load};
use crate::config::ConfigError;
use model::metrics::{Collect, Kind, Visitor};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two looks for changes.
const LOOK: Duration = Duration::from_secs(1);

/// What is in use, and where it came from.
pub(crate) struct Current {
    /// `None` when there is no file: plain HTTP for everybody.
    path: Option<PathBuf>,
    /// Whether TLS is spoken; holds as long as the process runs.
    is_tls: bool,
    state: Mutex<State>,
    /// Set while somebody looks: files may hang, and one who waits for them is enough.
    looking: AtomicBool,
    /// Whether the file, as it is now, is the one in use.
    is_good: AtomicBool,
    /// Hears of the first bad look after a good one, and the reverse.
    tell: Box<Tell>,
}

type Tell = dyn Fn(Option<&str>) + Send + Sync;

struct State {
    config: Arc<WebConfig>,
    /// Files as they were when they were read.
    stamps: Vec<Stamp>,
    looked: Instant,
    /// Why the newest file was not taken.
    error: Option<String>,
    /// Of a file that names no user any more, seen once.
    open: Option<Vec<Stamp>>,
}

/// What changes when a file is written or replaced.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamps(config: &WebConfig) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        let changed = (meta.ctime(), meta.ctime_nsec());
        Some((meta.dev(), meta.ino(), meta.len(), changed.0, changed.1))
    };
    config.files.iter().map(stamp).collect()
}

/// Whether users were asked for, and are no more.
fn opens(before: &WebConfig, after: &WebConfig) -> bool {
    !before.users.is_empty() && after.users.is_empty()
}

impl Current {
    /// Reads a file; `tell` hears of a bad change (why), and that it is over.
    ///
    /// # Errors
    /// When the file is bad: then the server should not start.
    pub(crate) fn open(
        path: &Path,
        tell: impl Fn(Option<&str>) + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let config = load(path, false)?;
        let state = State {
            stamps: stamps(&config),
            config: Arc::new(config),
            looked: Instant::now(),
            error: None,
            open: None,
        };
        Ok(Self {
            path: Some(path.to_owned()),
            is_tls: state.config.tls.is_some(),
            state: Mutex::new(state),
            tell: Box::new(tell),
            ..Self::plain()
        })
    }

    /// Plain HTTP for everybody.
    pub(crate) fn plain() -> Self {
        let state = State {
            config: Arc::default(),
            stamps: Vec::new(),
            looked: Instant::now(),
            error: None,
            open: None,
        };
        Self {
            path: None,
            is_tls: false,
            state: Mutex::new(state),
            looking: AtomicBool::new(false),
            is_good: AtomicBool::new(true),
            tell: Box::new(|_| {}),
        }
    }

    /// Whether TLS is spoken.
    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether a client needs more than an address to be answered, as things are now.
    pub(crate) fn is_guarded(&self) -> bool {
        self.is_tls || !self.lock().config.users.is_empty()
    }

    /// The configuration in use, after a look for changes when the last one is long ago.
    pub(crate) async fn get(self: &Arc<Self>) -> Arc<WebConfig> {
        {
            let mut state = self.lock();
            if self.path.is_none() || state.looked.elapsed() < LOOK {
                return Arc::clone(&state.config);
            }
            // Others take what is there while this one looks.
            state.looked = Instant::now();
            if self.looking.swap(true, Ordering::Acquire) {
                return Arc::clone(&state.config);
            }
        }
        let this = Arc::clone(self);
        let looked = tokio::task::spawn_blocking(move || {
            this.look();
            this.looking.store(false, Ordering::Release);
        });
        if looked.await.is_err() {
            self.looking.store(false, Ordering::Release);
            tracing::error!(component = "web", "looking at the web configuration panicked");
        }
        Arc::clone(&self.lock().config)
    }

    /// Reads the files again if they have changed.
    pub(super) fn look(&self) {
        let Some(path) = &self.path else { return };
        let (config, before, was_bad) = {
            let state = self.lock();
            (Arc::clone(&state.config), state.stamps.clone(), state.error.is_some())
        };
        // A bad file is read each time: what it names may have been what was bad.
        let now = stamps(&config);
        if !was_bad && now == before {
            return;
        }
        let loaded = load(path, false).map_err(|error| error.to_string()).and_then(|loaded| {
            if loaded.tls.is_some() == self.is_tls {
                Ok(loaded)
            } else {
                Err("turning TLS on or off takes a restart".to_owned())
            }
        });
        match loaded {
            // Half a file may name nobody, and would let everybody in: it is looked at again.
            Ok(loaded) if opens(&config, &loaded) && !self.is_seen_again(&loaded) => {}
            Ok(loaded) => {
                // Taken before the files were read: what is written meanwhile is seen next time.
                let stamps = if loaded.files == config.files { now } else { stamps(&loaded) };
                self.take(loaded, stamps, was_bad);
            }
            Err(error) => self.refuse(error),
        }
    }

    fn take(&self, loaded: WebConfig, stamps: Vec<Stamp>, was_bad: bool) {
        let mut state = self.lock();
        (state.config, state.stamps) = (Arc::new(loaded), stamps);
        (state.error, state.open) = (None, None);
        drop(state);
        self.is_good.store(true, Ordering::Relaxed);
        tracing::info!(component = "web", "the web configuration was loaded again");
        if was_bad {
            (self.tell)(None);
        }
    }

    /// Whether the files are as they were when they first named no user any more.
    fn is_seen_again(&self, loaded: &WebConfig) -> bool {
        let now = stamps(loaded);
        self.lock().open.replace(now.clone()) == Some(now)
    }

    fn refuse(&self, error: String) {
        self.is_good.store(false, Ordering::Relaxed);
        let mut state = self.lock();
        if state.error.as_ref() == Some(&error) {
            return;
        }
        state.error = Some(error.clone());
        drop(state);
        let what = "the web configuration was not loaded; the old one stays";
        tracing::error!(component = "web", %error, "{what}");
        (self.tell)(Some(&error));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collect for Current {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let help = "Whether the web configuration file, as it is now, is in use.";
        visitor.family("rushlight_web_config_last_reload_successful", Kind::Gauge, help);
        visitor.sample("", &[], f64::from(u8::from(self.is_good.load(Ordering::Relaxed))));
    }
}
