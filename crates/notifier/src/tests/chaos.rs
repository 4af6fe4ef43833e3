//! Outages and reloads in any order: in the end, every Alertmanager knows the newest state of every
//! alert.

use super::world::{Manner, World, set};
use crate::{AlertmanagerSet, Options};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    /// These alerts have another state.
    Send(Vec<u8>),
    /// An Alertmanager behaves in another way.
    Behave(usize, Manner),
    /// Seconds go by.
    Pass(u64),
    /// The sets change places in the file.
    Swap,
    /// The second set has other settings.
    Change,
    /// The Alertmanager that is alone in its set comes back under another address.
    Move,
}

fn step() -> impl Strategy<Value = Step> {
    let manner = prop_oneof![
        Just(Manner::Take),
        Just(Manner::Down),
        Just(Manner::Hang),
        Just(Manner::Slow(Duration::from_secs(3))),
        Just(Manner::Answer("500 Internal Server Error", "")),
        Just(Manner::Answer("429 Too Many Requests", "Retry-After: 3\r\n")),
    ];
    prop_oneof![
        6 => prop::collection::vec(0..6_u8, 1..5).prop_map(Step::Send),
        4 => (0..3_usize, manner).prop_map(|(who, manner)| Step::Behave(who, manner)),
        4 => (0..40_u64).prop_map(Step::Pass),
        1 => Just(Step::Swap),
        1 => Just(Step::Change),
        1 => Just(Step::Move),
    ]
}

/// What the configuration and discovery say.
struct Place {
    is_swapped: bool,
    timeout_seconds: u64,
    moved: usize,
}

impl Place {
    /// Two in the first set, and one that moves in the second.
    fn addresses(&self) -> [String; 3] {
        ["a:1".into(), "b:1".into(), format!("c:{}", self.moved)]
    }

    fn tell(&self, world: &World) {
        let (first, second) = if self.is_swapped { ("s-1", "s-0") } else { ("s-0", "s-1") };
        let timeout = Duration::from_secs(self.timeout_seconds);
        let mut sets = [set(first), AlertmanagerSet { timeout, ..set(second) }];
        sets.sort_by(|a, b| a.name.cmp(&b.name));
        world.apply(sets);
        let [a, b, c] = self.addresses();
        world.discover(&[(first, &[&a, &b]), (second, &[&c])]);
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::with(Options { batch_size: 2, ..Options::default() });
    let mut place = Place { is_swapped: false, timeout_seconds: 5, moved: 0 };
    let mut manners = [Manner::Take, Manner::Take, Manner::Take];
    let mut newest = BTreeMap::new();
    place.tell(&world);
    for (state, step) in (0..).zip(steps) {
        match step {
            Step::Send(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("A{name}")).collect();
                let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), state)).collect();
                world.send(&alerts);
                newest.extend(names.into_iter().map(|name| (name, state)));
            }
            Step::Behave(who, manner) => manners[who] = manner,
            Step::Pass(seconds) => world.pass(seconds).await,
            Step::Swap => {
                place.is_swapped = !place.is_swapped;
                place.tell(&world);
            }
            Step::Change => {
                place.timeout_seconds += 1;
                place.tell(&world);
            }
            Step::Move => {
                world.alertmanagers.set(&place.addresses()[2], Manner::Down);
                place.moved += 1;
                place.tell(&world);
            }
        }
        for (address, manner) in place.addresses().iter().zip(&manners) {
            world.alertmanagers.set(address, manner.clone());
        }
    }
    for address in place.addresses() {
        world.alertmanagers.set(&address, Manner::Take);
    }
    world.pass(60).await;
    let newest: BTreeMap<_, _> =
        newest.into_iter().map(|(name, state)| (name, state.to_string())).collect();
    let [a, b, _] = place.addresses();
    let all_that_moved: Vec<_> = (0..=place.moved).map(|moved| format!("c:{moved}")).collect();
    for who in [vec![a], vec![b], all_that_moved] {
        let mut known = BTreeMap::new();
        for told in who.iter().flat_map(|address| world.alertmanagers.taken(address)).flatten() {
            let (name, state) = told.split_once('=').expect("as shown");
            known.insert(name.to_owned(), state.to_owned());
        }
        prop_assert_eq!(&known, &newest, "{:?}", who);
    }
    for address in place.addresses() {
        prop_assert_eq!(world.metric(&format!("queue_length {address}")), Some(0.0));
        prop_assert_eq!(world.metric(&format!("dropped_total {address}")), Some(0.0));
    }
    prop_assert!(world.notifier.shutdown(Duration::from_secs(1)).await);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_newest_state_arrives(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps))?;
    }
}
