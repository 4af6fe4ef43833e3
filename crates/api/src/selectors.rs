//! `match[]`: series selectors as parameters.

use crate::ApiError;
use crate::params::Params;
use model::Matcher;
use promql::Features;
use promql::syntax::{Dur, Node};

const EMPTY: &str = "match[] must contain at least one non-empty matcher";

/// The matchers of a selector such as `up{job="node"}`.
pub(crate) fn parse_selector(text: &str) -> Result<Vec<Matcher>, String> {
    let expr = promql::parse(text, &Features::default()).map_err(|errors| errors.to_string())?;
    match expr.node(expr.root()) {
        Node::VectorSelector(selector)
            if selector.offset == Dur::Ms(0)
                && selector.at.is_none()
                && selector.edges.is_none() =>
        {
            Ok(selector.matchers.clone())
        }
        _ => Err("1:1: parse error: expected a series selector and nothing else".to_owned()),
    }
}

/// All `match[]` of a request; each must ask for something. The error names the parameter.
pub(crate) fn match_params(params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    selectors(params).map_err(|error| ApiError::parameter("match[]", error))
}

/// All `match[]` of a request; each must ask for something.
pub(crate) fn selectors(params: &Params) -> Result<Vec<Vec<Matcher>>, String> {
    let mut selectors = Vec::new();
    for text in params.all("match[]") {
        let matchers = parse_selector(text).map_err(|error| {
            // The parser of queries has the same rule; here it has other words.
            let empty = error.ends_with("must contain at least one non-empty matcher");
            if empty { EMPTY.to_owned() } else { error }
        })?;
        if matchers.iter().all(|matcher| matcher.matches("")) {
            return Err(EMPTY.to_owned());
        }
        selectors.push(matchers);
    }
    Ok(selectors)
}
