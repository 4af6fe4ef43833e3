//! One object: what it means, by the settings and by what it refers to.

use super::references::{Referring, Shelf, Uses};
use super::resource::Resource;
use super::rule_file::{Reading, Rules};
use super::{
    Accepted, Missing, ObjectRef, Options, PlannedJob, Reason, Rejected, Verdict, Waiting, Warning,
    WarningKind, load,
};
use kubernetes::jobs::Mapper;
use model::relabel::Patterns;
use rules::LoadedFile;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long an object whose Secret vanished keeps what it had.
pub(super) const GRACE: Duration = Duration::from_secs(300);

/// Bytes of what is said about an object: it may quote what stands there.
const MAX_MESSAGE: usize = 4 << 10;

/// The jobs or rules of an object.
#[derive(Default)]
pub(super) struct Product {
    pub(super) jobs: Vec<Arc<PlannedJob>>,
    pub(super) file: Option<LoadedFile>,
    pub(super) warnings: Vec<Warning>,
}

/// What mapping an object led to.
#[derive(Clone)]
pub(super) enum Outcome {
    Product(Arc<Product>),
    Rejected(Rejected),
    Missing(Vec<Missing>),
}

/// What an object was mapped by: an equal one leads to the same again, unless what it refers to has
/// changed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cause {
    uid: Box<str>,
    digest: u64,
    /// Of the settings.
    epoch: u64,
}

/// An object as it was mapped.
pub(super) struct Mapping {
    cause: Cause,
    pub(super) uses: Uses,
    pub(super) outcome: Outcome,
    /// What it had before what it refers to vanished, and until when it keeps that.
    pub(super) kept: Option<(Arc<Product>, Instant)>,
}

/// What mappings need.
pub(super) struct Means<'a> {
    pub(super) options: &'a Options,
    pub(super) shelf: &'a Shelf,
    pub(super) patterns: &'a mut Patterns,
    /// Edition of the settings.
    pub(super) epoch: u64,
    pub(super) now: Instant,
}

impl Mapping {
    /// Whether the object would be mapped to the same again.
    pub(super) fn is_current(&self, resource: &Resource, means: &Means<'_>) -> bool {
        self.cause == Cause::of(resource, means.epoch) && self.finds_the_same(means.shelf)
    }

    /// Whether all that it refers to is as it was.
    pub(super) fn finds_the_same(&self, shelf: &Shelf) -> bool {
        self.uses.iter().all(|(used, found)| shelf.find(used) == *found)
    }

    /// Maps an object; what did not change since the last time is the same [`Arc`].
    pub(super) fn new(
        object: &ObjectRef,
        resource: &Resource,
        before: Option<&Self>,
        means: &mut Means<'_>,
    ) -> Self {
        let cause = Cause::of(resource, means.epoch);
        // Nothing that anybody writes into an object may harm another.
        let mapped = catch_unwind(AssertUnwindSafe(|| map(object, resource, means)));
        let (uses, mut outcome) = mapped.unwrap_or_else(|_| {
            let message = "a bug: mapping this object failed".to_owned();
            (Uses::new(), rejected(Reason::InvalidConfiguration, message))
        });
        if let (Outcome::Product(product), Some(known)) =
            (&mut outcome, before.and_then(Self::product))
        {
            // It was made just now, so nobody else has it.
            if let Some(product) = Arc::get_mut(product) {
                product.jobs.iter_mut().for_each(|job| adopt(job, &known.jobs));
            }
        }
        let kept =
            before.filter(|before| before.cause == cause && matches!(outcome, Outcome::Missing(_)));
        let kept = kept.and_then(|before| match &before.outcome {
            Outcome::Product(product) => Some((product.clone(), means.now + GRACE)),
            _ => before.kept.clone(),
        });
        Self { cause, uses, outcome, kept }
    }

    /// What runs.
    pub(super) fn product(&self) -> Option<&Product> {
        match &self.outcome {
            Outcome::Product(product) => Some(product),
            Outcome::Missing(_) => self.kept.as_ref().map(|(product, _)| &**product),
            Outcome::Rejected(_) => None,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let names = |product: &Product| {
            product.jobs.iter().map(|job| job.config.job_name().to_owned()).collect()
        };
        match &self.outcome {
            Outcome::Product(product) => {
                let file = product.file.as_ref();
                Verdict::Accepted(Accepted {
                    jobs: names(product),
                    file: file.map(|file| file.name.clone()),
                    groups: file.map_or(0, |file| file.groups.groups.len()),
                    rules: file.map_or(0, |file| file.groups.rule_count()),
                    warnings: product.warnings.clone(),
                })
            }
            Outcome::Rejected(rejected) => Verdict::Rejected(rejected.clone()),
            Outcome::Missing(missing) => {
                let kept = self.product().map_or_else(Vec::new, names);
                Verdict::Waiting(Waiting { missing: missing.clone(), kept })
            }
        }
    }
}

impl Cause {
    fn of(resource: &Resource, epoch: u64) -> Self {
        Self { uid: resource.version().uid.clone(), digest: resource.digest(), epoch }
    }
}

/// Takes the job that was there before, when it is the same.
pub(super) fn adopt(job: &mut Arc<PlannedJob>, known: &[Arc<PlannedJob>]) {
    let same = known
        .iter()
        .find(|known| known.text == job.text && known.config == job.config && known.job == job.job);
    if let Some(same) = same {
        *job = same.clone();
    }
}

fn rejected(reason: Reason, mut message: String) -> Outcome {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push_str("...");
    }
    Outcome::Rejected(Rejected { reason, message })
}

fn map(object: &ObjectRef, resource: &Resource, means: &mut Means<'_>) -> (Uses, Outcome) {
    let invalid = |message| rejected(Reason::InvalidConfiguration, message);
    if let Some(error) = resource.unreadable() {
        return (Uses::new(), invalid(error.to_owned()));
    }
    let referring = Referring::new(means.shelf);
    let options = means.options;
    let settings = &options.section.settings;
    let mapper = match Mapper::new(settings, &referring) {
        Ok(mapper) => mapper,
        Err(error) => return (Uses::new(), invalid(format!("our own settings: {error}"))),
    };
    if let Some(rules) = resource.rules() {
        let meta = &rules.metadata;
        let label = mapper.label_of_rules(meta);
        let reading = Reading {
            name: format!("{}-{}-{}.yaml", meta.namespace, meta.name, resource.version().uid),
            options: &options.rules,
            partial: options.section.partial_rules,
            enforced: label.map(|label| (label, meta.namespace.as_str())),
        };
        let outcome = match reading.read(&rules.spec.groups) {
            Ok(Rules { file, warnings }) => {
                let file = Some(file);
                Outcome::Product(Arc::new(Product { file, warnings, ..Product::default() }))
            }
            Err(message) => invalid(message),
        };
        return (Uses::new(), outcome);
    }
    let mapped = resource.map(&mapper);
    let uses = referring.take();
    let mapped = match mapped {
        Ok(mapped) => mapped,
        Err(error) if error.is_file_denied => {
            return (uses, rejected(Reason::FileAccessDenied, error.message));
        }
        Err(error) => return (uses, invalid(error.message)),
    };
    let missing: Vec<Missing> = uses
        .iter()
        .filter_map(|(used, found)| found.as_ref().err().map(|why| used.missing(why)))
        .collect();
    if !missing.is_empty() {
        return (uses, Outcome::Missing(missing));
    }
    let mut product = Product::default();
    let unsupported = |list: &str| Warning {
        kind: WarningKind::UnsupportedDiscovery,
        message: format!("{list} is not built in, and left out"),
    };
    product.warnings.extend(mapped.left_out.iter().map(|list| unsupported(list)));
    let notes = mapped.notes.into_iter();
    product.warnings.extend(notes.map(|message| Warning { kind: WarningKind::Note, message }));
    let has_secrets = uses.keys().any(|used| !used.by_path && used.reference.is_secret());
    for fields in &mapped.jobs {
        let preselect = mapped.preselect.as_ref();
        let patterns = &mut *means.patterns;
        match load::job(fields, preselect, options, patterns, Some(object), has_secrets) {
            Ok(job) if options.taken.contains(job.config.job_name()) => {
                let name = job.config.job_name();
                return (uses, invalid(format!("a job {name:?} is in the configuration file")));
            }
            Ok(job) => {
                let refused = job.config.sd().refused().iter();
                product.warnings.extend(refused.map(|refused| unsupported(refused.key)));
                product.jobs.push(Arc::new(job));
            }
            Err(message) => return (uses, invalid(message)),
        }
    }
    (uses, Outcome::Product(Arc::new(product)))
}
