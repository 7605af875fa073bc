#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::server;

fuzz_target!(|input: server::Input| server::check(&input));
