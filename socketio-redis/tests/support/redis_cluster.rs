use std::collections::HashMap;

use socketio_redis::{Target, redis::Value};

use super::{RedisServer, eventually, redis_server::free_port};

/// A Redis Cluster of the test's own: three masters that share the slots, and a replica of the first.
/// They take each other for dead after a second.
pub(crate) struct RedisCluster(Vec<RedisServer>);

const MASTERS: usize = 3;

/// The node that stands in for the first one.
pub(crate) const REPLICA: usize = MASTERS;

impl RedisCluster {
    /// Starts one. `None` as with a [`RedisServer`].
    pub(crate) fn start() -> Option<Self> {
        let bus_ports: Vec<_> = (0..=REPLICA).map(|_| free_port().to_string()).collect();
        let start = |bus_port: &String| {
            RedisServer::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                bus_port,
                "--cluster-node-timeout",
                "1000",
                // The others go on without one of them.
                "--cluster-require-full-coverage",
                "no",
                "--repl-diskless-sync-delay",
                "0",
            ])
        };
        let nodes: Vec<_> = bus_ports.iter().map_while(start).collect();
        let first = nodes.first()?.port.to_string();
        for (index, node) in nodes.iter().enumerate() {
            run(node, &["SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            if index < MASTERS {
                let [start, end] = [index, index + 1].map(|index| 16384 * index / MASTERS);
                run(node, &["ADDSLOTSRANGE", &start.to_string(), &(end - 1).to_string()]);
            }
            run(node, &["MEET", "127.0.0.1", &first, &bus_ports[0]]);
        }
        let known = format!("cluster_known_nodes:{}", nodes.len());
        for node in &nodes {
            eventually("all nodes know each other", || {
                let info: String = node.query(&["CLUSTER", "INFO"]);
                (info.contains("cluster_state:ok") && info.contains(&known)).then_some(())
            });
        }
        run(&nodes[REPLICA], &["REPLICATE", &id(&nodes[0])]);
        eventually("the replica follows", || {
            let info: String = nodes[REPLICA].query(&["INFO", "replication"]);
            info.contains("master_link_status:up").then_some(())
        });
        Some(Self(nodes))
    }

    pub(crate) fn target(&self) -> Target {
        Target::cluster(self.0.iter().map(RedisServer::url)).expect("URLs")
    }

    pub(crate) fn node(&mut self, index: usize) -> &mut RedisServer {
        &mut self.0[index]
    }

    /// The master that has the slot of a channel, as another one sees it.
    pub(crate) fn owner(&self, channel: &str) -> usize {
        let slot = self.slot(channel);
        let ranges: Vec<(u16, u16, Vec<Value>)> = self.0[1].query(&["CLUSTER", "SLOTS"]);
        let (.., master) = ranges
            .into_iter()
            .find(|(first, last, _)| (*first..=*last).contains(&slot))
            .expect("every slot has a master");
        let Value::Int(port) = master[1] else { panic!("no port: {master:?}") };
        self.0.iter().position(|node| i64::from(node.port) == port).expect("one of these")
    }

    /// Gives the slot of a channel to another master.
    pub(crate) fn move_slot(&self, channel: &str, to: usize) {
        let (slot, from) = (self.slot(channel).to_string(), self.owner(channel));
        for node in [to, from] {
            run(&self.0[node], &["SETSLOT", &slot, "NODE", &id(&self.0[to])]);
        }
    }

    /// Has the replica take the place of its master, as is done before maintenance.
    pub(crate) fn fail_over(&self) {
        run(&self.0[REPLICA], &["FAILOVER"]);
        let is_master = || self.0[REPLICA].query::<(String, i64, Vec<Value>)>(&["ROLE"]);
        eventually("the replica is a master", || (is_master().0 == "master").then_some(()));
    }

    /// How many listen to a channel, over all nodes that answer.
    pub(crate) fn subscribers(&self, kind: &str, channel: &str) -> usize {
        let nodes = self.0.iter().filter(|node| node.connection().is_some());
        let told =
            nodes.map(|node| node.query::<HashMap<String, usize>>(&["PUBSUB", kind, channel]));
        told.map(|told| told[channel]).sum()
    }

    fn slot(&self, channel: &str) -> u16 {
        self.0[1].query(&["CLUSTER", "KEYSLOT", channel])
    }
}

fn run(node: &RedisServer, command: &[&str]) {
    let _: Value = node.query(&[&["CLUSTER"], command].concat());
}

fn id(node: &RedisServer) -> String {
    node.query(&["CLUSTER", "MYID"])
}
