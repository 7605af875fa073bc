use std::{
    collections::{HashMap, HashSet},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use bytes::Bytes;
use bytestring::ByteString;
use redis::{Cmd, PushInfo, PushKind, Value, cmd};
use tokio::sync::{Notify, oneshot};

/// What is listened to. Some of the names are what clients make them: they are hashed accordingly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subscription {
    /// A channel: `SUBSCRIBE`.
    Channel(ByteString),
    /// All channels whose names match: `PSUBSCRIBE`.
    Pattern(ByteString),
    /// A channel of a shard: `SSUBSCRIBE`.
    Shard(ByteString),
}

impl Subscription {
    fn command(&self, is_wanted: bool) -> Cmd {
        let (name, command) = match (self, is_wanted) {
            (Self::Channel(name), true) => (name, "SUBSCRIBE"),
            (Self::Channel(name), false) => (name, "UNSUBSCRIBE"),
            (Self::Pattern(name), true) => (name, "PSUBSCRIBE"),
            (Self::Pattern(name), false) => (name, "PUNSUBSCRIBE"),
            (Self::Shard(name), true) => (name, "SSUBSCRIBE"),
            (Self::Shard(name), false) => (name, "SUNSUBSCRIBE"),
        };
        let mut command = cmd(command);
        command.arg(&name[..]);
        command
    }
}

/// Takes a message, with the channel that it was published to.
type Handler = Arc<dyn Fn(&str, Bytes) + Send + Sync>;

/// Who takes what comes.
#[derive(Default)]
pub(super) struct Handlers(RwLock<HashMap<Subscription, Handler>>);

impl Handlers {
    pub(super) fn insert(
        &self,
        subscription: Subscription,
        handler: impl Fn(&str, Bytes) + Send + Sync + 'static,
    ) {
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        handlers.insert(subscription, Arc::new(handler));
    }

    pub(super) fn remove(&self, subscription: &Subscription) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(subscription);
    }

    /// Hands a message to who takes it. Tells whether it was one.
    pub(super) fn dispatch(&self, push: PushInfo) -> bool {
        let Some((subscription, channel, payload)) = message(push) else {
            return false;
        };
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let handler = handlers.get(&subscription).cloned();
        drop(handlers);
        if let Some(handler) = &handler {
            handler(&channel, payload);
        }
        handler.is_some()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.read().unwrap_or_else(PoisonError::into_inner).keys()).finish()
    }
}

/// A message with its channel, and by which subscription it came.
fn message(push: PushInfo) -> Option<(Subscription, ByteString, Bytes)> {
    let mut data = push.data.into_iter();
    let pattern = match push.kind {
        PushKind::PMessage => Some(text(data.next()?)?),
        _ => None,
    };
    let channel = text(data.next()?)?;
    let subscription = match (push.kind, pattern) {
        (PushKind::PMessage, Some(pattern)) => Subscription::Pattern(pattern),
        (PushKind::Message, _) => Subscription::Channel(channel.clone()),
        (PushKind::SMessage, _) => Subscription::Shard(channel.clone()),
        _ => return None,
    };
    Some((subscription, channel, bytes(data.next()?)?.into()))
}

fn text(value: Value) -> Option<ByteString> {
    ByteString::try_from(bytes(value)?).ok()
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

/// What one connection is to be subscribed to, and what is asked over it: there Redis has what was
/// subscribed before.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    wanted: HashSet<Subscription>,
    /// What the connection is subscribed to, or will be by what it was sent.
    current: HashSet<Subscription>,
    /// Wherein these two differ: what changes and changes back leaves nothing.
    changed: HashSet<Subscription>,
    /// Channels of shards that are being left.
    leaving: HashSet<Subscription>,
    questions: Vec<Question>,
}

/// A command, and who waits for the answer. It is dropped where there is none.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) command: Cmd,
    pub(super) answer: oneshot::Sender<Value>,
}

impl Wanted {
    pub(super) fn set(&self, subscription: Subscription, is_wanted: bool) {
        let mut state = self.lock();
        match is_wanted {
            true => state.wanted.insert(subscription.clone()),
            false => state.wanted.remove(&subscription),
        };
        if is_wanted == state.current.contains(&subscription) {
            state.changed.remove(&subscription);
        } else {
            state.changed.insert(subscription);
            drop(state);
            self.changed.notify_one();
        }
    }

    pub(super) fn ask(&self, question: Question) {
        self.lock().questions.push(question);
        self.changed.notify_one();
    }

    /// There is no connection: what was asked has no answer.
    pub(super) fn drop_questions(&self) {
        let questions = mem::take(&mut self.lock().questions);
        drop(questions);
    }

    pub(super) fn all(&self) -> Vec<Subscription> {
        self.lock().wanted.iter().cloned().collect()
    }

    /// Whether a channel of a shard is left because it was wanted so.
    pub(super) fn is_leaving(&self, subscription: &Subscription) -> bool {
        self.lock().leaving.contains(subscription)
    }

    /// What is to be sent to the connection, once it has answered what it was sent before.
    pub(super) fn next_commands(&self) -> (Vec<Cmd>, Vec<Question>) {
        let mut state = self.lock();
        let State { wanted, current, changed, leaving, questions } = &mut *state;
        leaving.clear();
        let mut commands = Vec::with_capacity(changed.len());
        for subscription in mem::take(changed) {
            let is_wanted = wanted.contains(&subscription);
            commands.push(subscription.command(is_wanted));
            match is_wanted {
                true => drop(current.insert(subscription)),
                false => {
                    current.remove(&subscription);
                    leaving.insert(subscription);
                }
            }
        }
        (commands, mem::take(questions))
    }

    /// A new connection is subscribed to nothing yet.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        state.current.clear();
        state.leaving.clear();
        state.changed = state.wanted.clone();
    }

    pub(super) fn is_empty(&self) -> bool {
        let state = self.lock();
        state.wanted.is_empty() && state.questions.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(commands: &[Cmd]) -> Vec<String> {
        let words = |command: &Cmd| {
            let text = String::from_utf8(command.get_packed_command()).expect("text");
            text.split_terminator("\r\n").skip(2).step_by(2).collect::<Vec<_>>().join(" ")
        };
        let mut commands: Vec<_> = commands.iter().map(words).collect();
        commands.sort_unstable();
        commands
    }

    #[test]
    fn what_changes_is_sent_and_what_changed_back_is_not() {
        let wanted = Wanted::default();
        let room = Subscription::Shard("room".into());
        wanted.set(Subscription::Channel("c".into()), true);
        wanted.set(Subscription::Pattern("p*".into()), true);
        wanted.set(room.clone(), true);
        wanted.set(room.clone(), false);
        assert_eq!(packed(&wanted.next_commands().0), ["PSUBSCRIBE p*", "SUBSCRIBE c"]);
        wanted.set(room.clone(), true);
        wanted.set(Subscription::Channel("c".into()), false);
        assert_eq!(packed(&wanted.next_commands().0), ["SSUBSCRIBE room", "UNSUBSCRIBE c"]);
        assert!(wanted.next_commands().0.is_empty());
        wanted.set(room.clone(), false);
        wanted.next_commands();
        assert!(wanted.is_leaving(&room));
    }

    #[test]
    fn rooms_that_come_and_go_during_an_outage_leave_nothing() {
        let wanted = Wanted::default();
        for n in 0..100 {
            let room = Subscription::Shard(n.to_string().into());
            wanted.set(room.clone(), true);
            wanted.set(room, false);
        }
        let state = wanted.lock();
        assert!(state.wanted.is_empty() && state.changed.is_empty());
    }

    #[test]
    fn a_new_connection_is_subscribed_to_all_that_is_wanted() {
        let wanted = Wanted::default();
        wanted.set(Subscription::Channel("a".into()), true);
        wanted.set(Subscription::Channel("b".into()), true);
        wanted.next_commands();
        wanted.set(Subscription::Channel("b".into()), false);
        wanted.restart();
        assert_eq!(packed(&wanted.next_commands().0), ["SUBSCRIBE a"]);
    }

    #[test]
    fn what_makes_no_sense_is_no_message() {
        let text = |text: &str| Value::BulkString(text.into());
        let push = |kind, data| message(PushInfo { kind, data });
        let (subscription, channel, payload) =
            push(PushKind::PMessage, vec![text("p*"), text("pq"), text("x")]).expect("a message");
        assert_eq!(subscription, Subscription::Pattern("p*".into()));
        assert_eq!((&channel[..], &payload[..]), ("pq", &b"x"[..]));
        for data in
            [vec![], vec![text("c")], vec![Value::Nil, text("x")], vec![text("c"), Value::Int(1)]]
        {
            assert_eq!(push(PushKind::Message, data), None);
        }
        let channel = Value::BulkString(vec![0xff]);
        assert_eq!(push(PushKind::SMessage, vec![channel, text("x")]), None);
        assert_eq!(push(PushKind::Other("odd".into()), vec![text("c"), text("x")]), None);
    }
}
