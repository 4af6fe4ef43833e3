//! What is asked, and what is told.

mod object;
mod target;
