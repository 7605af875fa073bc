use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use examples_common::{Answer, nickname};
use socketio_axum::{AckOf, Data, EmitError, Socket, SocketIo, State};

use crate::{
    board::{Board, Pen, Points},
    messages::{
        Clear, Cleared, Cursor, Draw, Drawn, Entered, Extend, Extended, Join, Joined, Left, Point,
        Refusal, Removed, Stroke, Undo,
    },
};

/// The room of everyone who has the drawing.
const ROOM: &str = "board";

/// Registers the whiteboard.
pub(crate) fn attach(io: &SocketIo) {
    io.insert_state(Shared::default());
    io.on_event(join);
    io.on_event(stroke);
    io.on_event(extend);
    io.on_event(undo);
    io.on_event(clear);
    io.on_event(cursor);
    io.on_disconnect(disconnect);
    io.on_error(|report| eprintln!("{report}"));
}

/// What all handlers share.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Whiteboard>>);

#[derive(Default)]
struct Whiteboard {
    board: Board,
    people: usize,
    last_person: u64,
}

impl Shared {
    /// Whoever changes the drawing sends what comes of it before giving the lock back: all clients
    /// see one order. Nobody waits for long, as an emit only queues.
    fn lock(&self) -> MutexGuard<'_, Whiteboard> {
        self.0.lock().expect("nothing panics under this lock")
    }
}

/// Who a socket is once it has joined; kept with the socket.
#[derive(Clone)]
struct Person {
    id: u64,
    nickname: String,
}

/// The stroke that a socket draws at, or drew last.
#[derive(Clone, Copy)]
struct UnderWay(u64);

fn person(socket: &Socket) -> Result<Person, Refusal> {
    socket.extensions().get().ok_or(Refusal::NotJoined)
}

/// Takes the [`AckOf`] to answer while the lock is held: a stroke is either in the drawing, or it
/// comes after the answer.
fn join(
    socket: Socket,
    State(shared): State<Shared>,
    Data(Join(asked)): Data<Join>,
    ack: AckOf<Join>,
) -> Result<(), EmitError> {
    let nickname = match nickname(&asked) {
        Ok(nickname) => nickname.to_owned(),
        Err(refusal) => return ack.send(&Err(refusal).into()),
    };
    let mut whiteboard = shared.lock();
    let person = match socket.extensions().get() {
        Some(person) => Person { nickname, ..person },
        None => enter(&socket, &mut whiteboard, nickname)?,
    };
    socket.extensions().insert(person.clone());
    let Person { id: person, nickname } = person;
    let (people, drawing) = (whiteboard.people, whiteboard.board.pack());
    ack.send(&Answer::ok(Entered { person, nickname, people, drawing }))
}

fn enter(
    socket: &Socket,
    whiteboard: &mut Whiteboard,
    nickname: String,
) -> Result<Person, EmitError> {
    whiteboard.people += 1;
    whiteboard.last_person += 1;
    let (person, people) = (whiteboard.last_person, whiteboard.people);
    socket.join(ROOM);
    socket.to(ROOM).emit_event(&Joined { person, nickname: &nickname, people })?;
    Ok(Person { id: person, nickname })
}

/// Answers under the lock, as [`join`] does: who draws knows the id of the stroke before anything
/// else is said about it.
fn stroke(
    socket: Socket,
    State(shared): State<Shared>,
    Data(draw): Data<Draw>,
    ack: AckOf<Draw>,
) -> Result<(), EmitError> {
    // If it is refused, what extends it must not extend the one before.
    socket.extensions().remove::<UnderWay>();
    let mut whiteboard = shared.lock();
    let answer = begin(&socket, &mut whiteboard.board, draw);
    ack.send(&answer.into())
}

fn begin(socket: &Socket, board: &mut Board, draw: Draw) -> Result<Stroke, Refusal> {
    let owner = person(socket)?.id;
    let pen = Pen::try_from(&draw)?;
    let points = Points::try_from(draw.points)?;
    let id = board.begin(owner, pen, &points);
    socket.extensions().insert(UnderWay(id));
    let Pen { colour, width } = pen;
    let drawn = Drawn { id, colour, width, points: points.packed() };
    socket.to(ROOM).emit_event(&drawn)?;
    trim(socket, board)?;
    Ok(Stroke { id })
}

/// Returns its answer, which is the acknowledgement then, if the client asked for one.
fn extend(
    socket: Socket,
    State(shared): State<Shared>,
    Data(Extend(points)): Data<Extend>,
) -> Data<Answer<()>> {
    Data(go_on(&socket, &shared, points).into())
}

fn go_on(socket: &Socket, shared: &Shared, points: Bytes) -> Result<(), Refusal> {
    let UnderWay(id) = socket.extensions().get().ok_or(Refusal::NoStroke)?;
    let points = Points::try_from(points)?;
    let board = &mut shared.lock().board;
    board.extend(id, &points)?;
    socket.to(ROOM).emit_event(&Extended { id, points: points.packed() })?;
    Ok(trim(socket, board)?)
}

/// Keeps the drawing within its bounds, on the pages too.
fn trim(socket: &Socket, board: &mut Board) -> Result<(), EmitError> {
    match board.trim() {
        dropped if dropped.is_empty() => Ok(()),
        dropped => socket.io().to(ROOM).emit_event(&Removed(&dropped)),
    }
}

fn undo(
    socket: Socket,
    State(shared): State<Shared>,
    Data(Undo): Data<Undo>,
) -> Data<Answer<Stroke>> {
    Data(take_back(&socket, &shared).into())
}

fn take_back(socket: &Socket, shared: &Shared) -> Result<Stroke, Refusal> {
    let owner = person(socket)?.id;
    let board = &mut shared.lock().board;
    let id = board.undo(owner)?;
    socket.io().to(ROOM).emit_event(&Removed(&[id]))?;
    Ok(Stroke { id })
}

fn clear(
    socket: Socket,
    State(shared): State<Shared>,
    Data(Clear): Data<Clear>,
) -> Data<Answer<()>> {
    Data(wipe(&socket, &shared).into())
}

fn wipe(socket: &Socket, shared: &Shared) -> Result<(), Refusal> {
    let Person { nickname, .. } = person(socket)?;
    let board = &mut shared.lock().board;
    board.clear();
    Ok(socket.io().to(ROOM).emit_event(&Cleared { nickname: &nickname })?)
}

/// Where a cursor was is of no interest later, so it is volatile: not queued for clients that lag.
fn cursor(socket: Socket, Data(Point(x, y)): Data<Point>) -> Result<(), EmitError> {
    let Ok(Person { id: person, nickname }) = person(&socket) else {
        return Ok(());
    };
    socket.to(ROOM).volatile().emit_event(&Cursor { person, nickname: &nickname, x, y })
}

fn disconnect(socket: Socket, State(shared): State<Shared>) -> Result<(), EmitError> {
    let Ok(Person { id: person, nickname }) = person(&socket) else {
        return Ok(());
    };
    let mut whiteboard = shared.lock();
    whiteboard.people -= 1;
    let people = whiteboard.people;
    socket.to(ROOM).emit_event(&Left { person, nickname: &nickname, people })
}
