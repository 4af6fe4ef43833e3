//! Rushlight: the binary.
fn main() {}
