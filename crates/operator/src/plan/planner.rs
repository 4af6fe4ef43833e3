//! What follows the cluster: changes come in, plans go out.

use super::book::{Book, News};
use super::follow::Follows;
use super::{Metrics, Options, Plan};
use client::files::Vault;
use cluster::watch::Watches;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

/// From the first change to the plan that holds it, so that a burst of changes is one plan.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// The same when changes refer to something that has to be read first.
const LONGEST: Duration = Duration::from_secs(2);

/// Follows custom resources and plans their jobs and rules.
pub struct Planner {
    options: watch::Sender<Option<Arc<Options>>>,
    plans: watch::Receiver<Arc<Plan>>,
    /// Ends it when nobody has the planner any more.
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Planner {
    /// Follows nothing until there are [options](Self::apply). What jobs keep secret is put into the
    /// vault before they are planned.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(watches: Watches, vault: Vault, metrics: Arc<Metrics>) -> Self {
        let (options, new_options) = watch::channel(None);
        let (published, plans) = watch::channel(Arc::default());
        let stop = CancellationToken::new();
        let run = run(watches, vault, metrics, new_options, published);
        let stopped = stop.clone();
        let stop = stop.drop_guard();
        let task = tokio::spawn(async move {
            stopped.run_until_cancelled(run).await;
        });
        Self { options, plans, stop, task }
    }

    /// Plans by other settings. Objects whose jobs come out the same keep them.
    pub fn apply(&self, options: Options) {
        let new = Arc::new(options);
        self.options.send_if_modified(|known| {
            let is_new = known.as_ref().is_none_or(|known| !known.is_same(&new));
            if is_new {
                *known = Some(new);
            }
            is_new
        });
    }

    /// The plans; the first one is empty and not complete.
    #[must_use]
    pub fn plans(&self) -> watch::Receiver<Arc<Plan>> {
        self.plans.clone()
    }

    /// Ends following. The last plan stays.
    pub async fn shutdown(self) {
        drop(self.stop);
        // A panic was told where it happened.
        self.task.await.ok();
    }
}

/// Runs for ever.
async fn run(
    watches: Watches,
    vault: Vault,
    metrics: Arc<Metrics>,
    mut new_options: watch::Receiver<Option<Arc<Options>>>,
    plans: watch::Sender<Arc<Plan>>,
) {
    let first = new_options.wait_for(Option::is_some).await;
    let Ok(Some(options)) = first.map(|options| options.clone()) else { return };
    let mut follows = Follows::new(watches);
    let known = follows.set_options(&options);
    let mut book = Book::new(options, vault, metrics);
    book.take(known, Instant::now());
    follows.set_references(book.wanted());
    let mut first_change: Option<Instant> = None;
    loop {
        let patience = if book.is_worth_waiting() { LONGEST } else { DEBOUNCE };
        let publish_at = first_change.map(|first| first + patience);
        let due = publish_at.into_iter().chain(book.next_deadline()).min();
        let wait = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let news = tokio::select! {
            events = follows.events() => follows.news(events),
            changed = new_options.changed() => {
                let options = new_options.borrow_and_update().clone();
                let (Ok(()), Some(options)) = (changed, options) else { return };
                let mut news = follows.set_options(&options);
                news.insert(0, News::Options(options));
                news
            }
            () = wait => Vec::new(),
        };
        let now = Instant::now();
        // Mapping many objects takes a while.
        let taken = tokio::task::spawn_blocking(move || {
            book.take(news, now);
            book
        });
        book = match taken.await {
            Ok(book) => book,
            Err(error) => {
                tracing::error!(component = "operator", %error, "plans end with the last one");
                return;
            }
        };
        follows.set_references(book.wanted());
        if !book.has_news() {
            continue;
        }
        let first = *first_change.get_or_insert(now);
        let patience = if book.is_worth_waiting() { LONGEST } else { DEBOUNCE };
        if Instant::now() >= first + patience {
            first_change = None;
            plans.send_replace(Arc::new(book.plan()));
        }
    }
}
