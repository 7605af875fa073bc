#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::websocket;

fuzz_target!(|input: websocket::Input| websocket::check(&input));
