//! Blocks against maps.

mod damage;
mod model_block;
mod round_trip;
