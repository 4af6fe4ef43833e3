//! Blocks: immutable folders of a time range.
