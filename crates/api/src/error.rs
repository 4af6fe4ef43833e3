//! What went wrong with a request, and the one place that turns it into an HTTP status.

use crate::json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use promql::EvalError;

/// The classes of errors that clients tell apart by `errorType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A parameter is missing or malformed.
    BadData,
    /// The expression could not be evaluated.
    Execution,
    /// The client went away or someone stopped the query.
    Canceled,
    /// The query took longer than it may.
    Timeout,
    /// Our fault.
    Internal,
    /// The part asked for is switched off.
    Unavailable,
    /// No such thing.
    NotFound,
}

impl Kind {
    /// The word in the answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Canceled => "canceled",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not_found",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            // 499 is nginx' "client closed request"; http has no constant for it.
            Self::Canceled => StatusCode::from_u16(499).expect("499 is a status"),
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            // `unavailable` has no status of its own in Prometheus, so it falls to 500.
            Self::Internal | Self::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }
}

/// An error answer of the API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.as_str())]
pub struct ApiError {
    /// Its class.
    pub kind: Kind,
    /// What people read.
    pub message: String,
}

impl ApiError {
    /// An error of a class with a text.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A request that asks for something impossible.
    pub fn bad_data(message: impl Into<String>) -> Self {
        Self::new(Kind::BadData, message)
    }

    /// A parameter that could not be read: `invalid parameter "NAME": cause`.
    pub fn parameter(name: &str, cause: impl std::fmt::Display) -> Self {
        Self::bad_data(format!("invalid parameter {name:?}: {cause}"))
    }

    /// Something on our side.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(Kind::Internal, cause.to_string())
    }
}

impl From<storage::Error> for ApiError {
    fn from(error: storage::Error) -> Self {
        let kind = match error {
            storage::Error::Canceled => Kind::Canceled,
            storage::Error::NotReady => Kind::Unavailable,
            storage::Error::Engine(_) => Kind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<EvalError> for ApiError {
    fn from(error: EvalError) -> Self {
        let kind = match &error {
            EvalError::Canceled => Kind::Canceled,
            EvalError::Timeout => Kind::Timeout,
            EvalError::Storage(storage::Error::Canceled) => Kind::Canceled,
            EvalError::Storage(_) => Kind::Internal,
            EvalError::Execution(_) | EvalError::TooManySamples(_) => Kind::Execution,
        };
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = String::with_capacity(64 + self.message.len());
        body.push_str(r#"{"status":"error","errorType":""#);
        body.push_str(self.kind.as_str());
        body.push_str(r#"","error":"#);
        json::write_text(&mut body, &self.message);
        body.push('}');
        (self.kind.status(), json::content_type(), body).into_response()
    }
}
