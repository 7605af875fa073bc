//! The load on two nodes of a cluster.

use std::{thread, time::Duration};

use crate::{
    Result, Span,
    across::{self, Member},
    caller::Caller,
    exchange::Exchange,
    figures::{self, Figures},
    generator::Generator,
    process::own_cpu,
    redis::{Redis, Traffic},
    run::now,
    scenario::{Across, Message, Way},
    server::{Contender, Launcher, Server},
    tally::Tally,
};

/// Two nodes, and the Redis between them.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Whose clients send.
    near: Server,
    far: Server,
    redis: Redis,
}

impl Cluster {
    pub(crate) fn start(launcher: &Launcher, contender: &Contender) -> Result<Self> {
        let redis = launcher.start_redis()?;
        let [near, far] = [(); 2].map(|()| launcher.start_node(contender, &redis));
        Ok(Self { near: near?, far: far?, redis })
    }

    /// The ids of all processes.
    pub(crate) fn ids(&self) -> [u32; 3] {
        [&self.near.process, &self.far.process, &self.redis.process].map(|process| process.id())
    }

    pub(crate) fn end(mut self) -> Result<()> {
        self.near.process.end()?;
        self.far.process.end()?;
        self.redis.process.end()
    }

    /// Has events sent to rooms on the near node, and waits for them on both.
    pub(crate) fn fanout(&mut self, across: Across, span: Span) -> Result<Figures> {
        let members = across.members();
        let mut load = Generator::open(members.len(), |index| {
            let Member { room, is_far } = members[index];
            let node = if is_far { &self.far } else { &self.near };
            let mut caller = Caller::websocket(node.route(index)?, Way::Direct)?;
            if let Message::Room(_) = across.message {
                caller.join(room)?;
            }
            Ok(caller)
        })?;
        // An adapter may have to subscribe to the rooms, which no client is told of.
        thread::sleep(SETTLING);
        load.rooms = members.iter().map(|member| member.room).collect();
        let exchange = |room| Exchange::frames(&[(across.message, across.in_flight)], room);
        load.exchanges.extend((0..across.rooms).map(exchange));
        let mut course = across::Fanout::new(across, now());
        for slot in 0..across.in_flight {
            load.send(course.send(slot, now()), slot)?;
        }
        let mut run = |duration: Duration| -> Result<Run> {
            let (mut tally, start, sent) = (Tally::new(), now(), course.sent);
            while start.elapsed() < duration {
                load.turn(&mut course, &mut tally)?;
            }
            Ok(Run { tally, elapsed: start.elapsed(), messages: course.sent - sent })
        };
        run(span.warmup)?;
        let before = self.used()?;
        let ((run, far), near) = self.near.count(|| self.far.count(|| run(span.measured)))?;
        if let (Some(near), Some(far)) = (near, far) {
            return Ok(Figures::ClusterInstructions(run.instructions(near, far)));
        }
        let used = self.used()?.since(before);
        // Each node has its part of them.
        let connections = self.redis.connections()? as f64 / 2.0;
        Ok(Figures::Cluster(run.figures(used, connections)))
    }

    fn used(&mut self) -> Result<Used> {
        Ok(Used {
            near: self.near.process.cpu()?,
            far: self.far.process.cpu()?,
            redis: self.redis.process.cpu()?,
            own: own_cpu()?,
            traffic: self.redis.traffic()?,
        })
    }
}

/// How long nodes are left alone before the load.
const SETTLING: Duration = Duration::from_millis(300);

/// What was done in a while.
struct Run {
    tally: Tally,
    elapsed: Duration,
    messages: u64,
}

/// What that took.
struct Used {
    near: Duration,
    far: Duration,
    redis: Duration,
    own: Duration,
    traffic: Traffic,
}

impl Used {
    fn since(self, before: Self) -> Self {
        let (traffic, earlier) = (self.traffic, before.traffic);
        Self {
            near: self.near - before.near,
            far: self.far - before.far,
            redis: self.redis - before.redis,
            own: self.own - before.own,
            traffic: Traffic {
                published: traffic.published - earlier.published,
                bytes_in: traffic.bytes_in - earlier.bytes_in,
                bytes_out: traffic.bytes_out - earlier.bytes_out,
            },
        }
    }
}

impl Run {
    fn instructions(&self, near: u64, far: u64) -> figures::ClusterInstructions {
        let per_message = |count: u64| count as f64 / self.messages as f64;
        figures::ClusterInstructions {
            near_instructions: per_message(near),
            far_instructions: per_message(far),
            messages: self.messages,
        }
    }

    fn figures(&self, used: Used, connections_per_node: f64) -> figures::Cluster {
        let messages = self.messages as f64;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let share = |time: Duration| time.as_secs_f64() / self.elapsed.as_secs_f64();
        let per_second = |count: u64| count as f64 / self.elapsed.as_secs_f64();
        let operations = self.tally.operations;
        figures::Cluster {
            near_us: micros(used.near) / messages,
            far_us: micros(used.far) / messages,
            redis_us: micros(used.redis) / messages,
            delivery_us: micros(used.near + used.far) / operations as f64,
            messages_per_second: per_second(self.messages),
            deliveries_per_second: per_second(operations),
            latency: self.tally.latency.latency(),
            far_latency: self.tally.deliveries.latency(),
            published_per_message: used.traffic.published as f64 / messages,
            bytes_to_redis: used.traffic.bytes_in as f64 / messages,
            bytes_from_redis: used.traffic.bytes_out as f64 / messages,
            connections_per_node,
            near_busy: share(used.near),
            far_busy: share(used.far),
            redis_busy: share(used.redis),
            load_busy: share(used.own),
        }
    }
}
