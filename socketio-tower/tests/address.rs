//! The client's address, which only the HTTP server under the stack knows.

mod support;

use std::net::SocketAddr;

use http::Request;
use socketio_tower::{Data, Handshake, PeerAddr, SocketIo, SocketIoLayer};
use tower::{Layer, ServiceBuilder, service_fn};

use support::{Server, inner, serve, serve_each};

const ASK: &str = r#"420["address"]"#;

fn io() -> SocketIo {
    let io = SocketIo::new();
    io.on("address", |handshake: Handshake| Data(handshake.address()));
    io
}

/// Serves with something of each client's address in its requests' extensions.
async fn serve_with<T>(layer: SocketIoLayer, extension: fn(SocketAddr) -> T) -> Server
where
    T: Clone + Send + Sync + 'static,
{
    serve_each(move |peer| {
        ServiceBuilder::new()
            .map_request(move |mut request: Request<_>| {
                request.extensions_mut().insert(extension(peer));
                request
            })
            .layer(layer.clone())
            .service_fn(inner)
    })
    .await
}

/// Asks by both transports for the address, and expects that of the first request.
async fn knows_its_clients(server: Server) {
    let polling = server.polling("/socket.io").await;
    assert_eq!(polling.ask(ASK).await, format!(r#"430["{}"]"#, polling.from));
    let mut websocket = server.websocket("/socket.io").await;
    websocket.join().await;
    assert_eq!(websocket.ask(ASK).await, format!(r#"430["{}"]"#, websocket.from));
}

#[tokio::test]
async fn a_socket_address_is_found() {
    knows_its_clients(serve_with(SocketIoLayer::new(&io()), |peer| peer).await).await;
}

#[tokio::test]
async fn a_peer_address_is_taken_as_it_is() {
    knows_its_clients(serve_with(SocketIoLayer::new(&io()), PeerAddr).await).await;
}

#[tokio::test]
async fn another_type_is_found_where_the_hook_says() {
    #[derive(Clone)]
    struct Client {
        address: SocketAddr,
    }
    let layer = SocketIoLayer::new(&io())
        .address(|extensions| extensions.get::<Client>().map(|client| client.address));
    knows_its_clients(serve_with(layer, |address| Client { address }).await).await;
}

#[tokio::test]
async fn without_any_there_is_no_address() {
    let server = serve(SocketIoLayer::new(&io()).layer(service_fn(inner))).await;
    assert_eq!(server.polling("/socket.io").await.ask(ASK).await, "430[null]");
}
