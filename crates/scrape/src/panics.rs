//! Panics, which are bugs, cost the scrape in which they happen and no more.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The words of a panic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

impl Panicked {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "without words".to_owned()))
    }
}

/// Does work; what it changed is of no use after a panic.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Panicked::new)
}

/// The same for a future. Cancel safe as the future is.
pub(crate) async fn caught_in<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| match caught(|| future.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

#[cfg(test)]
#[tokio::test]
async fn panics_become_words() {
    assert_eq!(caught(|| 7), Ok(7));
    assert_eq!(caught(|| -> u8 { panic!("no {}", 7) }), Err(Panicked("no 7".into())));
    let late = caught_in(async {
        tokio::task::yield_now().await;
        panic!("late");
    });
    assert_eq!(late.await, Err::<(), _>(Panicked("late".into())));
}
