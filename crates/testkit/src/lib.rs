//! Tests only: storage in plain memory, the slow and obvious version of what `tsdb` does.

mod memory;

pub use memory::MemoryStore;
