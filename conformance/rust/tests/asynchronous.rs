//! The asynchronous client. Each story is told for every way in which it reaches a server.

use conformance_rust::{Client, Options, Server, WAYS};
use rust_socketio::Payload;
use serde_json::json;

#[tokio::test]
async fn the_server_knows_the_transport_and_the_namespace() {
    let server = Server::start().await;
    for (way, transport) in WAYS {
        for namespace in ["/", "/custom", "/dyn-7"] {
            let options = Options { namespace, ..Options::default() };
            let client = Client::connect_with(&server, way.clone(), options).await;
            let me = &client.ask("whoami", json!(null)).await[0][0];
            assert_eq!((&me["nsp"], &me["transport"]), (&json!(namespace), &json!(transport)));
        }
    }
}

#[tokio::test]
async fn the_auth_payload_arrives() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let auth = json!({"token": "é", "nested": [1, null]});
        let options = Options { auth: Some(auth.clone()), ..Options::default() };
        let mut client = Client::connect_with(&server, way, options).await;
        assert_eq!(client.next_text("auth").await, json!([auth]));
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        for (namespace, why) in [("/auth", "not authorized"), ("/unknown", "Invalid namespace")] {
            let options = Options { namespace, auth: Some(json!({"token": "bad"})) };
            let mut client = Client::begin(&server, way.clone(), options).await;
            let error = client.next_text("error").await.to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn messages_come_back_as_they_were() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let mut client = Client::connect(&server, way).await;
        let args = json!(["Größe", 1, -0.5, true, null, [], {"a": ["てすと"]}]);
        let payload = Payload::Text(args.as_array().expect("a list").clone());
        client.emit("message", payload).await;
        assert_eq!(client.next_text("message-back").await, args);

        // The client takes that byte for a separator, on a websocket too.
        let bytes: Vec<u8> = (0..=255).filter(|&byte| byte != 0x1E).collect();
        client.emit("message", bytes.clone()).await;
        assert_eq!(client.next("message-back").await, Payload::from(bytes));
    }
}

#[tokio::test]
async fn large_messages_come_back_whole() {
    let server = Server::start().await;
    // The client takes each piece of a response for a whole one, so it cannot poll them.
    for (way, _) in WAYS.into_iter().filter(|(_, transport)| *transport == "websocket") {
        let mut client = Client::connect(&server, way).await;
        let text = json!("abcdefghi ".repeat(90_000));
        client.emit("message", text.clone()).await;
        assert!(client.next_text("message-back").await == json!([text]));

        let bytes = vec![0xA5; 900_000];
        client.emit("message", bytes.clone()).await;
        assert!(client.next("message-back").await == Payload::from(bytes));
    }
}

#[tokio::test]
async fn three_hundred_messages_come_back_in_order() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let mut client = Client::connect(&server, way).await;
        for number in 0..300 {
            client.emit("message", json!(number)).await;
        }
        for number in 0..300 {
            assert_eq!(client.next_text("message-back").await, json!([number]));
        }
    }
}

#[tokio::test]
async fn the_server_acknowledges() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let client = Client::connect(&server, way).await;
        // The client takes what it is given for one argument.
        assert_eq!(client.ask("message-with-ack", json!({"a": "é"})).await, json!([[{"a": "é"}]]));
    }
}

#[tokio::test]
async fn rooms_and_broadcasts_reach_whom_they_should() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let options = Options { namespace: "/dyn-1", ..Options::default() };
        let connect = || Client::connect_with(&server, way.clone(), options.clone());
        let (mut sender, mut member) = (connect().await, connect().await);
        assert_eq!(member.ask("join", json!("room")).await, json!([["ok"]]));
        let message = Payload::Text(vec![json!("room"), json!("for members")]);
        sender.emit("room-emit", message).await;
        assert_eq!(member.next_text("room-msg").await, json!(["for members"]));
        sender.emit("broadcast", json!("for others")).await;
        assert_eq!(member.next_text("broadcast-msg").await, json!(["for others"]));
        sender.ask("message-with-ack", json!(null)).await;
        assert!(sender.has_none("room-msg") && sender.has_none("broadcast-msg"));
        sender.disconnect().await;
        member.disconnect().await;
    }
}

#[tokio::test]
async fn both_sides_disconnect() {
    let server = Server::start().await;
    for (way, _) in WAYS {
        let client = Client::connect(&server, way.clone()).await;
        let id = client.ask("whoami", json!(null)).await[0][0]["id"].clone();
        client.disconnect().await;

        let mut other = Client::connect(&server, way).await;
        let reason = loop {
            let reason = other.ask("reason-of", id.clone()).await[0][0].clone();
            if !reason.is_null() {
                break reason;
            }
        };
        assert_eq!(reason, json!("client namespace disconnect"));

        other.emit("bye", json!(null)).await;
        other.next("close").await;
    }
}

#[tokio::test]
async fn the_client_comes_back_to_a_server_that_was_restarted() {
    let mut server = Server::start().await;
    for (way, _) in WAYS {
        let mut client = Client::connect(&server, way).await;
        server.restart().await;
        client.next("connect").await;
        assert_eq!(client.ask("message-with-ack", json!("back")).await, json!([["back"]]));
    }
}
