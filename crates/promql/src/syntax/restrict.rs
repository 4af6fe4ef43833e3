//! Queries that see no more than a part of all series.

use super::Expr;
use super::ast::Node;
use model::Matcher;

impl Expr {
    /// Adds a condition to each selector, in the place of all others on the same label. What the query
    /// was read from stays as it was; printed, it has the condition.
    pub fn restrict(&mut self, matcher: &Matcher) {
        for id in self.ids() {
            let Node::VectorSelector(selector) = self.node_mut(id) else { continue };
            selector.matchers.retain(|other| other.name() != matcher.name());
            // The one of a name before the braces stays the last.
            let end = selector.matchers.len() - usize::from(selector.name.is_some());
            selector.matchers.insert(end, matcher.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Features, parse};
    use model::{MatchOp, Matcher};

    #[test]
    fn every_selector_has_the_condition() {
        let check = |query: &str, expected: &str| {
            let mut expr = parse(query, &Features::default()).unwrap();
            let matcher = Matcher::new(MatchOp::Equal, "ns", "here").unwrap();
            expr.restrict(&matcher);
            assert_eq!(expr.to_string(), expected, "{query}");
            assert_eq!(expr.text(), query);
            parse(expected, &Features::default()).unwrap();
        };
        check("a", r#"a{ns="here"}"#);
        check(r#"{__name__="a"}"#, r#"{__name__="a",ns="here"}"#);
        check(r#"a{ns="there",x!="y"}"#, r#"a{ns="here",x!="y"}"#);
        check(r#"a{ns=~".*"} / on (x) b{ns!="here"}"#, r#"a{ns="here"} / on (x) b{ns="here"}"#);
        check(
            "sum by (x) (rate(a[5m] offset 1m)) > max_over_time(b[1h:5m])",
            r#"sum by (x) (rate(a{ns="here"}[5m] offset 1m)) > max_over_time(b{ns="here"}[1h:5m])"#,
        );
        check("1 + vector(2)", "1 + vector(2)");
    }
}
