#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokensense_fuzz::edit(bytes));
