//! Which rules a request of `/rules` asks for, and which page of them.

use super::{Rule, RuleGroup};
use crate::ApiError;
use crate::params::Params;
use crate::selectors::selectors;
use model::Matcher;
use ring::digest;
use std::collections::HashSet;
use std::fmt::Write;
use std::num::IntErrorKind;

/// What a request asks for. Empty sets and lists ask for all.
pub(super) struct Chosen {
    /// Whether alerts are told with their rules.
    pub(super) with_alerts: bool,
    alerting: bool,
    recording: bool,
    names: HashSet<String>,
    groups: HashSet<String>,
    files: HashSet<String>,
    selectors: Vec<Vec<Matcher>>,
    page: Option<PageSize>,
}

/// Groups come in pages.
struct PageSize {
    /// At least one.
    groups: usize,
    /// The token of the first group, or nothing for the first of all.
    from: String,
}

/// The groups of a page, each with its rules that were asked for: at least one.
pub(super) struct Page<'a> {
    pub(super) groups: Vec<(&'a RuleGroup, Vec<&'a Rule>)>,
    /// What to ask for the next page with.
    pub(super) next_token: Option<String>,
}

impl Chosen {
    /// Reads the parameters in the order in which clients are told of faults.
    pub(super) fn of(params: &Params) -> Result<Self, ApiError> {
        params.well_formed()?;
        let set = |name: &str| params.all(name).map(str::to_owned).collect();
        let selectors = selectors(params).map_err(ApiError::bad_data)?;
        let kind = params.get("type").to_lowercase();
        if !matches!(&*kind, "" | "alert" | "record") {
            return Err(ApiError::parameter("type", format!("not supported value {kind:?}")));
        }
        Ok(Self {
            alerting: kind != "record",
            recording: kind != "alert",
            names: set("rule_name[]"),
            groups: set("rule_group[]"),
            files: set("file[]"),
            selectors,
            with_alerts: !exclude_alerts(params)?,
            page: page_size(params)?,
        })
    }

    /// Chooses among all groups, which come in order.
    pub(super) fn page<'a>(&self, all: &'a [RuleGroup]) -> Result<Page<'a>, ApiError> {
        let mut groups = Vec::new();
        for group in &all[self.first(all)?..] {
            if !asked(&self.groups, &group.name) || !asked(&self.files, &group.file) {
                continue;
            }
            let rules: Vec<&Rule> = group.rules.iter().filter(|rule| self.has(rule)).collect();
            if rules.is_empty() {
                continue;
            }
            if self.page.as_ref().is_some_and(|page| groups.len() == page.groups) {
                return Ok(Page { groups, next_token: Some(token(group)) });
            }
            groups.push((group, rules));
        }
        Ok(Page { groups, next_token: None })
    }

    /// Where the page begins.
    fn first(&self, all: &[RuleGroup]) -> Result<usize, ApiError> {
        let Some(PageSize { from, .. }) = self.page.as_ref().filter(|page| !page.from.is_empty())
        else {
            return Ok(0);
        };
        all.iter().position(|group| token(group) == *from).ok_or_else(|| {
            let what = format!("invalid group_next_token '{from}'. were rule groups changed?");
            ApiError::parameter("group_next_token", what)
        })
    }

    fn has(&self, rule: &Rule) -> bool {
        let kind = if rule.alerting.is_some() { self.alerting } else { self.recording };
        let fits = |matchers: &Vec<Matcher>| matchers.iter().all(|matcher| fits(matcher, rule));
        kind && asked(&self.names, &rule.name)
            && (self.selectors.is_empty() || self.selectors.iter().any(fits))
    }
}

fn asked(set: &HashSet<String>, name: &str) -> bool {
    set.is_empty() || set.contains(name)
}

fn fits(matcher: &Matcher, rule: &Rule) -> bool {
    let value = rule.labels.iter().find(|(name, _)| name == matcher.name());
    matcher.matches(value.map_or("", |(_, value)| value))
}

/// Names a group to those who come back for the next page; clients keep it as it is.
fn token(group: &RuleGroup) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [&*group.file, ";", &*group.name] {
        context.update(part.as_bytes());
    }
    let hash = context.finish();
    let mut token = String::with_capacity(2 * hash.as_ref().len());
    for byte in hash.as_ref() {
        write!(token, "{byte:02x}").expect("a string takes text");
    }
    token
}

fn exclude_alerts(params: &Params) -> Result<bool, ApiError> {
    match &*params.get("exclude_alerts").to_lowercase() {
        "" | "0" | "f" | "false" => Ok(false),
        "1" | "t" | "true" => Ok(true),
        other => {
            let what = "error converting exclude_alerts: strconv.ParseBool";
            let cause = format!("{what}: parsing {other:?}: invalid syntax");
            Err(ApiError::parameter("exclude_alerts", cause))
        }
    }
}

fn page_size(params: &Params) -> Result<Option<PageSize>, ApiError> {
    let (limit, from) = (params.get("group_limit"), params.get("group_next_token"));
    if limit.is_empty() {
        if from.is_empty() {
            return Ok(None);
        }
        let what = "group_limit needs to be present in order to paginate over the groups";
        return Err(ApiError::parameter("group_next_token", what));
    }
    let parsed = limit.parse::<i32>().map_err(|error| {
        let what = match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        let what = format!("strconv.ParseInt: parsing {limit:?}: {what}");
        ApiError::parameter(
            "group_limit",
            format!("group_limit needs to be a valid number: {what}"),
        )
    })?;
    match usize::try_from(parsed) {
        Ok(groups @ 1..) => Ok(Some(PageSize { groups, from: from.to_owned() })),
        Ok(0) | Err(_) => {
            Err(ApiError::parameter("group_limit", "group_limit needs to be greater than 0"))
        }
    }
}
