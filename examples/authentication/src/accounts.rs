//! Who is signed in, and what they wrote, as plain data: it knows no sockets.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    messages::{End, Message, Person, Refusal, Rejection, SessionInfo, text},
    users::{USERS, User},
};

/// Sessions of one user. One more pushes the oldest out.
const SESSIONS: usize = 5;
/// Messages to and from one user that are kept.
const MESSAGES: usize = 100;

#[derive(Debug)]
pub(crate) struct Accounts {
    of: HashMap<&'static str, Account>,
    lifetime: u64,
    last_session: u64,
    last_message: u64,
}

#[derive(Debug, Default)]
struct Account {
    /// Oldest first. Those that have ended stay until there is need for their place, to tell who
    /// comes back with one of them why it is over.
    sessions: VecDeque<Session>,
    messages: VecDeque<Message>,
}

#[derive(Debug)]
struct Session {
    id: u64,
    token: String,
    began: u64,
    tabs: usize,
    end: Option<End>,
}

/// As whom, and by which session, a socket is connected; kept with the socket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Login {
    pub(crate) user: &'static User,
    pub(crate) session: u64,
}

impl Login {
    /// The room of all sockets that are connected by this session.
    pub(crate) fn room(self) -> String {
        format!("session:{}", self.session)
    }
}

impl Accounts {
    pub(crate) fn new(lifetime: Duration) -> Self {
        let lifetime = lifetime.as_millis().try_into().unwrap_or(u64::MAX);
        Self { of: HashMap::new(), lifetime, last_session: 0, last_message: 0 }
    }

    /// Begins a session, and tells which one had to go for it, if any.
    pub(crate) fn sign_in(
        &mut self,
        user: &'static User,
        token: String,
        now: u64,
    ) -> Option<Login> {
        self.last_session += 1;
        let id = self.last_session;
        let sessions = &mut self.of.entry(user.name).or_default().sessions;
        let mut pushed_out = None;
        if sessions.len() == SESSIONS {
            let place = sessions.iter().position(|session| session.end.is_some()).unwrap_or(0);
            let session = sessions.remove(place).filter(|session| session.end.is_none());
            pushed_out = session.map(|session| Login { user, session: session.id });
        }
        sessions.push_back(Session { id, token, began: now, tabs: 0, end: None });
        pushed_out
    }

    /// Whose token this is.
    pub(crate) fn verify(&self, token: &str, now: u64) -> Result<Login, Rejection> {
        for user in &USERS {
            let Some(session) = self.sessions_of(user).find(|session| session.token == token)
            else {
                continue;
            };
            return match &session.end {
                Some(end) => Err(Rejection::Ended(end.clone())),
                None if self.is_over(session, now) => Err(Rejection::Ended(End::Expired)),
                None => Ok(Login { user, session: session.id }),
            };
        }
        Err(Rejection::Unknown)
    }

    /// Counts a socket in, if its session has not ended.
    pub(crate) fn enter(&mut self, login: Login) -> Result<(), End> {
        let session = self.session(login).ok_or(End::Crowded)?;
        if let Some(end) = &session.end {
            return Err(end.clone());
        }
        session.tabs += 1;
        Ok(())
    }

    /// Counts a socket out that was counted in.
    pub(crate) fn leave(&mut self, login: Login) {
        if let Some(session) = self.session(login) {
            session.tabs -= 1;
        }
    }

    /// Ends the sessions of a user that are asked for, and tells which those were.
    pub(crate) fn end(
        &mut self,
        user: &'static User,
        is_asked: impl Fn(u64) -> bool,
        end: &End,
    ) -> Vec<Login> {
        let mut ended = Vec::new();
        for session in self.of.entry(user.name).or_default().sessions.iter_mut() {
            if session.end.is_none() && is_asked(session.id) {
                session.end = Some(end.clone());
                ended.push(Login { user, session: session.id });
            }
        }
        ended
    }

    /// Ends the sessions whose time is up, and tells which those were.
    pub(crate) fn expire(&mut self, now: u64) -> Vec<Login> {
        let mut ended = Vec::new();
        for user in &USERS {
            let over: Vec<u64> = self
                .sessions_of(user)
                .filter(|session| self.is_over(session, now))
                .map(|session| session.id)
                .collect();
            ended.extend(self.end(user, |id| over.contains(&id), &End::Expired));
        }
        ended
    }

    /// Keeps a message for both sides.
    pub(crate) fn post(
        &mut self,
        from: Login,
        to: &str,
        asked: &str,
        time: u64,
    ) -> Result<Message, Refusal> {
        let text = text(asked)?.to_owned();
        let to = User::find(to).ok_or(Refusal::UnknownUser)?;
        self.act(from)?;
        self.last_message += 1;
        let message =
            Message { id: self.last_message, from: from.user.name, to: to.name, text, time };
        for user in [from.user, to] {
            let messages = &mut self.of.entry(user.name).or_default().messages;
            if messages.back() == Some(&message) {
                continue;
            }
            if messages.len() == MESSAGES {
                messages.pop_front();
            }
            messages.push_back(message.clone());
        }
        Ok(message)
    }

    /// Whether one may act by this session: an event may have been on its way when it ended.
    pub(crate) fn act(&mut self, login: Login) -> Result<(), Refusal> {
        match self.session(login) {
            Some(Session { end: None, .. }) => Ok(()),
            _ => Err(Refusal::NotSignedIn),
        }
    }

    /// The messages to and from a user.
    pub(crate) fn messages(&self, user: &User) -> Vec<&Message> {
        self.of.get(user.name).into_iter().flat_map(|account| &account.messages).collect()
    }

    /// Everyone. Who has three tabs open is online as well as who has one.
    pub(crate) fn people(&self) -> Vec<Person> {
        let person = |user: &User| {
            let online = self.live(user).any(|session| session.tabs > 0);
            Person { name: user.name, admin: user.admin, online }
        };
        USERS.iter().map(person).collect()
    }

    /// The sessions of a user that have not ended.
    pub(crate) fn sessions(&self, user: &User) -> Vec<SessionInfo> {
        let info = |session: &Session| SessionInfo {
            id: session.id,
            began: session.began,
            tabs: session.tabs,
        };
        self.live(user).map(info).collect()
    }

    fn session(&mut self, login: Login) -> Option<&mut Session> {
        let account = self.of.get_mut(login.user.name)?;
        account.sessions.iter_mut().find(|session| session.id == login.session)
    }

    fn live(&self, user: &User) -> impl Iterator<Item = &Session> {
        self.sessions_of(user).filter(|session| session.end.is_none())
    }

    fn sessions_of(&self, user: &User) -> impl Iterator<Item = &Session> {
        self.of.get(user.name).into_iter().flat_map(|account| &account.sessions)
    }

    fn is_over(&self, session: &Session, now: u64) -> bool {
        now.saturating_sub(session.began) >= self.lifetime
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn accounts() -> Accounts {
        Accounts::new(Duration::from_secs(3600))
    }

    fn user(name: &str) -> &'static User {
        User::find(name).expect("a user")
    }

    fn sign_in(accounts: &mut Accounts, name: &str, token: &str) -> Login {
        accounts.sign_in(user(name), token.into(), 0);
        accounts.verify(token, 0).expect("a fresh session")
    }

    fn online(accounts: &Accounts) -> Vec<&'static str> {
        let people = accounts.people().into_iter();
        people.filter(|person| person.online).map(|person| person.name).collect()
    }

    #[test]
    fn a_token_is_somebodys_until_its_time_is_up() {
        let mut accounts = accounts();
        let bo = sign_in(&mut accounts, "bo", "b1");
        assert_eq!(bo.user, user("bo"));
        assert_eq!(accounts.verify("b2", 0), Err(Rejection::Unknown));
        assert!(accounts.verify("b1", HOUR - 1).is_ok());
        assert_eq!(accounts.expire(HOUR - 1), []);
        assert_eq!(accounts.verify("b1", HOUR), Err(Rejection::Ended(End::Expired)));
        assert_eq!(accounts.expire(HOUR), [bo]);
        assert_eq!(accounts.expire(HOUR), []);
        assert_eq!(accounts.enter(bo), Err(End::Expired));
    }

    #[test]
    fn three_tabs_are_one_who_is_online() {
        let mut accounts = accounts();
        let (first, second) =
            (sign_in(&mut accounts, "bo", "b1"), sign_in(&mut accounts, "bo", "b2"));
        for login in [first, first, second] {
            accounts.enter(login).expect("a live session");
        }
        assert_eq!(online(&accounts), ["bo"]);
        let tabs = accounts.sessions(user("bo")).into_iter().map(|session| session.tabs);
        assert_eq!(tabs.collect::<Vec<_>>(), [2, 1]);
        accounts.leave(first);
        accounts.leave(second);
        assert_eq!(online(&accounts), ["bo"]);
        accounts.leave(first);
        assert_eq!(online(&accounts), [""; 0]);
    }

    #[test]
    fn who_was_kicked_is_offline_and_learns_why() {
        let mut accounts = accounts();
        let login = sign_in(&mut accounts, "bo", "b1");
        accounts.enter(login).expect("a live session");
        let end = End::Kicked { by: "ada", reason: "noise".into() };
        assert_eq!(accounts.end(user("bo"), |_| true, &end), [login]);
        assert_eq!(accounts.end(user("bo"), |_| true, &end), []);
        assert_eq!(online(&accounts), [""; 0]);
        assert_eq!(accounts.verify("b1", 0), Err(Rejection::Ended(end.clone())));
        assert_eq!(accounts.enter(login), Err(end));
        assert_eq!(accounts.post(login, "ada", "but why", 0), Err(Refusal::NotSignedIn));
        accounts.leave(login);
        sign_in(&mut accounts, "bo", "b2");
    }

    #[test]
    fn sessions_are_bounded_and_ended_ones_make_room_first() {
        let mut accounts = accounts();
        let logins: Vec<Login> =
            (1..=5).map(|number| sign_in(&mut accounts, "bo", &format!("b{number}"))).collect();
        accounts.end(user("bo"), |id| id == logins[2].session, &End::SignedOut);
        assert_eq!(accounts.sign_in(user("bo"), "b6".into(), 0), None);
        assert_eq!(accounts.verify("b3", 0), Err(Rejection::Unknown));
        assert_eq!(accounts.sign_in(user("bo"), "b7".into(), 0), Some(logins[0]));
        assert_eq!(accounts.verify("b1", 0), Err(Rejection::Unknown));
        assert_eq!(accounts.enter(logins[0]), Err(End::Crowded));
        assert_eq!(accounts.sessions(user("bo")).len(), 5);
    }

    #[test]
    fn a_message_is_kept_for_both_sides_and_no_one_else() {
        let mut accounts = accounts();
        let ada = sign_in(&mut accounts, "ada", "a1");
        assert_eq!(accounts.post(ada, "eve", "hi", 0), Err(Refusal::UnknownUser));
        assert_eq!(accounts.post(ada, "bo", " ", 0), Err(Refusal::EmptyText));
        for number in 1..=130 {
            accounts.post(ada, "bo", &number.to_string(), 0).expect("a fine message");
        }
        for name in ["ada", "bo"] {
            let messages = accounts.messages(user(name));
            assert_eq!(messages.len(), 100);
            assert_eq!((&*messages[0].text, &*messages[99].text), ("31", "130"));
        }
        assert_eq!(accounts.messages(user("cy")).len(), 0);
        accounts.post(ada, "ada", "a note", 0).expect("a fine message");
        assert_eq!(accounts.messages(user("ada"))[98].text, "130");
    }
}
