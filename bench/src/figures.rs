use serde::Serialize;

/// What was measured in one run.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Figures {
    Cluster(Cluster),
    ClusterInstructions(ClusterInstructions),
    Drift(Drift),
    Instructions(Instructions),
    Load(Load),
    Memory(Memory),
}

/// What an event takes that is sent on one node, the near one, for clients on both.
#[derive(Debug, Serialize)]
pub(crate) struct Cluster {
    /// The near node's time per event, in user and kernel space.
    pub(crate) near_us: f64,
    pub(crate) far_us: f64,
    pub(crate) redis_us: f64,
    /// Both nodes' time per delivery.
    pub(crate) delivery_us: f64,
    pub(crate) messages_per_second: f64,
    pub(crate) deliveries_per_second: f64,
    /// Of deliveries on the near node.
    #[serde(flatten)]
    pub(crate) latency: Latency,
    pub(crate) far_latency: Latency,
    /// Messages that were given to Redis per event.
    pub(crate) published_per_message: f64,
    /// Per event.
    pub(crate) bytes_to_redis: f64,
    pub(crate) bytes_from_redis: f64,
    /// To Redis.
    pub(crate) connections_per_node: f64,
    /// The share of a core that it took.
    pub(crate) near_busy: f64,
    pub(crate) far_busy: f64,
    pub(crate) redis_busy: f64,
    pub(crate) load_busy: f64,
}

/// The same in instructions, per event.
#[derive(Debug, Serialize)]
pub(crate) struct ClusterInstructions {
    pub(crate) near_instructions: f64,
    pub(crate) far_instructions: f64,
    pub(crate) messages: u64,
}

/// By how much connections at rest make the server grow.
#[derive(Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) bytes_per_connection: f64,
}

/// What an operation takes, whatever the machine does at the time.
#[derive(Debug, Serialize)]
pub(crate) struct Instructions {
    pub(crate) instructions_per_operation: f64,
    pub(crate) operations: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Load {
    pub(crate) operations_per_second: f64,
    /// The server's time per operation, in user and kernel space.
    pub(crate) cpu_us: f64,
    #[serde(flatten)]
    pub(crate) latency: Latency,
    /// The share of replies that overtook another.
    pub(crate) overtook: f64,
    pub(crate) resident_bytes: u64,
    /// The share of a core that the server took.
    pub(crate) server_busy: f64,
    /// The share of a core that the load took.
    pub(crate) load_busy: f64,
}

/// A mixed load over a longer time.
#[derive(Debug, Serialize)]
pub(crate) struct Drift {
    #[serde(flatten)]
    pub(crate) whole: Window,
    pub(crate) resident_bytes_at_start: u64,
    /// Equal parts of the whole.
    pub(crate) windows: Vec<Window>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Window {
    /// Its latency is that of echoes.
    #[serde(flatten)]
    pub(crate) load: Load,
    pub(crate) deliveries: Latency,
    /// How long after their time events were sent.
    pub(crate) late: Latency,
}

#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
}

/// A figure as the tables have it: its name, how many decimals it is given with, and its value.
pub(crate) type Column = (&'static str, usize, f64);

impl Figures {
    /// How many of the columns servers are compared by, which are the first.
    pub(crate) fn costs(&self) -> usize {
        match self {
            Self::Cluster(_) | Self::ClusterInstructions(_) => 2,
            Self::Drift(_) | Self::Instructions(_) | Self::Load(_) | Self::Memory(_) => 1,
        }
    }

    pub(crate) fn columns(&self) -> Vec<Column> {
        match self {
            Self::Cluster(cluster) => cluster.columns(),
            Self::ClusterInstructions(cluster) => vec![
                ("near node, instructions per event", 0, cluster.near_instructions),
                ("far node, instructions per event", 0, cluster.far_instructions),
                ("events", 0, cluster.messages as f64),
            ],
            Self::Drift(Drift { whole, .. }) => {
                let mut columns = whole.load.columns();
                columns.extend([
                    ("delivery p50, ms", 2, whole.deliveries.p50_ms),
                    ("delivery p99, ms", 2, whole.deliveries.p99_ms),
                    ("delivery p999, ms", 2, whole.deliveries.p999_ms),
                    ("sent late p99, ms", 2, whole.late.p99_ms),
                ]);
                columns
            }
            Self::Instructions(Instructions { instructions_per_operation, operations }) => vec![
                ("instructions per operation", 0, *instructions_per_operation),
                ("operations", 0, *operations as f64),
            ],
            Self::Load(load) => load.columns(),
            Self::Memory(Memory { bytes_per_connection }) => {
                vec![("bytes per connection", 0, *bytes_per_connection)]
            }
        }
    }

    /// How the first and the last window differ, where there are some.
    pub(crate) fn drift(&self) -> Vec<Column> {
        let Self::Drift(Drift { resident_bytes_at_start, windows, .. }) = self else {
            return Vec::new();
        };
        let [Some(first), Some(last)] = [windows.first(), windows.last()] else {
            return Vec::new();
        };
        vec![
            ("CPU at first, µs", 2, first.load.cpu_us),
            ("at last", 2, last.load.cpu_us),
            ("p99 at first, ms", 2, first.load.latency.p99_ms),
            ("at last", 2, last.load.latency.p99_ms),
            ("delivery p99 at first, ms", 2, first.deliveries.p99_ms),
            ("at last", 2, last.deliveries.p99_ms),
            ("resident at start, MB", 1, *resident_bytes_at_start as f64 / 1e6),
            ("at end", 1, last.load.resident_bytes as f64 / 1e6),
        ]
    }
}

impl Cluster {
    fn columns(&self) -> Vec<Column> {
        vec![
            ("near node, µs per event", 2, self.near_us),
            ("far node, µs per event", 2, self.far_us),
            ("Redis, µs per event", 2, self.redis_us),
            ("nodes, µs per delivery", 2, self.delivery_us),
            ("events/s", 0, self.messages_per_second),
            ("deliveries/s", 0, self.deliveries_per_second),
            ("p50, ms", 2, self.latency.p50_ms),
            ("p99, ms", 2, self.latency.p99_ms),
            ("far p50, ms", 2, self.far_latency.p50_ms),
            ("far p99, ms", 2, self.far_latency.p99_ms),
            ("published per event", 2, self.published_per_message),
            ("bytes to Redis per event", 0, self.bytes_to_redis),
            ("from Redis", 0, self.bytes_from_redis),
            ("connections per node", 1, self.connections_per_node),
            ("near node busy, %", 0, self.near_busy * 100.0),
            ("far node busy, %", 0, self.far_busy * 100.0),
            ("Redis busy, %", 0, self.redis_busy * 100.0),
            ("load busy, %", 0, self.load_busy * 100.0),
        ]
    }
}

impl Load {
    fn columns(&self) -> Vec<Column> {
        vec![
            ("CPU, µs per operation", 2, self.cpu_us),
            ("operations/s", 0, self.operations_per_second),
            ("p50, ms", 2, self.latency.p50_ms),
            ("p99, ms", 2, self.latency.p99_ms),
            ("p999, ms", 2, self.latency.p999_ms),
            ("overtook, %", 2, self.overtook * 100.0),
            ("resident, MB", 1, self.resident_bytes as f64 / 1e6),
            ("server busy, %", 0, self.server_busy * 100.0),
            ("load busy, %", 0, self.load_busy * 100.0),
        ]
    }
}
