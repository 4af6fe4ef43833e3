//! Rules that do not read each other's series, evaluated at the same time.

use super::Scene;
use super::rule::ActiveRule;
use crate::settings::Helpers;
use std::sync::{Mutex, PoisonError};

/// Evaluates rules step by step, those of a step with as many helpers as are free.
pub(super) fn evaluate(
    rules: &mut [ActiveRule],
    steps: &[Vec<usize>],
    helpers: &Helpers,
    scene: &Scene<'_>,
) {
    let mut waiting: Vec<_> = rules.iter_mut().map(Some).collect();
    for step in steps {
        let taken = helpers.take(step.len() - 1);
        let mut turn: Vec<_> = step.iter().filter_map(|i| waiting[*i].take()).collect();
        if taken.count == 0 {
            turn.into_iter().for_each(|rule| rule.evaluate(scene));
            continue;
        }
        turn.reverse();
        let turn = Mutex::new(turn);
        let work = || {
            let next = || turn.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(rule) = next() {
                rule.evaluate(scene);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..taken.count {
                let helper = std::thread::Builder::new().name("rules".to_owned());
                if helper.spawn_scoped(scope, work).is_err() {
                    // Whoever is there does it alone.
                    break;
                }
            }
            work();
        });
    }
}
