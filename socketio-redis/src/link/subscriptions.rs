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
    /// What makes it, or ends it.
    pub(super) fn command(&self, is_wanted: bool) -> Cmd {
        let name = match (self, is_wanted) {
            (Self::Channel(_), true) => "SUBSCRIBE",
            (Self::Channel(_), false) => "UNSUBSCRIBE",
            (Self::Pattern(_), true) => "PSUBSCRIBE",
            (Self::Pattern(_), false) => "PUNSUBSCRIBE",
            (Self::Shard(_), true) => "SSUBSCRIBE",
            (Self::Shard(_), false) => "SUNSUBSCRIBE",
        };
        let mut command = cmd(name);
        command.arg(self.name());
        command
    }

    /// Whether Redis answers that it was made, or ended.
    pub(super) fn is_confirmed_by(&self, answer: &Value, is_wanted: bool) -> bool {
        let Value::Push { kind, data } = answer else { return false };
        let expected = match (self, is_wanted) {
            (Self::Channel(_), true) => PushKind::Subscribe,
            (Self::Channel(_), false) => PushKind::Unsubscribe,
            (Self::Pattern(_), true) => PushKind::PSubscribe,
            (Self::Pattern(_), false) => PushKind::PUnsubscribe,
            (Self::Shard(_), true) => PushKind::SSubscribe,
            (Self::Shard(_), false) => PushKind::SUnsubscribe,
        };
        *kind == expected
            && matches!(data.first(), Some(Value::BulkString(name)) if name == self.name().as_bytes())
    }

    fn name(&self) -> &str {
        match self {
            Self::Channel(name) | Self::Pattern(name) | Self::Shard(name) => name,
        }
    }
}

/// Takes a message, with the channel that it was published to.
type Handler = Arc<dyn Fn(&str, Bytes) + Send + Sync>;

/// Who takes what comes, and for how many. Names that are made of names can be the same for two.
#[derive(Default)]
pub(super) struct Handlers(RwLock<HashMap<Subscription, (Handler, usize)>>);

impl Handlers {
    /// Tells whether it is the first of this name, which is the one that is called.
    pub(super) fn insert(
        &self,
        subscription: Subscription,
        handler: impl Fn(&str, Bytes) + Send + Sync + 'static,
    ) -> bool {
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (_, count) = handlers.entry(subscription).or_insert_with(|| (Arc::new(handler), 0));
        *count += 1;
        *count == 1
    }

    /// Tells whether it was the last of this name.
    pub(super) fn remove(&self, subscription: &Subscription) -> bool {
        let mut handlers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some((_, count)) = handlers.get_mut(subscription) else { return false };
        *count -= 1;
        *count == 0 && handlers.remove(subscription).is_some()
    }

    pub(super) fn has(&self, subscription: &Subscription) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(subscription)
    }

    pub(super) fn all(&self) -> HashSet<Subscription> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Hands a message to who takes it. Tells whether it was one.
    pub(super) fn dispatch(&self, push: PushInfo) -> bool {
        let Some((subscription, channel, payload)) = message(push) else {
            return false;
        };
        let handlers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let handler = handlers.get(&subscription).map(|(handler, _)| Arc::clone(handler));
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
    questions: Vec<Question>,
}

/// A command, and who waits for the answer. It is dropped where there is none.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) command: Cmd,
    pub(super) answer: oneshot::Sender<Value>,
}

/// Subscriptions that are made or ended at once, at most.
pub(super) const MAX_CHANGES: usize = 1024;

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

    /// Redis says that the connection is not subscribed to this, or not any more. Where that was not
    /// wanted so, it is to be subscribed to again. Tells whether it is.
    pub(super) fn lost(&self, subscription: &Subscription) -> bool {
        let mut state = self.lock();
        let is_wanted = state.current.remove(subscription) && state.wanted.contains(subscription);
        if is_wanted {
            state.changed.insert(subscription.clone());
            drop(state);
            self.changed.notify_one();
        }
        is_wanted
    }

    /// Which subscriptions are to be made or ended, once the connection has answered what it was sent
    /// before. If there are no more, also what is to be asked then.
    pub(super) fn next(&self) -> (Vec<(Subscription, bool)>, Vec<Question>) {
        let mut state = self.lock();
        let State { wanted, current, changed, questions } = &mut *state;
        let next: Vec<_> = changed.iter().take(MAX_CHANGES).cloned().collect();
        let change = |subscription: Subscription| {
            changed.remove(&subscription);
            let is_wanted = wanted.contains(&subscription);
            match is_wanted {
                true => current.insert(subscription.clone()),
                false => current.remove(&subscription),
            };
            (subscription, is_wanted)
        };
        let changes = next.into_iter().map(change).collect();
        let questions = if changed.is_empty() { mem::take(questions) } else { Vec::new() };
        (changes, questions)
    }

    /// A new connection is subscribed to nothing yet.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        state.current.clear();
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

    fn commands(wanted: &Wanted) -> Vec<String> {
        let words = |(subscription, is_wanted): (Subscription, bool)| {
            let packed = subscription.command(is_wanted).get_packed_command();
            let text = String::from_utf8(packed).expect("text");
            text.split_terminator("\r\n").skip(2).step_by(2).collect::<Vec<_>>().join(" ")
        };
        let mut commands: Vec<_> = wanted.next().0.into_iter().map(words).collect();
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
        assert_eq!(commands(&wanted), ["PSUBSCRIBE p*", "SUBSCRIBE c"]);
        wanted.set(room.clone(), true);
        wanted.set(Subscription::Channel("c".into()), false);
        assert_eq!(commands(&wanted), ["SSUBSCRIBE room", "UNSUBSCRIBE c"]);
        assert_eq!(commands(&wanted), [""; 0]);
    }

    #[test]
    fn many_changes_go_bit_by_bit_and_what_is_asked_comes_last() {
        let wanted = Wanted::default();
        let (answer, _) = oneshot::channel();
        wanted.ask(Question { command: cmd("PUBSUB"), answer });
        for n in 0..=MAX_CHANGES {
            wanted.set(Subscription::Shard(n.to_string().into()), true);
        }
        let next = || {
            let (changes, questions) = wanted.next();
            (changes.len(), questions.len())
        };
        assert_eq!([next(), next(), next()], [(MAX_CHANGES, 0), (1, 1), (0, 0)]);
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
    fn what_redis_has_ended_is_subscribed_to_again_if_it_is_wanted() {
        let wanted = Wanted::default();
        let [moved, left] = ["moved", "left"].map(|name| Subscription::Shard(name.into()));
        wanted.set(moved.clone(), true);
        wanted.set(left.clone(), true);
        wanted.next();
        wanted.set(left.clone(), false);
        wanted.next();
        assert!(wanted.lost(&moved));
        assert!(!wanted.lost(&left));
        assert_eq!(commands(&wanted), ["SSUBSCRIBE moved"]);
    }

    #[test]
    fn an_answer_out_of_turn_confirms_nothing() {
        let answer = |kind, name: &str| {
            let data = vec![Value::BulkString(name.into()), Value::Int(1)];
            Value::Push { kind, data }
        };
        let room = Subscription::Shard("room".into());
        assert!(room.is_confirmed_by(&answer(PushKind::SSubscribe, "room"), true));
        assert!(room.is_confirmed_by(&answer(PushKind::SUnsubscribe, "room"), false));
        assert!(!room.is_confirmed_by(&answer(PushKind::SUnsubscribe, "room"), true));
        assert!(!room.is_confirmed_by(&answer(PushKind::SSubscribe, "other"), true));
        assert!(!room.is_confirmed_by(&Value::Okay, true));
    }

    #[test]
    fn a_new_connection_is_subscribed_to_all_that_is_wanted() {
        let wanted = Wanted::default();
        wanted.set(Subscription::Channel("a".into()), true);
        wanted.set(Subscription::Channel("b".into()), true);
        wanted.next();
        wanted.set(Subscription::Channel("b".into()), false);
        wanted.restart();
        assert_eq!(commands(&wanted), ["SUBSCRIBE a"]);
    }

    #[test]
    fn a_name_that_two_listen_to_is_listened_to_until_both_have_ended() {
        let (handlers, room) = (Handlers::default(), Subscription::Shard("room".into()));
        assert!(handlers.insert(room.clone(), |_, _| {}));
        assert!(!handlers.insert(room.clone(), |_, _| {}));
        assert!(!handlers.remove(&room));
        assert!(handlers.has(&room));
        assert!(handlers.remove(&room));
        assert!(!handlers.remove(&room));
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
