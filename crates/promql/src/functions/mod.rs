//! The arithmetic of functions: numbers in, numbers out; nothing here knows series, steps' columns
//! or the store.

pub(crate) mod buckets;
pub(crate) mod edges;
pub(crate) mod kahan;
pub(crate) mod math;
pub(crate) mod mixed;
pub(crate) mod native;
pub(crate) mod natural;
pub(crate) mod over_time;
pub(crate) mod quantile;
pub(crate) mod rate;
pub(crate) mod regression;
pub(crate) mod time;
pub(crate) mod window;
