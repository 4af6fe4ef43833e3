//! Blocks against maps.

mod damage;
pub(crate) mod model_block;
mod recorded;
mod round_trip;
