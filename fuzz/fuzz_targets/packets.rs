#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::packets;

fuzz_target!(|input: packets::Input| packets::check(&input));
