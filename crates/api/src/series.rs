//! `/series`, `/labels` and `/label/<name>/values`: what there is, without samples.

use crate::envelope;
use crate::json::{Annotated, write_labels, write_texts};
use crate::params::Params;
use crate::query::blocking;
use crate::selectors::match_params;
use crate::time::{MAX_TIME_MS, MIN_TIME_MS};
use crate::{ApiError, State};
use axum::extract::{self, RawPathParams, rejection::RawPathParamsRejection};
use axum::response::{IntoResponse, Response};
use model::{Labels, Matcher, TimeRange};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::{LabelQuery, Querier, SelectHints};

const TRUNCATED: &str = "results truncated due to limit";

/// What the three have in common.
struct Ask {
    selectors: Vec<Vec<Matcher>>,
    range: TimeRange,
    limit: usize,
}

impl Ask {
    fn new(params: &Params) -> Result<Self, ApiError> {
        params.well_formed()?;
        let limit = params.limit()?;
        let min_ms = params.time_or("start", MIN_TIME_MS)?;
        let max_ms = params.time_or("end", MAX_TIME_MS)?;
        let selectors = match_params(params)?;
        Ok(Self { selectors, range: TimeRange { min_ms, max_ms }, limit })
    }

    /// One more than the limit, to see whether there is more; 0 is no limit.
    fn hint(&self) -> usize {
        if self.limit == 0 { 0 } else { self.limit.saturating_add(1) }
    }

    fn querier(&self, state: &State) -> Result<Arc<dyn Querier>, ApiError> {
        let database = state.readiness.database().ok_or(storage::Error::NotReady)?;
        Ok(database.querier(self.range)?)
    }

    /// The union of what each selector gives, or what there is without any.
    fn union(
        &self,
        one: impl Fn(LabelQuery<'_>) -> Result<Vec<String>, storage::Error>,
    ) -> Result<Vec<String>, ApiError> {
        let limit = self.hint();
        if let [] | [_] = &*self.selectors {
            let matchers = self.selectors.first().map_or(&[][..], |matchers| matchers);
            return Ok(one(LabelQuery { matchers, limit })?);
        }
        let mut all = BTreeSet::new();
        for matchers in &self.selectors {
            all.extend(one(LabelQuery { matchers, limit })?);
        }
        Ok(all.into_iter().collect())
    }
}

/// Cuts to the limit, with a warning if anything was cut.
fn cut<T>(items: &mut Vec<T>, limit: usize) -> Annotated {
    let mut annotated = Annotated::default();
    if limit > 0 && items.len() > limit {
        items.truncate(limit);
        annotated.warnings.push(TRUNCATED.to_owned());
    }
    annotated
}

/// `/series`
pub(crate) async fn series(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    params.well_formed()?;
    if !params.has("match[]") {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let ask = Ask::new(&params)?;
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let querier = ask.querier(&state)?;
        let mut series = select_labels(&*querier, &ask)?;
        let annotated = cut(&mut series, ask.limit);
        Ok(envelope::annotated(&annotated, |out| write_label_sets(out, &series)))
    })
    .await
    .map(IntoResponse::into_response)
}

fn select_labels(querier: &dyn Querier, ask: &Ask) -> Result<Vec<Labels>, ApiError> {
    let hints = SelectHints { range: ask.range, sorted: true, labels_only: true };
    let mut all = Vec::new();
    for matchers in &ask.selectors {
        let set = querier.select(matchers, &hints)?;
        let len = if ask.limit == 0 { set.len() } else { set.len().min(ask.hint()) };
        all.extend((0..len).map(|i| set.labels(i)));
    }
    if ask.selectors.len() > 1 {
        all.sort_unstable();
        all.dedup();
    }
    Ok(all)
}

fn write_label_sets(out: &mut String, series: &[Labels]) {
    out.push('[');
    for (i, labels) in series.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_labels(out, labels);
    }
    out.push(']');
}

/// `/labels`
pub(crate) async fn label_names(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    let ask = Ask::new(&params)?;
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let querier = ask.querier(&state)?;
        let mut names = ask.union(|query| querier.label_names(query))?;
        let annotated = cut(&mut names, ask.limit);
        Ok(envelope::annotated(&annotated, |out| write_texts(out, &names)))
    })
    .await
    .map(IntoResponse::into_response)
}

/// `/label/<name>/values`
pub(crate) async fn label_values(
    extract::State(state): extract::State<State>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    params: Params,
) -> Result<Response, ApiError> {
    let path = path.map_err(|_| ApiError::bad_data("invalid label name: not UTF-8"))?;
    let name = path.iter().next().map_or("", |(_, name)| name);
    let name = unescape_name(name);
    if name.is_empty() {
        return Err(ApiError::bad_data(format!("invalid label name: {name:?}")));
    }
    let ask = Ask::new(&params)?;
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let querier = ask.querier(&state)?;
        let mut values = ask.union(|query| querier.label_values(&name, query))?;
        let annotated = cut(&mut values, ask.limit);
        Ok(envelope::annotated(&annotated, |out| write_texts(out, &values)))
    })
    .await
    .map(IntoResponse::into_response)
}

/// Undoes the escaping of names that start with `U__`: `__` is an underscore and `_2f_` the
/// character of that number. A name that is not well escaped stays as it is.
fn unescape_name(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else { return name.to_owned() };
    let mut out = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some(end) = after.find('_') else { return name.to_owned() };
        if end == 0 {
            out.push('_');
        } else {
            let code = u32::from_str_radix(&after[..end], 16).ok().filter(|_| end <= 6);
            let Some(c) = code.and_then(char::from_u32) else { return name.to_owned() };
            out.push(c);
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_paths() {
        let check = |name: &str, expected: &str| assert_eq!(unescape_name(name), expected);
        check("plain_name", "plain_name");
        check("U__http_2e_status__code_2f_x", "http.status_code/x");
        check("U__bad_zz_x", "U__bad_zz_x");
        check("U__open_2", "U__open_2");
        check("U__", "");
    }
}
