//! Bounds of connections.

use super::idle::Activity;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_connection_with_a_request_is_not_idle() {
    let span = Duration::from_millis(20);
    let activity = Arc::new(Activity::default());
    let begun = Activity::begin(&activity);
    let waited = tokio::time::timeout(span * 10, activity.idle(span)).await;
    assert!(waited.is_err(), "idle while a request runs");
    drop(begun);
    tokio::time::timeout(Duration::from_secs(10), activity.idle(span)).await.expect("idle");
}
