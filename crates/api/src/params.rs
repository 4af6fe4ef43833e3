//! Parameters: the values of the URL and, on POST, of a form in the body.
//!
//! Both are merged; the body's values come first. A pair that is not well formed is left out, and
//! the first such fault is kept for the endpoints that insist on a well-formed form.

use crate::time::{parse_duration, parse_duration_ns, parse_time};
use crate::{ApiError, Kind, State};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::{Method, header};
use http_body_util::BodyExt;
use http_body_util::Limited;

/// The largest form that is read from a body, as in Go's HTTP server.
const MAX_FORM_BYTES: usize = 10 << 20;

/// All parameters of a request, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    fault: Option<String>,
}

impl Params {
    /// The pairs of a URL's query.
    pub(crate) fn from_url(query: Option<&str>) -> Self {
        let mut params = Self::default();
        params.extend(query.unwrap_or("").as_bytes());
        params
    }

    fn extend(&mut self, form: &[u8]) {
        for pair in form.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            match fault_of(pair) {
                None => {
                    let (name, value) =
                        url::form_urlencoded::parse(pair).next().expect("a pair is not empty");
                    self.pairs.push((name.into_owned(), value.into_owned()));
                }
                Some(fault) => {
                    self.fault.get_or_insert(fault);
                }
            }
        }
    }

    /// The first value of a parameter; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// Whether the parameter is there, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(n, _)| n == name)
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// An error if any part of the form was malformed.
    pub(crate) fn well_formed(&self) -> Result<(), ApiError> {
        match &self.fault {
            None => Ok(()),
            Some(fault) => Err(ApiError::bad_data(format!("error parsing form values: {fault}"))),
        }
    }

    /// A time that must be there.
    pub(crate) fn time(&self, name: &str) -> Result<i64, ApiError> {
        parse_time(self.get(name)).map_err(|error| ApiError::parameter(name, error.message))
    }

    /// A time, or what stands for it when it is not given.
    pub(crate) fn time_or(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        if self.get(name).is_empty() {
            return Ok(default);
        }
        parse_time(self.get(name)).map_err(|error| {
            let cause = format!("invalid time value for '{name}': {}", error.message);
            ApiError::parameter(name, cause)
        })
    }

    /// A duration in nanoseconds that must be there.
    pub(crate) fn duration_ns(&self, name: &str) -> Result<i64, ApiError> {
        parse_duration_ns(self.get(name)).map_err(|error| ApiError::parameter(name, error.message))
    }

    /// A duration in milliseconds, if given. The error does not name the parameter.
    pub(crate) fn maybe_duration(&self, name: &str) -> Result<Option<i64>, ApiError> {
        if self.get(name).is_empty() { Ok(None) } else { parse_duration(self.get(name)).map(Some) }
    }

    /// A limit; 0 is none.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        match self.get("limit") {
            "" => Ok(0),
            text => match text.parse::<i64>() {
                Ok(limit) => usize::try_from(limit)
                    .map_err(|_| ApiError::parameter("limit", "limit must be non-negative")),
                Err(_) => Err(ApiError::parameter("limit", not_a_number(text))),
            },
        }
    }

    /// A number that may be negative for "no limit", as the metadata endpoints take it.
    pub(crate) fn open_limit(&self, name: &str, what: &str) -> Result<Option<usize>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => match text.parse::<i64>() {
                Ok(limit) => Ok(usize::try_from(limit).ok()),
                Err(_) => Err(ApiError::bad_data(format!("{what} must be a number"))),
            },
        }
    }
}

fn not_a_number(text: &str) -> String {
    format!("cannot parse {text:?} to a valid number")
}

/// What is wrong with a pair, in the words of Go's parser.
fn fault_of(pair: &[u8]) -> Option<String> {
    if pair.contains(&b';') {
        return Some("invalid semicolon separator in query".to_owned());
    }
    let mut rest = pair;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        let escape = &rest[at..rest.len().min(at + 3)];
        if escape.len() < 3 || !escape[1..].iter().all(u8::is_ascii_hexdigit) {
            let escape = String::from_utf8_lossy(escape).into_owned();
            return Some(format!("invalid URL escape {escape:?}"));
        }
        rest = &rest[at + 3..];
    }
    None
}

impl FromRequest<State> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &State) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let mut params = Self::default();
        if parts.method == Method::POST && is_form(&parts.headers) {
            // A form that dribbles in must not hold its connection for ever.
            let form = tokio::time::timeout(state.settings.read_timeout, read_form(body)).await;
            let late =
                |_| ApiError::bad_data("error parsing form values: the body came too slowly");
            params.extend(&form.map_err(late)??);
        }
        params.extend(parts.uri.query().unwrap_or("").as_bytes());
        Ok(params)
    }
}

fn is_form(headers: &http::HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next()).unwrap_or("");
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn read_form(body: Body) -> Result<bytes::Bytes, ApiError> {
    match Limited::new(body, MAX_FORM_BYTES).collect().await {
        Ok(form) => Ok(form.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ApiError::bad_data("error parsing form values: http: POST too large"))
        }
        Err(error) => {
            Err(ApiError::new(Kind::BadData, format!("error parsing form values: {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_malformed_ones_are_left_out() {
        let params = Params::from_url(Some("a=1&b=%2B+x&a=2&c=%zz&d=1;2&e"));
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(params.get("b"), "+ x");
        assert!(!params.has("c") && !params.has("d") && params.has("e"));
        let fault = params.well_formed().unwrap_err();
        assert!(fault.message.ends_with(r#"invalid URL escape "%zz""#), "{fault}");
    }

    #[test]
    fn limits() {
        let check = |query: &str, expected: Option<usize>| {
            assert_eq!(Params::from_url(Some(query)).limit().ok(), expected, "{query}");
        };
        check("", Some(0));
        check("limit=0", Some(0));
        check("limit=7", Some(7));
        check("limit=-1", None);
        check("limit=x", None);
    }
}
