//! What is evaluated and who is told of it, in the shape of the API.

use api::rules::{Alertmanagers, RuleGroup, Rules};

/// There are no rules: a configuration that names some is refused.
#[derive(Default)]
pub(super) struct RulesView;

impl Rules for RulesView {
    fn groups(&self) -> Vec<RuleGroup> {
        Vec::new()
    }
}

/// There are no Alertmanagers: a configuration that names some is refused.
#[derive(Default)]
pub(super) struct AlertmanagersView;

impl Alertmanagers for AlertmanagersView {
    fn active(&self) -> Vec<String> {
        Vec::new()
    }

    fn dropped(&self) -> Vec<String> {
        Vec::new()
    }
}
