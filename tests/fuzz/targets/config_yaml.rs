//! libFuzzer's door to `config_yaml`: see the crate for what it asks.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::config::yaml(data));
