//! Every target for a bounded time: its seeds and former finds, mutations of them, random bytes.

use std::path::Path;

use fuzz::{TARGETS, Target};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Seeds of a target: the files of its folder.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz").join(name);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    paths.sort();
    let seeds = paths.into_iter().map(|path| std::fs::read(path).expect("a readable seed"));
    seeds.collect()
}

/// A change of an input.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\n\"\\{}#=, \0\x80\xff0e"[..])];
    prop_oneof![
        4 => (at(), byte).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), proptest::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at(), 1..20usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), 1..60usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => at().prop_map(Change::Cut),
    ]
}

fn apply(input: &mut Vec<u8>, change: Change) {
    let place = |at: prop::sample::Index, input: &[u8]| at.index(input.len() + 1);
    match change {
        Change::Set(at, byte) => {
            let at = place(at, input);
            if let Some(old) = input.get_mut(at) {
                *old = byte;
            }
        }
        Change::Insert(at, bytes) => {
            let at = place(at, input);
            input.splice(at..at, bytes);
        }
        Change::Remove(at, count) => {
            let at = place(at, input);
            let end = input.len().min(at + count);
            input.drain(at..end);
        }
        Change::Repeat(at, count) => {
            let at = place(at, input);
            let part = input[at..input.len().min(at + count)].to_vec();
            input.splice(at..at, part);
        }
        Change::Cut(at) => {
            let at = place(at, input);
            input.truncate(at);
        }
    }
}

fn run(target: &Target) {
    let (name, function) = target;
    let seeds = seeds(name);
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|seed| function(seed));
    let runs: u32 =
        std::env::var("FUZZ_RUNS").map_or(200, |runs| runs.parse().expect("FUZZ_RUNS is a number"));
    let cases = runs * u32::try_from(seeds.len()).expect("few seeds");
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mutated = (prop::sample::select(seeds), proptest::collection::vec(change(), 1..6))
        .prop_map(|(mut input, changes)| {
            changes.into_iter().for_each(|change| apply(&mut input, change));
            input
        });
    let random = proptest::collection::vec(any::<u8>(), 0..200);
    let inputs = prop_oneof![9 => mutated, 1 => random];
    let result = TestRunner::new(config).run(&inputs, |input| {
        function(&input);
        Ok(())
    });
    println!("{name}: {cases} inputs");
    result.unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn all_targets() {
    TARGETS.iter().for_each(run);
}
