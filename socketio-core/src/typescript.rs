use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use ts_rs::{Config, TS, TypeVisitor};

use crate::{Event, NoAck};

/// The TypeScript declarations of an application's events: the interfaces that type the official
/// client's `Socket`, and all types that they mention.
///
/// With the feature `typescript`. Say once which [events](Event) go which way, and have a
/// test write the file, or check that it is up to date where nobody would see it change:
///
/// ```no_run
/// use serde::{Deserialize, Serialize};
/// use socketio_core::{Event, TypeScript, TypeScriptError};
/// use ts_rs::TS;
///
/// #[derive(Event, Serialize, TS)]
/// struct Welcome(String);
///
/// #[derive(Event, Deserialize, TS)]
/// #[event(ack = Receipt)]
/// struct Message {
///     text: String,
/// }
///
/// #[derive(Serialize, TS)]
/// struct Receipt {
///     id: u64,
/// }
///
/// // In a project this is a `#[test]`.
/// fn the_declarations_are_up_to_date() -> Result<(), TypeScriptError> {
///     let events = TypeScript::new().server_to_client::<Welcome>().client_to_server::<Message>();
///     match std::env::var_os("CI") {
///         Some(_) => events.check("web/events.ts"),
///         None => events.write("web/events.ts"),
///     }
/// }
/// ```
///
/// ```ts
/// import { io, type Socket } from "socket.io-client";
/// import type { ClientToServerEvents, ServerToClientEvents } from "./events";
///
/// const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
/// socket.on("welcome", (name) => console.log(name)); // a string
/// const receipt = await socket.emitWithAck("message", { text: "hi" });
/// ```
///
/// An application with several namespaces makes one of these for each, and a file of its own.
///
/// # Types
///
/// They are derived by [ts-rs], which reads the attributes of serde: `ts-rs` 12 goes into the
/// dependencies beside serde. Of the two libraries for this it is the stable one: version 2 of the
/// other, specta, has yet to leave its release candidates. Both are MIT, and ts-rs brings little but
/// its derive.
///
/// Numbers of 64 bits are `number`, as the client gets them. Bytes are binary, which ts-rs cannot
/// know: their fields have `#[ts(type = "ArrayBuffer")]`, as a browser gives it, or in what comes
/// from clients `#[ts(type = "ArrayBuffer | ArrayBufferView | Blob")]`, all of which it takes. On
/// Node a client gets a `Buffer`.
///
/// [ts-rs]: https://docs.rs/ts-rs
#[derive(Clone, Debug, Default)]
pub struct TypeScript {
    to_client: Interface,
    to_server: Interface,
    types: Types,
}

/// Declarations that cannot be made, or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeScriptError {
    /// Two events that go the same way have the same name.
    #[error("two events to the same side are called {name:?}")]
    Event {
        /// The name.
        name: String,
    },
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The file is not what would be written now.
    #[error("{} is out of date: write it again", path.display())]
    Outdated {
        /// Its path.
        path: PathBuf,
    },
    /// Two types have the same name but not the same declaration: one needs another name, by
    /// `#[ts(rename = "…")]`.
    #[error("two types are called {name}")]
    Type {
        /// The name.
        name: String,
    },
}

const HEAD: &str = "// Made by socketio from the server's events. Change them there.\n";

impl TypeScript {
    /// Without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event that the server sends.
    #[must_use]
    pub fn server_to_client<E>(mut self) -> Self
    where
        E: Event<Ack: TS + 'static> + TS + 'static,
    {
        self.to_client.add::<E>();
        self.types.mention::<E>();
        self
    }

    /// Adds an event that clients send.
    #[must_use]
    pub fn client_to_server<E>(mut self) -> Self
    where
        E: Event<Ack: TS + 'static> + TS + 'static,
    {
        self.to_server.add::<E>();
        self.types.mention::<E>();
        self
    }

    /// The text: the interfaces `ServerToClientEvents` and `ClientToServerEvents`, and the types.
    ///
    /// # Errors
    /// Two events, or two types, have the same name.
    pub fn render(&self) -> Result<String, TypeScriptError> {
        let mut text = HEAD.to_owned();
        self.to_client.render("ServerToClientEvents", &mut text)?;
        self.to_server.render("ClientToServerEvents", &mut text)?;
        self.types.render(&mut text)?;
        Ok(text)
    }

    /// Writes the text to a file, unless it is there already.
    ///
    /// # Errors
    /// As [`render`](Self::render), or the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), TypeScriptError> {
        let (text, path) = (self.render()?, path.as_ref());
        if fs::read_to_string(path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        fs::write(path, text).map_err(|error| TypeScriptError::Io { path: path.into(), error })
    }

    /// Checks that a file has the text. Line ends may be those of any system.
    ///
    /// # Errors
    /// As [`render`](Self::render), or the file is not up to date.
    pub fn check(&self, path: impl AsRef<Path>) -> Result<(), TypeScriptError> {
        let (text, path) = (self.render()?, path.as_ref());
        match fs::read_to_string(path) {
            Ok(there) if there.lines().eq(text.lines()) => Ok(()),
            Ok(_) => Err(TypeScriptError::Outdated { path: path.into() }),
            Err(error) => Err(TypeScriptError::Io { path: path.into(), error }),
        }
    }
}

/// The events that go one way: their names, each with the types of its listeners.
#[derive(Clone, Debug, Default)]
struct Interface(BTreeMap<&'static str, Vec<String>>);

impl Interface {
    fn add<E>(&mut self)
    where
        E: Event<Ack: TS + 'static> + TS,
    {
        self.0.entry(E::NAME).or_default().push(listener::<E>());
    }

    fn render(&self, name: &str, text: &mut String) -> Result<(), TypeScriptError> {
        writeln!(text, "\nexport interface {name} {{").expect(INFALLIBLE);
        for (event, listeners) in &self.0 {
            let [listener] = listeners.as_slice() else {
                return Err(TypeScriptError::Event { name: (*event).to_owned() });
            };
            writeln!(text, "  {}: {listener};", property(event)).expect(INFALLIBLE);
        }
        text.push_str("}\n");
        Ok(())
    }
}

const INFALLIBLE: &str = "a string takes every write";

/// What a listener of the event is: a function of its arguments and, where it has one, its
/// acknowledgement.
fn listener<E>() -> String
where
    E: Event<Ack: TS + 'static> + TS,
{
    let data = Arguments::of::<E>();
    if TypeId::of::<E::Ack>() == TypeId::of::<NoAck>() {
        return match data {
            Arguments::None => "() => void".into(),
            Arguments::One(data) => format!("(data: {data}) => void"),
            Arguments::Several(data) => format!("(...data: {data}) => void"),
        };
    }
    let ack = match Arguments::of::<E::Ack>() {
        Arguments::None => "() => void".into(),
        Arguments::One(answer) => format!("(answer: {answer}) => void"),
        Arguments::Several(answer) => format!("(...answer: {answer}) => void"),
    };
    match data {
        Arguments::None => format!("(ack: {ack}) => void"),
        Arguments::One(data) => format!("(data: {data}, ack: {ack}) => void"),
        Arguments::Several(data) => format!("(...data: [...data: {data}, ack: {ack}]) => void"),
    }
}

/// How a type stands behind an event's name, or in an acknowledgement: see [`Args`](crate::Args).
enum Arguments {
    None,
    One(String),
    /// A tuple's type.
    Several(String),
}

impl Arguments {
    fn of<T: TS>() -> Self {
        let name = T::name(&config());
        // A type with a declaration is known by what it stands for.
        let stands_for = if is_declared::<T>() { T::inline(&config()) } else { name.clone() };
        match stands_for.as_str() {
            "null" => Arguments::None,
            tuple if tuple.starts_with('[') && tuple.ends_with(']') => Arguments::Several(name),
            _ => Arguments::One(name),
        }
    }
}

/// A property's name, in quotes where it needs them.
fn property(name: &str) -> String {
    let is_identifier = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    match is_identifier(name) {
        true => name.into(),
        false => serde_json::Value::from(name).to_string(),
    }
}

/// The declarations of all types that the events mention, by name.
#[derive(Clone, Debug, Default)]
struct Types {
    declarations: BTreeMap<String, BTreeSet<String>>,
    seen: BTreeSet<TypeId>,
}

impl Types {
    fn mention<E>(&mut self)
    where
        E: Event<Ack: TS + 'static> + TS + 'static,
    {
        // That there is nothing needs no name.
        if !matches!(Arguments::of::<E>(), Arguments::None) {
            self.visit::<E>();
        }
        self.visit::<E::Ack>();
    }

    fn render(&self, text: &mut String) -> Result<(), TypeScriptError> {
        for (name, declarations) in &self.declarations {
            if declarations.len() > 1 {
                return Err(TypeScriptError::Type { name: name.clone() });
            }
            for declaration in declarations {
                writeln!(text, "\n{declaration}").expect(INFALLIBLE);
            }
        }
        Ok(())
    }
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        if is_declared::<T>() {
            let docs = T::docs().unwrap_or_default();
            let declaration = format!("{docs}export {}", T::decl(&config()));
            self.declarations.entry(T::ident(&config())).or_default().insert(declaration);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Whether a type has a declaration of its own, unlike TypeScript's own types.
fn is_declared<T: TS + ?Sized>() -> bool {
    T::output_path().is_some()
}

/// JSON has no numbers but those of JavaScript.
fn config() -> Config {
    Config::new().with_large_int("number")
}

impl TS for NoAck {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &Config) -> String {
        "never".into()
    }

    fn inline(config: &Config) -> String {
        Self::name(config)
    }
}
