use std::sync::{Arc, Mutex, MutexGuard};

use examples_common::Answer;
use socketio_warp::{Ack, Data, EmitError, Socket, SocketIo, State};

use crate::{market::Market, messages::Done};

const SEED: u64 = 1792;

/// Registers the handlers. None of them captures `io`: one that needs it takes it as an argument.
pub(crate) fn attach(io: &SocketIo, board: &Board) {
    io.insert_state(board.clone());
    io.on_connect(welcome);
    io.on("subscribe", subscribe);
    io.on("unsubscribe", unsubscribe);
    io.on_error(|report| eprintln!("{report}"));
}

/// What the handlers and the task share.
#[derive(Clone, Debug)]
pub(crate) struct Board(Arc<Mutex<Market>>);

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Market::new(SEED))))
    }
}

impl Board {
    /// The task broadcasts what has changed before it gives the lock back, and the handlers answer
    /// before they do: a price is either in the answer, or its tick comes after it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Market> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

/// Returns no `Result`, so that it runs when the client is in: what the task broadcasts from here on
/// reaches it.
fn welcome(socket: Socket, State(board): State<Board>) {
    let market = board.lock();
    // Who is gone again does not miss it.
    let _ = socket.emit("market", &market.overview());
}

fn subscribe(
    socket: Socket,
    State(board): State<Board>,
    Data(symbol): Data<String>,
    ack: Ack,
) -> Result<(), EmitError> {
    let market = board.lock();
    let snapshot = market.snapshot(&symbol);
    if let Ok(snapshot) = &snapshot {
        socket.join(snapshot.symbol);
    }
    ack.send(&Answer::from(snapshot))
}

fn unsubscribe(
    socket: Socket,
    State(board): State<Board>,
    Data(symbol): Data<String>,
) -> Data<Answer<Done>> {
    let left = board.lock().snapshot(&symbol).map(|snapshot| {
        socket.leave(snapshot.symbol);
        Done {}
    });
    Data(left.into())
}
