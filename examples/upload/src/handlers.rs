use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use examples_common::Answer;
use socketio_actix::{Ack, Data, EmitError, Socket, SocketIo, State};
use tokio::time::Instant;

use crate::{
    messages::{List, Received, Refusal, Resume, Start, Started},
    storage::{FILE_BYTES, File, Storage},
};

/// Registers the upload. What it gives is for the HTTP side.
pub(crate) fn attach(io: &SocketIo) -> Files {
    let files = Files::default();
    io.insert_state(files.clone());
    io.on("file:list", list);
    io.on("upload:start", start);
    io.on("upload:chunk", chunk);
    io.on("upload:resume", resume);
    io.on("upload:cancel", cancel);
    io.on_error(|report| eprintln!("{report}"));
    files
}

/// What all handlers share, those of HTTP too.
#[derive(Clone, Default)]
pub(crate) struct Files(Arc<Mutex<Storage>>);

impl Files {
    /// Whoever changes the files tells everyone before giving the lock back: all clients see one
    /// order. Nobody waits for long, as an emit only queues.
    fn lock(&self) -> MutexGuard<'_, Storage> {
        self.0.lock().expect("nothing panics under this lock")
    }

    /// The file of this id and name, which is counted.
    pub(crate) fn download(&self, io: &SocketIo, id: u64, name: &str) -> Option<File> {
        let mut storage = self.lock();
        let file = storage.file(id).filter(|file| file.name == name)?;
        file.downloads += 1;
        // Volatile, as the next count makes up for it: downloads do not fill the queues of clients
        // that lag. There is nothing in it that cannot be written.
        let _ = io.volatile().emit("file:downloaded", &(id, file.downloads));
        Some(file.clone())
    }

    /// Drops the uploads that nobody goes on with.
    pub(crate) fn drop_idle(&self) {
        self.lock().drop_idle(Instant::now());
    }
}

/// Takes the [`Ack`] to answer while the lock is held: a file is either in the list, or it is
/// announced after the answer.
fn list(State(files): State<Files>, ack: Ack) -> Result<(), EmitError> {
    let storage = files.lock();
    ack.send(&Answer::ok(List { files: storage.files(), file_bytes: FILE_BYTES }))
}

fn start(
    socket: Socket,
    State(files): State<Files>,
    Data(start): Data<Start>,
) -> Data<Answer<Started>> {
    Data(files.lock().start(*socket.id(), start, token(), Instant::now()).into())
}

fn chunk(
    socket: Socket,
    State(files): State<Files>,
    Data((id, offset, bytes)): Data<(u64, usize, Bytes)>,
) -> Data<Answer<Received>> {
    Data(receive(&socket, &files, id, offset, &bytes).into())
}

fn receive(
    socket: &Socket,
    files: &Files,
    id: u64,
    offset: usize,
    bytes: &[u8],
) -> Result<Received, Refusal> {
    let mut storage = files.lock();
    let received = storage.add(*socket.id(), id, offset, bytes, Instant::now())?;
    if let Some((file, removed)) = storage.finish(id, now()) {
        let everyone = socket.namespace();
        for id in removed {
            everyone.emit("file:removed", &id)?;
        }
        everyone.emit("file:added", file)?;
    }
    Ok(Received { received })
}

fn resume(
    socket: Socket,
    State(files): State<Files>,
    Data(Resume { id, token }): Data<Resume>,
) -> Data<Answer<Received>> {
    let received = files.lock().resume(*socket.id(), id, &token, Instant::now());
    Data(received.map(|received| Received { received }).into())
}

fn cancel(socket: Socket, State(files): State<Files>, Data(id): Data<u64>) -> Data<Answer<()>> {
    Data(files.lock().cancel(*socket.id(), id).into())
}

/// 32 digits that nobody can guess.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_millis().try_into().unwrap_or(u64::MAX)
}
