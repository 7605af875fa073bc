//! The masters of a Redis Cluster, of which each has a lane, and which of them has what.

use std::{
    collections::{HashMap, HashSet},
    mem,
    ops::RangeInclusive,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, RedisError, RedisResult, Value,
    cmd,
};
use tokio::{
    select,
    sync::{Notify, oneshot, watch},
    time,
};

use super::{
    LinkError, Shared,
    backoff::Backoff,
    lane::Lane,
    queue::{Outgoing, Queue},
    slots::{self, Address, SLOTS, slot},
    subscriptions::Subscription,
    target::{Endpoint, beside},
};

pub(super) struct Cluster {
    shared: Arc<Shared>,
    /// The nodes that were named.
    named: Vec<ConnectionInfo>,
    /// The slot whose master carries all that belongs to no slot, so that it keeps its order. It is
    /// at random, so that the nodes of a cluster of servers do not all burden the same master.
    home: u16,
    routes: RwLock<Routes>,
    /// What belongs to slots of which it is not known who has them.
    parked: Queue,
    /// Messages for which there was no room there, not yet reported.
    unreported: AtomicU64,
    /// Told when the routes may be wrong. The masters take a while to agree on what has changed, so
    /// they are asked more than once.
    doubted: Notify,
    /// Set when all lanes are to end.
    is_ending: watch::Sender<bool>,
}

#[derive(Default)]
struct Routes {
    /// For each slot, which of the masters has it. Empty as long as nothing is known.
    owners: Vec<Option<usize>>,
    masters: Vec<(Address, Arc<Lane>)>,
    /// Slots for which messages still go by the lane of the master that had them, until that tells
    /// where they are: they do not overtake what is on its way there. What belongs to no slot it goes
    /// on to take.
    leaving: HashMap<u16, Arc<Lane>>,
}

/// How a lane is one of a cluster.
pub(super) struct Membership {
    pub(super) cluster: Weak<Cluster>,
    pub(super) address: Address,
}

/// What Redis says when another master has a slot: `MOVED`.
pub(super) struct Redirect {
    slot: u16,
    to: Address,
}

/// How often the masters are asked which slots they have, where nothing else tells that it changed.
const CHECK: Duration = Duration::from_secs(30);

impl Cluster {
    /// Begins, on the runtime that this is called on.
    pub(super) fn start(named: Vec<ConnectionInfo>, shared: &Arc<Shared>) -> Arc<Self> {
        // Without randomness they burden the same master.
        let home = getrandom::u32().map_or(0, |random| random as u16 % SLOTS);
        let cluster = Arc::new(Self {
            shared: Arc::clone(shared),
            named,
            home,
            routes: RwLock::default(),
            parked: Queue::new(shared.options.queue_bytes),
            unreported: AtomicU64::new(0),
            doubted: Notify::new(),
            is_ending: watch::Sender::new(false),
        });
        tokio::spawn(Arc::clone(&cluster).run());
        cluster
    }

    /// Sends what belongs to the slot of a key, or to none.
    pub(super) fn send(&self, key: Option<&str>, mut outgoing: Outgoing) {
        outgoing.slot = key.map_or(self.home, slot);
        self.route(&self.routes(), outgoing);
    }

    pub(super) fn want(&self, subscription: Subscription, is_wanted: bool) {
        // Without a lane, it is wanted once there is one.
        if let Some(lane) = self.routes().lane(self.slot_of(&subscription)) {
            lane.want(subscription, is_wanted);
        }
    }

    /// Asks all masters that may know of a subscription.
    pub(super) fn ask(
        &self,
        subscription: &Subscription,
        command: &Cmd,
    ) -> Vec<oneshot::Receiver<Value>> {
        let routes = self.routes();
        match subscription {
            Subscription::Shard(channel) => routes
                .lane(slot(channel))
                .map(|lane| lane.ask(command.clone()))
                .into_iter()
                .collect(),
            Subscription::Channel(_) | Subscription::Pattern(_) => {
                routes.masters.iter().map(|(_, lane)| lane.ask(command.clone())).collect()
            }
        }
    }

    pub(super) async fn client(&self, key: &str) -> RedisResult<Client> {
        let lane = self.routes().lane(slot(key)).cloned();
        match lane {
            Some(lane) => lane.client().await,
            None => Err(unknown()),
        }
    }

    /// Whether it is known who has each slot, and all of them are connected.
    pub(super) fn is_connected(&self) -> bool {
        let routes = self.routes();
        !routes.owners.is_empty()
            && routes.owners.iter().all(Option::is_some)
            && routes.masters.iter().all(|(_, lane)| lane.is_connected())
    }

    pub(super) fn queued(&self) -> usize {
        let lanes: usize = self.routes().masters.iter().map(|(_, lane)| lane.queued()).sum();
        lanes + self.parked.len()
    }

    /// Ends, once what waits is sent if that can be.
    pub(super) fn end(&self) {
        self.is_ending.send_replace(true);
        // The runtime may be about to end as well, which is no outage to tell of.
        self.routes().masters.iter().for_each(|(_, lane)| lane.end());
    }

    /// The routes may be wrong.
    pub(super) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Sends on what `lane` was told belongs to other masters, and what waits there and does so, too,
    /// before all that follows.
    pub(super) fn send_on(&self, lane: &Lane, redirected: Vec<(Redirect, Outgoing)>) {
        let mut routes = self.write_routes();
        let mut moved = HashSet::new();
        for (Redirect { slot, to }, _) in &redirected {
            routes.set_owner(*slot, to);
            routes.leaving.remove(slot);
            moved.insert(*slot);
        }
        let waiting = lane.take_waiting(|outgoing| moved.contains(&outgoing.slot));
        for outgoing in redirected.into_iter().map(|(_, outgoing)| outgoing).chain(waiting) {
            self.route(&routes, outgoing);
        }
        drop(routes);
        self.doubt();
    }

    /// Subscribes elsewhere to what `lane` refused because another master has the slot.
    pub(super) fn subscribe_elsewhere(
        &self,
        Redirect { slot, to }: Redirect,
        lane: &Lane,
        subscription: Subscription,
    ) {
        let mut routes = self.write_routes();
        if let Some(sender) = routes.sender(slot).cloned() {
            routes.leaving.insert(slot, sender);
        }
        routes.set_owner(slot, &to);
        lane.want(subscription.clone(), false);
        if let Some(lane) = routes.lane(slot).filter(|_| self.shared.handlers.has(&subscription)) {
            lane.want(subscription, true);
        }
        drop(routes);
        self.doubt();
    }

    async fn run(self: Arc<Self>) {
        let mut is_ending = self.is_ending.subscribe();
        select! {
            () = self.keep_routes() => {}
            // The cluster itself has the sender.
            _ = is_ending.wait_for(|is_ending| *is_ending) => {}
        }
        let unsent = self.parked.close();
        self.shared.counters.lost(unsent.len() as u64);
        unsent.into_iter().for_each(|outgoing| outgoing.fail(LinkError::Closed));
        mem::take(&mut *self.write_routes()).masters.iter().for_each(|(_, lane)| lane.end());
    }

    async fn keep_routes(self: &Arc<Self>) {
        let mut backoff = Backoff::new(self.shared.options.max_reconnect_delay);
        let mut failures = 0_u32;
        loop {
            match self.ask_for_masters().await {
                Ok(masters) => self.apply(&masters),
                Err(error) => {
                    // The first try may be over before the application listens, and lanes tell for
                    // themselves.
                    failures = failures.saturating_add(1);
                    if failures == 2 && self.routes().masters.is_empty() {
                        (self.shared.report)(LinkError::Disconnected(error));
                    }
                }
            }
            let is_settled = self.is_connected() && backoff.is_at_max();
            let wait = if is_settled { CHECK } else { backoff.next() };
            select! {
                () = time::sleep(wait) => {}
                () = self.doubted.notified() => {
                    backoff.reset();
                    // What tells that something changed often tells more than once.
                    time::sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Asks one node after the other, those first to which there is a connection.
    async fn ask_for_masters(&self) -> RedisResult<Vec<(RangeInclusive<u16>, Address)>> {
        let mut known: Vec<_> = {
            let routes = self.routes();
            routes.masters.iter().map(|(at, lane)| (!lane.is_connected(), at.clone())).collect()
        };
        known.sort_by_key(|(is_away, _)| *is_away);
        let known = known.into_iter().map(|(_, address)| self.info(address));
        let mut error = unknown();
        for server in known.chain(self.named.iter().cloned()) {
            let asked = time::timeout(self.shared.options.connection_timeout, self.ask_at(server));
            match asked.await {
                Ok(Ok(masters)) => return Ok(masters),
                Ok(Err(refused)) => error = refused,
                Err(_) => error = RedisError::from((ErrorKind::Io, "connecting took too long")),
            }
        }
        Err(error)
    }

    async fn ask_at(
        &self,
        server: ConnectionInfo,
    ) -> RedisResult<Vec<(RangeInclusive<u16>, Address)>> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.shared.options.connection_timeout))
            .set_response_timeout(Some(self.shared.options.response_timeout));
        let host = host(&server);
        let client = Endpoint::Server(server).client().await?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let reply = cmd("CLUSTER").arg("SLOTS").query_async(&mut connection).await?;
        slots::masters(&reply, &host).ok_or_else(unknown)
    }

    /// Takes what a node told.
    fn apply(self: &Arc<Self>, ranges: &[(RangeInclusive<u16>, Address)]) {
        let mut routes = self.write_routes();
        let former = mem::take(&mut *routes);
        routes.owners = vec![None; usize::from(SLOTS)];
        for (range, address) in ranges {
            let is_of = |(master, _): &&(Address, _)| master == address;
            let index = routes.masters.iter().position(|master| is_of(&master));
            let index = index.unwrap_or_else(|| {
                let known = former.masters.iter().find(is_of).cloned();
                let master = known.unwrap_or_else(|| (address.clone(), self.lane(address)));
                routes.masters.push(master);
                routes.masters.len() - 1
            });
            let (first, last) = (usize::from(*range.start()), usize::from(*range.end()));
            routes.owners[first..=last].fill(Some(index));
        }
        for slot in 0..SLOTS {
            if let Some(sender) = former.sender(slot)
                && routes.has(sender)
                && sender.is_connected()
                && !routes.lane(slot).is_some_and(|owner| Arc::ptr_eq(owner, sender))
            {
                routes.leaving.insert(slot, Arc::clone(sender));
            }
        }
        let gone = former.masters.iter().filter(|(_, lane)| !routes.has(lane));
        let unsent: Vec<_> = gone.flat_map(|(_, lane)| lane.retire()).collect();
        let is_as_before = routes.owners == former.owners
            && routes.masters.iter().map(|(at, _)| at).eq(former.masters.iter().map(|(at, _)| at));
        if !is_as_before {
            self.resubscribe(&routes);
        }
        for outgoing in unsent.into_iter().chain(self.parked.take()) {
            self.route(&routes, outgoing);
        }
        drop(routes);
        let messages = self.unreported.swap(0, Relaxed);
        if messages > 0 {
            (self.shared.report)(LinkError::Lost { messages });
        }
    }

    /// Has each lane subscribed to what belongs to it, and to nothing else.
    fn resubscribe(&self, routes: &Routes) {
        let wanted = self.shared.handlers.all();
        for (_, lane) in &routes.masters {
            for subscription in lane.wanted() {
                let owner = routes.lane(self.slot_of(&subscription));
                let is_owner = owner.is_some_and(|owner| Arc::ptr_eq(owner, lane));
                if !is_owner || !wanted.contains(&subscription) {
                    lane.want(subscription, false);
                }
            }
        }
        for subscription in wanted {
            if let Some(lane) = routes.lane(self.slot_of(&subscription)) {
                lane.want(subscription, true);
            }
        }
    }

    fn route(&self, routes: &Routes, outgoing: Outgoing) {
        match routes.sender(outgoing.slot) {
            Some(lane) => lane.send(outgoing),
            None if self.parked.push(outgoing) => {}
            None => {
                self.shared.counters.lost(1);
                self.unreported.fetch_add(1, Relaxed);
            }
        }
    }

    fn lane(self: &Arc<Self>, address: &Address) -> Arc<Lane> {
        let membership = Membership { cluster: Arc::downgrade(self), address: address.clone() };
        Lane::start(Endpoint::Server(self.info(address.clone())), Some(membership), &self.shared)
    }

    /// How to connect to a node: as to those that were named.
    fn info(&self, Address { host, port }: Address) -> ConnectionInfo {
        beside(&self.named[0], host, port)
    }

    fn slot_of(&self, subscription: &Subscription) -> u16 {
        match subscription {
            Subscription::Shard(channel) => slot(channel),
            Subscription::Channel(_) | Subscription::Pattern(_) => self.home,
        }
    }

    fn routes(&self) -> RwLockReadGuard<'_, Routes> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_routes(&self) -> RwLockWriteGuard<'_, Routes> {
        self.routes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Routes {
    fn lane(&self, slot: u16) -> Option<&Arc<Lane>> {
        let owner = (*self.owners.get(usize::from(slot))?)?;
        self.masters.get(owner).map(|(_, lane)| lane)
    }

    /// By which lane messages go.
    fn sender(&self, slot: u16) -> Option<&Arc<Lane>> {
        self.leaving.get(&slot).or_else(|| self.lane(slot))
    }

    fn has(&self, lane: &Arc<Lane>) -> bool {
        self.masters.iter().any(|(_, other)| Arc::ptr_eq(other, lane))
    }

    /// Takes what a master said of one slot. Where it is at one that is not known yet, it waits until
    /// the masters are asked.
    fn set_owner(&mut self, slot: u16, to: &Address) {
        let index = self.masters.iter().position(|(address, _)| address == to);
        if let Some(owner) = self.owners.get_mut(usize::from(slot)) {
            *owner = index;
        }
    }
}

impl Redirect {
    /// What an error says, if it is one of a member.
    pub(super) fn read(error: &RedisError, from: &Membership) -> Option<Self> {
        let (to, slot) = error.redirect_node()?;
        let to = Address::read(to, &from.address.host)?;
        (slot < SLOTS && to != from.address).then_some(Self { slot, to })
    }
}

fn host(server: &ConnectionInfo) -> String {
    match server.addr() {
        redis::ConnectionAddr::Tcp(host, _) | redis::ConnectionAddr::TcpTls { host, .. } => {
            host.clone()
        }
        // A cluster is never behind one.
        _ => String::new(),
    }
}

fn unknown() -> RedisError {
    RedisError::from((ErrorKind::Io, "no node tells which masters there are"))
}
