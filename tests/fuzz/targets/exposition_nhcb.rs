//! libFuzzer's door to `exposition_nhcb`: see the crate for what it asks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::exposition::nhcb(data));
