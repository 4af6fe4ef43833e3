//! What people read.

mod object;
mod target;
