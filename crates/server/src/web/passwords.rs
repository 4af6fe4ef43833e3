//! `basic_auth_users`: names, bcrypt hashes, and who has shown the right password.
//!
//! A hash is slow on purpose, so what came out of it is remembered, by a keyed digest of name,
//! password and hash: no password stays in memory, and a changed hash is asked again. Good and bad
//! pairs are remembered apart, both with a bound, so that guesses never push out users. An unknown
//! name costs the same work as a known one.

use super::file::{Fault, Placed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use http::HeaderValue;
use ring::hmac;
use ring::rand::SystemRandom;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// A hash of this cost takes some ten seconds; above it a wrong password would be an attack.
const MAX_COST: u32 = 18;
/// What an unknown name is compared with when there is no user: never asked.
const DEFAULT_COST: u32 = 10;
/// Pairs remembered, of each kind.
const REMEMBERED: usize = 256;
/// Requests that wait for a hash; beyond them they are refused.
const MAX_WAITING: usize = 256;
/// Those of one client: whoever guesses does not keep the others out.
const MAX_WAITING_OF_ONE: usize = 64;

/// Users and their hashes.
pub(super) struct Users {
    hashes: BTreeMap<String, String>,
    /// The hash of nobody: of the users' highest cost, and no password fits.
    nobody: String,
}

impl Default for Users {
    fn default() -> Self {
        Self { hashes: BTreeMap::new(), nobody: nobody(DEFAULT_COST) }
    }
}

fn nobody(cost: u32) -> String {
    format!("$2b${cost:02}${}{}", ".".repeat(22), ".".repeat(31))
}

impl Users {
    pub(super) fn resolve(section: BTreeMap<String, Placed<String>>) -> Result<Self, Fault> {
        let mut costs = Vec::new();
        for (user, hash) in &section {
            let cost = match hash.value.parse::<HashParts>() {
                Ok(parts) => parts.get_cost(),
                Err(_) => {
                    let message = format!("user {user:?}: the password is not a hash of bcrypt");
                    return Err(Fault::at(hash, message));
                }
            };
            if !(4..=MAX_COST).contains(&cost) {
                let message = format!("user {user:?}: cost {cost} is not from 4 to {MAX_COST}");
                return Err(Fault::at(hash, message));
            }
            costs.push(cost);
        }
        Ok(Self {
            hashes: section.into_iter().map(|(user, hash)| (user, hash.value)).collect(),
            nobody: nobody(costs.into_iter().max().unwrap_or(DEFAULT_COST)),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Granted,
    Denied,
    /// Too many wait to be asked.
    Busy,
}

/// Remembers, over changes of the file.
pub(super) struct Passwords {
    key: hmac::Key,
    good: Mutex<Memory>,
    bad: Mutex<Memory>,
    /// Hashes computed at once.
    turns: Semaphore,
    waiting: Mutex<Lines>,
}

/// Who waits, by client.
type Lines = BTreeMap<Option<IpAddr>, Line>;

/// The requests of one client that wait, of which one at a time waits beside other clients.
struct Line {
    waiting: usize,
    first: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .expect("the system gives random bytes");
        // Half the processors at most are for passwords.
        let turns = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
        let turns = Semaphore::new(turns);
        let (good, bad) = (Mutex::default(), Mutex::default());
        Self { key, good, bad, turns, waiting: Mutex::default() }
    }

    /// Looks at what a request shows. Cancel safe.
    pub(super) async fn judge(
        &self,
        users: &Users,
        shown: Option<&HeaderValue>,
        client: Option<IpAddr>,
    ) -> Verdict {
        let Some((user, password)) = shown.and_then(credentials) else { return Verdict::Denied };
        let known = users.hashes.get(&user);
        let hash = known.unwrap_or(&users.nobody);
        let pair = self.digest(&[user.as_bytes(), hash.as_bytes(), &password]);
        if let Some(verdict) = self.remembered(&pair) {
            return verdict;
        }
        let Some(place) = self.queue(client) else { return Verdict::Busy };
        let _first = place.first.acquire().await.expect("never closed");
        let _turn = self.turns.acquire().await.expect("never closed");
        // Another request of the same client may have asked meanwhile.
        if let Some(verdict) = self.remembered(&pair) {
            return verdict;
        }
        let (hash, is_known) = (hash.clone(), known.is_some());
        let fits = tokio::task::spawn_blocking(move || bcrypt::verify(&password, &hash)).await;
        let granted = matches!(fits, Ok(Ok(true))) && is_known;
        lock(if granted { &self.good } else { &self.bad }).insert(pair);
        if granted { Verdict::Granted } else { Verdict::Denied }
    }

    fn remembered(&self, pair: &[u8; 32]) -> Option<Verdict> {
        if lock(&self.good).set.contains(pair) {
            return Some(Verdict::Granted);
        }
        lock(&self.bad).set.contains(pair).then_some(Verdict::Denied)
    }

    /// A digest of parts, each with its length in front.
    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn queue(&self, client: Option<IpAddr>) -> Option<Waiting<'_>> {
        let mut waiting = lock(&self.waiting);
        let all: usize = waiting.values().map(|line| line.waiting).sum();
        let own = waiting.get(&client).map_or(0, |line| line.waiting);
        if all >= MAX_WAITING || own >= MAX_WAITING_OF_ONE {
            return None;
        }
        let new = || Line { waiting: 0, first: Arc::new(Semaphore::new(1)) };
        let line = waiting.entry(client).or_insert_with(new);
        line.waiting += 1;
        Some(Waiting { waiting: &self.waiting, client, first: Arc::clone(&line.first) })
    }
}

/// A place among those who wait.
struct Waiting<'a> {
    waiting: &'a Mutex<Lines>,
    client: Option<IpAddr>,
    first: Arc<Semaphore>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(self.waiting);
        if let Some(line) = waiting.get_mut(&self.client) {
            line.waiting -= 1;
            if line.waiting == 0 {
                waiting.remove(&self.client);
            }
        }
    }
}

/// Pairs, the oldest forgotten first.
#[derive(Default)]
struct Memory {
    set: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Memory {
    fn insert(&mut self, pair: [u8; 32]) {
        if !self.set.insert(pair) {
            return;
        }
        self.order.push_back(pair);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Name and password of `Authorization: Basic`.
fn credentials(value: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, rest) = value.as_bytes().split_at_checked("Basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let pair = STANDARD.decode(rest).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(pair[..colon].to_vec()).ok()?;
    Some((user, pair[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(pairs: &[(&str, &str)]) -> Users {
        let hashes: BTreeMap<String, String> = pairs
            .iter()
            .map(|(user, password)| ((*user).to_owned(), bcrypt::hash(password, 4).unwrap()))
            .collect();
        Users { hashes, nobody: nobody(4) }
    }

    fn shown(pair: &str) -> HeaderValue {
        format!("Basic {}", STANDARD.encode(pair)).parse().unwrap()
    }

    #[tokio::test]
    async fn who_may_pass() {
        let (users, passwords) = (users(&[("alice", "a:b"), ("bob", "")]), Passwords::new());
        let check = async |value: Option<HeaderValue>, expected: Verdict| {
            // The second time out of memory.
            for _ in 0..2 {
                assert_eq!(
                    passwords.judge(&users, value.as_ref(), None).await,
                    expected,
                    "{value:?}"
                );
            }
        };
        check(Some(shown("alice:a:b")), Verdict::Granted).await;
        check(Some(shown("bob:")), Verdict::Granted).await;
        check(Some(shown("alice:a:c")), Verdict::Denied).await;
        check(Some(shown("carol:a:b")), Verdict::Denied).await;
        check(Some(shown("alice")), Verdict::Denied).await;
        check(Some("Basic ?".parse().unwrap()), Verdict::Denied).await;
        check(Some("Bearer x".parse().unwrap()), Verdict::Denied).await;
        check(Some("B".parse().unwrap()), Verdict::Denied).await;
        check(None, Verdict::Denied).await;
        let again = shown("alice:a:b").to_str().unwrap().replace("Basic", "bASIC");
        check(Some(again.parse().unwrap()), Verdict::Granted).await;
    }

    #[tokio::test]
    async fn a_changed_hash_is_asked_again() {
        let passwords = Passwords::new();
        let value = shown("alice:old");
        let before = users(&[("alice", "old")]);
        assert_eq!(passwords.judge(&before, Some(&value), None).await, Verdict::Granted);
        let after = users(&[("alice", "new")]);
        assert_eq!(passwords.judge(&after, Some(&value), None).await, Verdict::Denied);
        assert_eq!(passwords.judge(&before, Some(&value), None).await, Verdict::Granted);
    }

    #[tokio::test]
    async fn guesses_push_no_user_out_and_memory_is_bounded() {
        let (users, passwords) = (users(&[("alice", "x")]), Passwords::new());
        passwords.judge(&users, Some(&shown("alice:x")), None).await;
        for guess in 0..REMEMBERED + 50 {
            lock(&passwords.bad).insert(passwords.digest(&[&guess.to_le_bytes()]));
        }
        assert_eq!(lock(&passwords.bad).set.len(), REMEMBERED);
        assert_eq!(lock(&passwords.bad).order.len(), REMEMBERED);
        assert_eq!(lock(&passwords.good).set.len(), 1);
    }

    #[test]
    fn one_client_cannot_fill_the_queue() {
        let passwords = Passwords::new();
        let client = |last: u8| Some(IpAddr::from([10, 0, 0, last]));
        let places = |client| -> Vec<_> {
            std::iter::from_fn(|| passwords.queue(client)).take(2 * MAX_WAITING).collect()
        };
        let (first, second) = (places(client(1)), places(client(2)));
        assert_eq!((first.len(), second.len()), (MAX_WAITING_OF_ONE, MAX_WAITING_OF_ONE));
        let (third, fourth) = (places(client(3)), places(client(4)));
        assert_eq!(third.len() + fourth.len(), MAX_WAITING - 2 * MAX_WAITING_OF_ONE);
        assert!(passwords.queue(client(5)).is_none());
        drop((first, second, third, fourth));
        assert!(lock(&passwords.waiting).is_empty());
    }

    #[tokio::test]
    async fn clients_take_turns() {
        let hash = bcrypt::hash("x", 7).unwrap();
        let hashes = BTreeMap::from([("alice".to_owned(), hash)]);
        let users = Arc::new(Users { hashes, nobody: nobody(7) });
        let passwords = Arc::new(Passwords::new());
        let [guesser, other] = [1, 2].map(|last| Some(IpAddr::from([10, 0, 0, last])));
        let guesses: Vec<_> = (0..MAX_WAITING_OF_ONE)
            .map(|guess| {
                let (users, passwords) = (Arc::clone(&users), Arc::clone(&passwords));
                let guess = shown(&format!("alice:{guess}"));
                tokio::spawn(async move { passwords.judge(&users, Some(&guess), guesser).await })
            })
            .collect();
        while lock(&passwords.waiting).get(&guesser).map(|line| line.waiting) != Some(guesses.len())
        {
            tokio::task::yield_now().await;
        }
        let verdict = passwords.judge(&users, Some(&shown("alice:x")), other).await;
        assert_eq!(verdict, Verdict::Granted);
        assert!(lock(&passwords.bad).order.len() < guesses.len() / 2, "behind all guesses");
    }

    #[test]
    fn nobody_has_a_hash_that_can_be_compared() {
        assert!(!bcrypt::verify("", &nobody(4)).unwrap());
        assert_eq!(nobody(12).parse::<HashParts>().unwrap().get_cost(), 12);
    }
}
