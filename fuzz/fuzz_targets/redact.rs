#![no_main]

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| tokensense_fuzz::redact(input.0, input.1));
