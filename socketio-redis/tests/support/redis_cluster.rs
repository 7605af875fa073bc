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
        follows(&nodes[REPLICA]);
        for node in &nodes {
            eventually("all nodes know the replica", || {
                let nodes: String = node.query(&["CLUSTER", "NODES"]);
                nodes.contains("slave").then_some(())
            });
        }
        Some(Self(nodes))
    }

    pub(crate) fn target(&self) -> Target {
        Target::cluster(self.0.iter().map(RedisServer::url)).expect("URLs")
    }

    pub(crate) fn node(&mut self, index: usize) -> &mut RedisServer {
        &mut self.0[index]
    }

    /// The master that has the slot of a channel, once all that run agree on it.
    pub(crate) fn owner(&self, channel: &str) -> Option<usize> {
        let mut owners = self.running().map(|node| {
            let slot: i64 = node.query(&["CLUSTER", "KEYSLOT", channel]);
            let ranges: Vec<Vec<Value>> = node.query(&["CLUSTER", "SLOTS"]);
            let port = ranges.iter().find_map(|range| match &range[..] {
                [Value::Int(first), Value::Int(last), Value::Array(master), ..]
                    if (first..=last).contains(&&slot) =>
                {
                    master.get(1)
                }
                _ => None,
            })?;
            self.0.iter().position(|node| Value::Int(node.port.into()) == *port)
        });
        let owner = owners.next()??;
        owners.all(|other| other == Some(owner)).then_some(owner)
    }

    /// Gives the slot of a channel to another master.
    pub(crate) fn move_slot(&self, channel: &str, to: usize) {
        let slot: u16 = self.0[to].query(&["CLUSTER", "KEYSLOT", channel]);
        for node in [to, eventually("a master", || self.owner(channel))] {
            run(&self.0[node], &["SETSLOT", &slot.to_string(), "NODE", &id(&self.0[to])]);
        }
    }

    /// Has the replica take the place of its master, as is done before maintenance.
    pub(crate) fn fail_over(&self) {
        run(&self.0[REPLICA], &["FAILOVER"]);
        follows(&self.0[0]);
    }

    /// How many listen to a channel of a shard at the master that has it, once there is one.
    pub(crate) fn shard_subscribers(&self, channel: &str) -> usize {
        let owner = self.owner(channel).map(|owner| &self.0[owner]);
        let owner = owner.filter(|owner| owner.connection().is_some());
        owner.map_or(0, |owner| subscribers(owner, "SHARDNUMSUB", channel))
    }

    /// How many listen to a channel, at whichever node.
    pub(crate) fn subscribers(&self, channel: &str) -> usize {
        self.running().map(|node| subscribers(node, "NUMSUB", channel)).sum()
    }

    fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.0.iter().filter(|node| node.connection().is_some())
    }
}

fn subscribers(node: &RedisServer, kind: &str, channel: &str) -> usize {
    node.query::<(String, usize)>(&["PUBSUB", kind, channel]).1
}

/// Waits until a node is a replica that has all that its master has.
fn follows(node: &RedisServer) {
    eventually("the replica follows", || {
        let info: String = node.query(&["INFO", "replication"]);
        info.contains("master_link_status:up").then_some(())
    });
}

fn run(node: &RedisServer, command: &[&str]) {
    let _: Value = node.query(&[&["CLUSTER"], command].concat());
}

fn id(node: &RedisServer) -> String {
    node.query(&["CLUSTER", "MYID"])
}
