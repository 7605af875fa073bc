#![no_main]

use libfuzzer_sys::fuzz_target;
use properties::cluster_codec;

fuzz_target!(|input: cluster_codec::Input| cluster_codec::check(&input));
