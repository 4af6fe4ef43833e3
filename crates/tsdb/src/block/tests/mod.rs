//! Blocks against maps.

mod damage;
pub(crate) mod model_block;
mod round_trip;
