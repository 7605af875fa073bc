#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::cluster;

fuzz_target!(|input: cluster::Input| cluster::check(&input));
