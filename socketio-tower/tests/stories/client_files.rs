//! The browser client's files, as on Node: the same in every framework.

use http::{StatusCode, header};

use crate::support::{Answer, POLLING, Server, echo_with, request, serve_io, with_client_files};

/// Each file has a source map.
const FILES: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

async fn server() -> Server {
    serve_io(&echo_with(with_client_files())).await
}

async fn get(server: Server, file: &str, headers: &[(&str, &str)]) -> Answer {
    server.send(request("GET", &format!("/socket.io/{file}"), headers)).await
}

#[tokio::test]
async fn scripts_and_their_source_maps_are_served() {
    let server = server().await;
    for file in FILES {
        let maps = format!("{file}.map");
        for (file, content_type) in [
            (file, "application/javascript; charset=utf-8"),
            (&maps, "application/json; charset=utf-8"),
        ] {
            let answer = get(server, file, &[]).await;
            assert_eq!(answer.status, StatusCode::OK, "{file}");
            assert_eq!(answer.headers[header::CONTENT_TYPE], content_type);
            assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=0");
            assert!(answer.text().starts_with(&format!("// {file}\n")), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn one_who_has_the_file_does_not_get_it_again() {
    let server = server().await;
    let etag = get(server, "socket.io.js", &[]).await.headers[header::ETAG].clone();
    let etag = etag.to_str().expect("text");
    for known in [etag, &format!("W/{etag}"), &format!("\"another\", {etag}"), "*"] {
        let answer = get(server, "socket.io.js", &[("if-none-match", known)]).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::NOT_MODIFIED, ""), "{known}");
        assert_eq!(answer.headers[header::ETAG], etag);
    }
    for other in ["\"another\"", "W/\"another\""] {
        let answer = get(server, "socket.io.js", &[("if-none-match", other)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{other}");
    }
    let minified = get(server, "socket.io.min.js", &[("if-none-match", etag)]).await;
    assert_eq!(minified.status, StatusCode::OK, "another file has another tag");
}

#[tokio::test]
async fn a_head_gets_what_a_get_would_but_for_the_body() {
    let server = server().await;
    let got = get(server, "socket.io.js", &[]).await;
    let head = server.send(request("HEAD", "/socket.io/socket.io.js", &[])).await;
    assert_eq!((head.status, head.text()), (StatusCode::OK, ""));
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CACHE_CONTROL, header::ETAG]
    {
        assert_eq!(head.headers.get(&name), got.headers.get(&name), "{name}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_a_request_of_the_protocol() {
    let server = server().await;
    for file in ["other.js", "socket.io.js.map.map", "package.json", ""] {
        assert_eq!(get(server, file, &[]).await.status, StatusCode::BAD_REQUEST, "{file:?}");
    }
    let posted = server.post("/socket.io/socket.io.js", "").await;
    assert_eq!(posted.status, StatusCode::BAD_REQUEST);
    server.get(POLLING).await.sid();
}
