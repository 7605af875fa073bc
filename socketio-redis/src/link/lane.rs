//! Two connections to one server, one that publishes and one that is subscribed, which are made and
//! lost together: what waited goes out only once what comes can be heard.

use std::{
    collections::VecDeque,
    mem,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
    vec,
};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError,
    RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd, from_redis_value,
};
use tokio::{
    select,
    sync::{Notify, oneshot, watch},
    time::{self, Instant},
};

use super::{
    LinkError, Shared,
    backoff::Backoff,
    cluster::{Cluster, Membership, Redirect},
    queue::{Outgoing, Queue},
    subscriptions::{MAX_CHANGES, Question, Subscription, Wanted},
    target::Endpoint,
};

/// A server, what waits to be sent to it, and what it is to be subscribed to.
pub(super) struct Lane {
    endpoint: Endpoint,
    /// In a Redis Cluster.
    membership: Option<Membership>,
    shared: Arc<Shared>,
    queue: Queue,
    wanted: Wanted,
    is_connected: AtomicBool,
    /// What Redis has said of itself.
    heard: AtomicU64,
    /// Messages that were lost and not yet reported.
    unreported: AtomicU64,
    /// Set when the lane is to end once nothing waits any more.
    is_ending: watch::Sender<bool>,
}

/// How often a command goes on to another master before it counts as refused.
const MAX_REDIRECTS: u8 = 5;

impl Lane {
    /// Begins, on the runtime that this is called on.
    pub(super) fn start(
        endpoint: Endpoint,
        membership: Option<Membership>,
        shared: &Arc<Shared>,
    ) -> Arc<Self> {
        let lane = Arc::new(Self {
            endpoint,
            membership,
            queue: Queue::new(shared.options.queue_bytes),
            shared: Arc::clone(shared),
            wanted: Wanted::default(),
            is_connected: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            unreported: AtomicU64::new(0),
            is_ending: watch::Sender::new(false),
        });
        tokio::spawn(Arc::clone(&lane).run());
        lane
    }

    pub(super) fn send(&self, outgoing: Outgoing) {
        // Who waits for an answer is told.
        let is_awaited = outgoing.reply.is_some();
        if !self.queue.push(outgoing) && !is_awaited {
            self.lose(1);
        }
    }

    pub(super) fn want(&self, subscription: Subscription, is_wanted: bool) {
        self.wanted.set(subscription, is_wanted);
    }

    /// Asks something once what is wanted is subscribed to. There is no answer while there is no
    /// connection.
    pub(super) fn ask(&self, command: Cmd) -> oneshot::Receiver<Value> {
        let (answer, receiver) = oneshot::channel();
        if self.is_connected() {
            self.wanted.ask(Question { command, answer });
        }
        receiver
    }

    /// Ends, once what waits is sent if that can be.
    pub(super) fn end(&self) {
        self.is_ending.send_replace(true);
    }

    /// Ends, and gives what waits.
    pub(super) fn retire(&self) -> VecDeque<Outgoing> {
        self.end();
        self.queue.close()
    }

    /// Takes out what waits and is meant.
    pub(super) fn take_waiting(&self, is_meant: impl Fn(&Outgoing) -> bool) -> Vec<Outgoing> {
        self.queue.take_if(is_meant)
    }

    pub(super) fn wanted(&self) -> Vec<Subscription> {
        self.wanted.all()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.is_connected.load(Relaxed)
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) async fn client(&self) -> RedisResult<Client> {
        self.endpoint.client().await
    }

    async fn run(self: Arc<Self>) {
        let mut backoff = Backoff::new(self.shared.options.max_reconnect_delay);
        let (mut outage, mut peer) = (None, None);
        loop {
            let mut connected = None;
            let error = match self.connect(&mut peer).await {
                Ok(session) => {
                    connected = Some(Instant::now());
                    self.connected(outage.take());
                    match session.run().await {
                        Ok(()) => break,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            let lasted = connected.map(|at: Instant| at.elapsed());
            // A server that only just lets connections in is left alone for longer and longer.
            if lasted > Some(self.shared.options.max_reconnect_delay) {
                backoff.reset();
            }
            self.disconnected(&mut outage, error, lasted);
            select! {
                () = time::sleep(backoff.next()) => {}
                () = self.ending() => break,
            }
        }
        self.is_connected.store(false, Relaxed);
        let unsent = self.queue.close();
        self.shared.counters.lost(unsent.len() as u64);
        unsent.into_iter().for_each(|outgoing| outgoing.fail(LinkError::Closed));
        self.wanted.drop_questions();
    }

    async fn connect(self: &Arc<Self>, peer: &mut Option<Peer>) -> RedisResult<Session> {
        let connect = async {
            let client = self.endpoint.client().await?;
            let lost = Arc::new(Notify::new());
            let timeout = Some(self.shared.options.response_timeout);
            let mut publisher = self.open(&client, &lost, timeout).await?;
            Peer::replace(peer, &mut publisher).await?;
            let mut session =
                Session { lane: Arc::clone(self), client, lost, publisher, subscriber: None };
            self.wanted.restart();
            if !self.wanted.is_empty() {
                session.subscribe().await?;
            }
            Ok(session)
        };
        select! {
            session = time::timeout(self.shared.options.connection_timeout, connect) => {
                session.unwrap_or_else(|_| Err(io_error("connecting took too long")))
            }
            () = self.ending() => Err(io_error("ended")),
        }
    }

    async fn open(
        self: &Arc<Self>,
        client: &Client,
        lost: &Arc<Notify>,
        response_timeout: Option<Duration>,
    ) -> RedisResult<MultiplexedConnection> {
        let (lane, lost) = (Arc::clone(self), Arc::clone(lost));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.shared.options.connection_timeout))
            .set_response_timeout(response_timeout)
            .set_push_sender(move |push: PushInfo| {
                if lane.handle_push(push).is_err() {
                    lost.notify_one();
                }
                Ok::<_, LinkError>(())
            });
        client.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Takes what Redis says of itself. An error means that the connection is of no more use.
    fn handle_push(&self, push: PushInfo) -> Result<(), ()> {
        self.heard.fetch_add(1, Relaxed);
        match push.kind {
            PushKind::Disconnection => Err(()),
            // Said also when another master has the slot.
            PushKind::SUnsubscribe => {
                if let Some(Value::BulkString(channel)) = push.data.first()
                    && let Ok(channel) = str::from_utf8(channel)
                    && self.wanted.lost(&Subscription::Shard(channel.into()))
                {
                    self.doubt();
                }
                Ok(())
            }
            _ => {
                if self.shared.handlers.dispatch(push) {
                    self.shared.counters.received();
                }
                Ok(())
            }
        }
    }

    /// Waits for an answer on the connection that is subscribed. There it may stand behind many
    /// messages, so Redis is away only if none of these comes either.
    async fn answer<T>(&self, answer: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        let mut answer = pin!(answer);
        loop {
            let heard = self.heard.load(Relaxed);
            match time::timeout(self.shared.options.response_timeout, &mut answer).await {
                Ok(answer) => return answer,
                Err(_) if self.heard.load(Relaxed) != heard => {}
                Err(_) => return Err(io_error("Redis does not answer")),
            }
        }
    }

    /// Takes what Redis answers to a subscription that was made or ended.
    fn handle_confirmation(
        &self,
        subscription: Subscription,
        is_wanted: bool,
        answer: Value,
    ) -> RedisResult<()> {
        match answer.extract_error() {
            Ok(answer) if subscription.is_confirmed_by(&answer, is_wanted) => Ok(()),
            // Redis also says of itself that subscriptions end, which counts as an answer if one is
            // awaited: all that follow are then out of turn.
            Ok(_) => Err(io_error("Redis answers something else")),
            Err(error) => {
                let (cluster, redirect) = self.redirect(&error).ok_or(error)?;
                self.wanted.lost(&subscription);
                cluster.subscribe_elsewhere(redirect, self, subscription);
                Ok(())
            }
        }
    }

    /// Whether an error says that another master has a slot.
    fn redirect(&self, error: &RedisError) -> Option<(Arc<Cluster>, Redirect)> {
        let membership = self.membership.as_ref()?;
        Some((self.cluster()?, Redirect::read(error, membership)?))
    }

    fn cluster(&self) -> Option<Arc<Cluster>> {
        self.membership.as_ref()?.cluster.upgrade()
    }

    /// In a Redis Cluster, another server may have what this one had.
    fn doubt(&self) {
        if let Some(cluster) = self.cluster() {
            cluster.doubt();
        }
    }

    fn connected(&self, outage: Option<Outage>) {
        self.is_connected.store(true, Relaxed);
        if let Some(Outage { since, was_connected: true, .. }) = outage {
            self.shared.counters.reconnected();
            tracing::info!("connected to Redis again after {:?}", since.elapsed());
        }
    }

    fn disconnected(
        &self,
        outage: &mut Option<Outage>,
        error: RedisError,
        lasted: Option<Duration>,
    ) {
        self.is_connected.store(false, Relaxed);
        self.wanted.drop_questions();
        tracing::debug!("no connection to Redis: {error}");
        self.doubt();
        // What fails at once may do so before the application listens: the next try tells.
        let is_to_report =
            outage.is_some() || lasted > Some(self.shared.options.max_reconnect_delay);
        let outage = outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            was_connected: lasted.is_some(),
            is_reported: false,
        });
        if is_to_report && !outage.is_reported && !*self.is_ending.borrow() {
            outage.is_reported = true;
            (self.shared.report)(LinkError::Disconnected(error));
        }
    }

    fn lose(&self, messages: u64) {
        self.shared.counters.lost(messages);
        self.unreported.fetch_add(messages, Relaxed);
    }

    fn report_lost(&self) {
        let messages = self.unreported.swap(0, Relaxed);
        if messages > 0 {
            (self.shared.report)(LinkError::Lost { messages });
        }
    }

    async fn ending(&self) {
        // The lane itself has the sender.
        let _ = self.is_ending.subscribe().wait_for(|is_ending| *is_ending).await;
    }
}

/// The connection that publishes, as Redis knows it. Redis counts anew when it starts again, so the
/// number alone could be that of another.
struct Peer {
    id: String,
    address: String,
}

impl Peer {
    /// Ends the connection that this one replaces, should Redis still have it: what was on its way
    /// there must not arrive once it has been given up. If Redis does not answer, the former is the
    /// one to end still.
    async fn replace(
        former: &mut Option<Self>,
        publisher: &mut MultiplexedConnection,
    ) -> RedisResult<()> {
        let info = ask(publisher, cmd("CLIENT").arg("INFO")).await?;
        if let Some(Self { id, address }) = former {
            let mut kill = cmd("CLIENT");
            kill.arg("KILL").arg("ID").arg(id).arg("ADDR").arg(address);
            // A server that does not know it, or may not be told, has it no more, or not for long.
            ask(publisher, &kill).await?;
        }
        *former = from_redis_value::<String>(info).ok().as_deref().and_then(Self::read);
        Ok(())
    }

    /// Reads what `CLIENT INFO` tells.
    fn read(info: &str) -> Option<Self> {
        let field = |name| {
            let mut fields = info.split_whitespace().filter_map(|field| field.split_once('='));
            fields.find(|(of, _)| *of == name).map(|(_, value)| value.to_owned())
        };
        Some(Self { id: field("id")?, address: field("addr")? })
    }
}

/// A time without a connection.
struct Outage {
    since: Instant,
    /// Whether there had been one.
    was_connected: bool,
    is_reported: bool,
}

/// The two connections, as long as both are there.
struct Session {
    lane: Arc<Lane>,
    client: Client,
    /// Told when one of them is lost.
    lost: Arc<Notify>,
    publisher: MultiplexedConnection,
    /// Made once something is wanted of it.
    subscriber: Option<MultiplexedConnection>,
}

impl Session {
    /// Until a connection is lost, or the lane is to end and nothing waits any more.
    async fn run(mut self) -> RedisResult<()> {
        let (lane, lost) = (Arc::clone(&self.lane), Arc::clone(&self.lost));
        let publisher = self.publisher.clone();
        select! {
            result = publish(&lane, publisher) => result,
            result = self.keep_subscribed() => result,
            () = lost.notified() => Err(io_error("Redis closed the connection")),
        }
    }

    async fn keep_subscribed(&mut self) -> RedisResult<()> {
        let lane = Arc::clone(&self.lane);
        loop {
            match time::timeout(lane.shared.options.keep_alive, lane.wanted.changed.notified())
                .await
            {
                Ok(()) => self.subscribe().await?,
                Err(_) => {
                    if let Some(subscriber) = &mut self.subscriber {
                        lane.answer(subscriber.req_packed_command(&cmd("PING"))).await?;
                    }
                }
            }
        }
    }

    /// Makes true what is wanted, and then asks what is to be asked.
    async fn subscribe(&mut self) -> RedisResult<()> {
        while self.subscribe_to_some().await? {}
        Ok(())
    }

    /// Tells whether there may be more.
    async fn subscribe_to_some(&mut self) -> RedisResult<bool> {
        let (changes, questions) = self.lane.wanted.next();
        let mut pipeline = Pipeline::with_capacity(changes.len() + questions.len());
        for (subscription, is_wanted) in &changes {
            pipeline.add_command(subscription.command(*is_wanted));
        }
        for question in &questions {
            pipeline.add_command(question.command.clone());
        }
        if pipeline.is_empty() {
            return Ok(false);
        }
        let subscriber = match &mut self.subscriber {
            Some(subscriber) => subscriber,
            none => none.insert(self.lane.open(&self.client, &self.lost, None).await?),
        };
        let replies = subscriber.req_packed_commands(&pipeline, 0, pipeline.len());
        let mut replies = self.lane.answer(replies).await?.into_iter();
        let may_be_more = changes.len() == MAX_CHANGES;
        for ((subscription, is_wanted), reply) in changes.into_iter().zip(replies.by_ref()) {
            self.lane.handle_confirmation(subscription, is_wanted, reply)?;
        }
        for (reply, question) in replies.zip(questions) {
            if let Ok(reply) = reply.extract_error() {
                // Nobody may wait for it.
                let _ = question.answer.send(reply);
            }
        }
        Ok(may_be_more)
    }
}

/// Sends what waits, much of it at once where much waits.
async fn publish(lane: &Lane, mut connection: MultiplexedConnection) -> RedisResult<()> {
    let mut has_refused = false;
    loop {
        let batch = lane.queue.next_batch();
        if !batch.is_empty() {
            Batch { lane, unanswered: batch.into_iter() }
                .send(&mut connection, &mut has_refused)
                .await?;
            continue;
        }
        lane.report_lost();
        if *lane.is_ending.borrow() {
            return Ok(());
        }
        select! {
            () = lane.queue.filled.notified() => {}
            () = lane.ending() => {}
            () = time::sleep(lane.shared.options.keep_alive) => {
                connection.req_packed_command(&cmd("PING")).await?;
            }
        }
    }
}

/// Commands that are on their way. Those that have no answer when it is dropped are lost: nothing is
/// sent twice.
struct Batch<'a> {
    lane: &'a Lane,
    unanswered: vec::IntoIter<Outgoing>,
}

impl Batch<'_> {
    async fn send(
        mut self,
        connection: &mut MultiplexedConnection,
        has_refused: &mut bool,
    ) -> RedisResult<()> {
        let mut pipeline = Pipeline::with_capacity(self.unanswered.len());
        for outgoing in self.unanswered.as_mut_slice() {
            pipeline.add_command(mem::take(&mut outgoing.command));
        }
        let replies = connection.req_packed_commands(&pipeline, 0, pipeline.len()).await?;
        let replies = replies.into_iter().zip(pipeline.cmd_iter());
        let (mut cluster, mut redirected) = (None, Vec::new());
        for ((reply, command), mut outgoing) in replies.zip(self.unanswered.by_ref()) {
            match reply.extract_error() {
                Ok(value) => {
                    self.lane.shared.counters.published(1);
                    if let Some(reply) = outgoing.reply {
                        // Nobody may wait for it.
                        let _ = reply.send(Ok(value));
                    }
                }
                Err(error) => {
                    if outgoing.redirects < MAX_REDIRECTS
                        && let Some((its_cluster, redirect)) = self.lane.redirect(&error)
                    {
                        cluster = Some(its_cluster);
                        outgoing.command = command.clone();
                        outgoing.redirects += 1;
                        redirected.push((redirect, outgoing));
                        continue;
                    }
                    let error = LinkError::Refused(error);
                    if outgoing.reply.is_none() {
                        self.lane.shared.counters.lost(1);
                        if !mem::replace(has_refused, true) {
                            (self.lane.shared.report)(error.clone());
                        }
                    }
                    outgoing.fail(error);
                }
            }
        }
        if let Some(cluster) = cluster {
            cluster.send_on(self.lane, redirected);
        }
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for outgoing in self.unanswered.by_ref() {
            if outgoing.reply.is_none() {
                self.lane.lose(1);
            }
            outgoing.fail(LinkError::Interrupted);
        }
    }
}

/// Asks something that Redis may refuse, which gives nothing. An error is no answer at all.
async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> RedisResult<Value> {
    match command.query_async(connection).await {
        Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {
            Ok(Value::Nil)
        }
        answer => answer,
    }
}

pub(super) fn io_error(text: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, text))
}
