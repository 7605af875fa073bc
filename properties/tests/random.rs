//! The properties, tried with inputs that are the same in each run.

use properties::{cluster, cluster_codec, packets, random, server, websocket};

#[test]
fn packets_are_refused_or_come_back() {
    random(20_000).for_each(|input| packets::check(&input));
}

#[test]
fn a_server_outlives_its_clients() {
    random(400).for_each(|input| server::check(&input));
}

#[test]
fn messages_of_nodes_are_refused_or_come_back() {
    random(5000).for_each(|input| cluster_codec::check(&input));
}

#[test]
fn a_cluster_outlives_its_bus() {
    random(200).for_each(|input| cluster::check(&input));
}

#[test]
fn websockets_are_refused_or_deliver_what_was_sent() {
    random(1500).for_each(|input| websocket::check(&input));
}
