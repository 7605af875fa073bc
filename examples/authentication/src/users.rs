//! The users, who are a database elsewhere.

use serde::Serialize;

/// Someone who may sign in.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    /// In clear, as this is the example's source anyway. Never do this elsewhere: see the crate's
    /// documentation.
    #[serde(skip)]
    password: &'static str,
    pub(crate) admin: bool,
}

pub(crate) static USERS: [User; 4] = [
    User { name: "ada", password: "engine", admin: true },
    User { name: "bo", password: "swing", admin: false },
    User { name: "cy", password: "kettle", admin: false },
    User { name: "dee", password: "marble", admin: false },
];

impl User {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        USERS.iter().find(|user| user.name == name)
    }

    /// The user of this name, if the password is theirs.
    pub(crate) fn check(name: &str, password: &str) -> Option<&'static Self> {
        Self::find(name).filter(|user| user.password == password)
    }
}

/// The room of all sockets of a user, whatever tab or device they are of.
pub(crate) fn room_of(name: &str) -> String {
    format!("user:{name}")
}
