//! Tells people which permissions are missing.

use crate::clock;
use api::NoticeBoard;
use operator::report::Standing;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Beyond so many only their number is told.
const MAX_TOLD: usize = 5;

/// Posts a notice while something is missing. The log has the rules to add.
pub(super) async fn tell(
    mut standing: watch::Receiver<Arc<Standing>>,
    notices: Arc<NoticeBoard>,
    stop: CancellationToken,
) {
    let mut posted: Option<String> = None;
    loop {
        let now = notice(&standing.borrow_and_update());
        if now != posted {
            if let Some(old) = posted.take() {
                notices.remove(&old);
            }
            if let Some(text) = &now {
                notices.post(text, clock::now_ms());
            }
            posted = now;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = standing.changed() => if changed.is_err() { break },
        }
    }
    if let Some(old) = posted {
        notices.remove(&old);
    }
}

fn notice(standing: &Standing) -> Option<String> {
    let rules: Vec<_> = standing.missing.iter().map(|missing| missing.rule.to_string()).collect();
    if rules.is_empty() {
        return None;
    }
    let told = rules[..rules.len().min(MAX_TOLD)].join(", ");
    let more = match rules.len().saturating_sub(MAX_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "Permissions in the cluster are missing: {told}{more}. The log has the rules to add."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::rights::{Missing, Rule};

    #[test]
    fn what_is_missing_is_told() {
        let check = |count: usize, expected: Option<&str>| {
            let missing = |i| {
                let rule = Rule::new("", &format!("r{i}"), "list", None);
                Missing { rule, reason: None }
            };
            let missing = (0..count).map(missing).collect();
            let found = notice(&Standing { missing, ..Standing::default() });
            assert_eq!(found.as_deref(), expected);
        };
        check(0, None);
        let one = "Permissions in the cluster are missing: list r0 in all namespaces. The log has the \
                   rules to add.";
        check(1, Some(one));
        let many = "Permissions in the cluster are missing: list r0 in all namespaces, list r1 in all \
                    namespaces, list r2 in all namespaces, list r3 in all namespaces, list r4 in all \
                    namespaces and 2 more. The log has the rules to add.";
        check(7, Some(many));
    }
}
