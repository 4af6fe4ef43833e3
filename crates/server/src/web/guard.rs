//! What stands around every path: headers, the rate, users.

use super::Current;
use super::passwords::{Passwords, Verdict};
use api::ClientAddress;
use axum::extract::{self, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use std::sync::Arc;
use std::time::Instant;

/// What the guard knows.
#[derive(Clone)]
pub(crate) struct Guarded {
    current: Arc<Current>,
    passwords: Arc<Passwords>,
}

impl Guarded {
    pub(crate) fn new(current: Arc<Current>) -> Self {
        Self { current, passwords: Arc::new(Passwords::new()) }
    }
}

/// Lets a request pass, or not; sets the headers of the answer.
pub(crate) async fn guard(
    extract::State(guarded): extract::State<Guarded>,
    request: Request,
    next: Next,
) -> Response {
    let config = guarded.current.get().await;
    let mut response = if config.rate.as_ref().is_some_and(|rate| !rate.take(Instant::now())) {
        (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\n").into_response()
    } else if config.users.is_empty() {
        next.run(request).await
    } else {
        let client = request.extensions().get::<ClientAddress>().map(|client| client.0);
        let shown = request.headers().get(header::AUTHORIZATION).cloned();
        match guarded.passwords.judge(&config.users, shown.as_ref(), client).await {
            Verdict::Granted => next.run(request).await,
            Verdict::Denied => {
                let ask = [(header::WWW_AUTHENTICATE, "Basic")];
                (StatusCode::UNAUTHORIZED, ask, "Unauthorized\n").into_response()
            }
            Verdict::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable\n").into_response()
            }
        }
    };
    for (name, value) in &config.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}
