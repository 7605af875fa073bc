//! Over TLS, by actix-web's own rustls.

mod support;

use std::sync::Arc;

use actix_web::{App, HttpServer};
use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::PrivateKeyDer};
use socketio_actix::{Data, Extension, SocketIo, service};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;

use support::within;

#[tokio::test]
async fn a_websocket_over_tls() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = key.cert.der().clone();
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .expect("a certificate");

    let io = SocketIo::new();
    io.on("scheme", |Extension(info): Extension<actix_web::dev::ConnectionInfo>| {
        Data(info.scheme().to_owned())
    });
    let server = support::listen(|listener| {
        HttpServer::new(move || App::new().service(service(&io)))
            .disable_signals()
            .listen_rustls_0_23(listener, server)
            .expect("a listener")
            .run()
    });

    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(client));
    within("the answer", async {
        let connection = TcpStream::connect(server.0).await.expect("a connection");
        let name = "localhost".try_into().expect("a name");
        let connection = connector.connect(name, connection).await.expect("TLS");
        let uri = "wss://localhost/socket.io/?EIO=4&transport=websocket";
        let (mut websocket, _) =
            tokio_tungstenite::client_async(uri, connection).await.expect("a websocket");
        let mut next = async |message: Option<&str>| {
            if let Some(message) = message {
                websocket.send(Message::text(message)).await.expect("an open websocket");
            }
            let next = websocket.next().await.expect("an open websocket").expect("a message");
            next.into_text().expect("text").to_string()
        };
        assert!(next(None).await.starts_with("0{"));
        assert!(next(Some("40")).await.starts_with("40{"));
        assert_eq!(next(Some(r#"420["scheme"]"#)).await, r#"430["https"]"#);
    })
    .await;
}
