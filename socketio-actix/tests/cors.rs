//! CORS by actix-cors.

#[path = "../../socketio-tower/tests/stories/cors.rs"]
mod stories;
#[macro_use]
mod support;

use actix_cors::Cors;
use actix_web::{App, web};
use http::header;
use socketio_actix::{SocketIo, middleware, service};

use stories::PAGE;
use support::{POLLING, Server, echo, request};

fn cors() -> Cors {
    Cors::default().allowed_origin(PAGE).allowed_methods(["GET", "POST"]).supports_credentials()
}

async fn server(io: &SocketIo) -> Server {
    let io = io.clone();
    serve!(App::new().wrap(cors()).service(service(&io)).route("/", web::get().to(async || "home")))
}

#[tokio::test]
async fn a_middleware_is_subject_to_it_as_well() {
    let io = echo();
    let server = serve!(App::new().wrap(middleware(&io)).wrap(cors()));
    let open = server.send(request("GET", POLLING, &[("origin", PAGE)])).await;
    open.sid();
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(open.headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
}
