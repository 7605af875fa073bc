use std::time::Duration;

use socketio_warp::SocketIo;
use tokio::{
    sync::oneshot,
    time::{self, MissedTickBehavior},
};

use crate::{
    handlers::Board,
    market::{Beat, Market},
};

/// Moves the market on and tells the clients, until `stop` is sent or its sender is dropped.
///
/// Its handle to the server goes with it when it ends. A task that nobody ends keeps its server,
/// and whatever handlers it has.
pub(crate) async fn run(
    io: SocketIo,
    board: Board,
    period: Duration,
    mut stop: oneshot::Receiver<()>,
) {
    let mut beats = time::interval(period);
    // After a pause it goes on; it does not make up for what was missed.
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = &mut stop => break,
            _ = beats.tick() => tell(&io, &board, Market::beat),
        }
    }
    tell(&io, &board, Market::close);
}

/// Ticks are worth nothing when the next ones are there, so they are volatile. Of what is told once
/// nothing may be lost.
fn tell(io: &SocketIo, board: &Board, change: impl Fn(&mut Market) -> Beat) {
    let mut market = board.lock();
    let told = match change(&mut market) {
        Beat::Closed(day) => io.emit("closed", &day),
        Beat::Nothing => Ok(()),
        Beat::Opened(day) => io.emit("opened", &day),
        Beat::Ticks(ticks) => {
            ticks.iter().try_for_each(|tick| io.to(tick.symbol).volatile().emit("tick", tick))
        }
    };
    told.expect("what happens is JSON");
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use socketio_core::testing::{TestClient, TestServer};

    use super::*;
    use crate::handlers;

    fn serve() -> (TestServer, Board) {
        let server = TestServer::new(SocketIo::builder());
        let board = Board::default();
        handlers::attach(server.io(), &board);
        (server, board)
    }

    fn connect(server: &TestServer, symbol: &str) -> TestClient {
        let client = server.connect();
        assert_eq!(client.expect::<Value>("market")["open"], json!(true));
        assert_eq!(client.ask::<Value>("subscribe", symbol)["symbol"], json!(symbol));
        client
    }

    #[test]
    fn a_tick_goes_to_the_room_of_its_stock() {
        let (server, board) = serve();
        let (crab, ferris) = (connect(&server, "CRAB"), connect(&server, "FERR"));
        tell(server.io(), &board, Market::beat);
        server.run();
        assert_eq!(crab.expect::<Value>("tick")["symbol"], json!("CRAB"));
        assert_eq!(ferris.expect::<Value>("tick")["symbol"], json!("FERR"));
        crab.expect_nothing();
        ferris.expect_nothing();
    }

    #[test]
    fn who_lags_misses_ticks_and_not_the_end_of_the_day() {
        let (server, board) = serve();
        let client = connect(&server, "CRAB");
        client.connection().stop_reading(true);
        while board.lock().overview().open {
            tell(server.io(), &board, Market::beat);
            server.run();
        }
        tell(server.io(), &board, Market::close);
        client.connection().stop_reading(false);
        let events: Vec<String> =
            std::iter::from_fn(|| client.next_event()).map(|event| event.name).collect();
        let (last, ticks) = events.split_last().expect("the end of the day");
        assert_eq!(last, "closed");
        assert!(ticks.len() < 10, "{} of 480 ticks waited", ticks.len());
    }

    #[test]
    fn a_price_is_in_the_answer_or_comes_after_it() {
        let (server, board) = serve();
        let client = connect(&server, "CRAB");
        tell(server.io(), &board, Market::beat);
        server.run();
        let price = client.expect::<Value>("tick")["price"].clone();
        let again = client.ask::<Value>("subscribe", "CRAB");
        assert_eq!(again["history"].as_array().and_then(|history| history.last()), Some(&price));
        client.expect_nothing();
    }
}
