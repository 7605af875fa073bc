//! File upload in actix-web: progress by acknowledgements, cancel, and resume after a reconnect.
//!
//! | from the client | with | acknowledged with `ok: true` and |
//! |---|---|---|
//! | `file:list` | nothing | `{ files, fileBytes }` |
//! | `upload:start` | `{ name, size, type }` | `{ id, token, chunkBytes }` |
//! | `upload:chunk` | id, offset, bytes | `{ received }` |
//! | `upload:resume` | `{ id, token }` | `{ received }` |
//! | `upload:cancel` | id | nothing more |
//!
//! Chunks come in order, each as long as `chunkBytes`, the last one as long as what is left; a
//! client may have several under way. After a reconnect it asks with the token for what the server
//! has, and goes on from there. What is refused is acknowledged with `{ ok: false, error }`, and
//! what does not have this form at all with the `{ error }` of the library.
//!
//! Everyone gets `file:added` with `{ id, name, size, type, time, downloads }`, `file:downloaded`
//! with an id and a count, and `file:removed` with an id. The files are at `/files/{id}/{name}`.

mod download;
mod handlers;
mod messages;
mod storage;

use std::{net::SocketAddr, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, Responder, get, rt, web};
use examples_common::{self as common, Asset};
use socketio_actix::SocketIo;

use crate::handlers::Files;

const ASSETS: &[Asset] = &[
    Asset::BASE,
    Asset::html("/", include_str!("../page/index.html")),
    Asset::js("/upload.js", include_str!("../page/upload.js")),
    Asset::css("/style.css", include_str!("../page/style.css")),
];

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let io = common::builder()?.build()?;
    let files = handlers::attach(&io);

    let server = HttpServer::new({
        let (io, files) = (io.clone(), files.clone());
        move || {
            App::new()
                .app_data(web::Data::new(files.clone()))
                .configure(socketio_actix::configure(&io))
                .configure(pages)
                .service(file)
        }
    })
    // A client that hangs up while it polls is noticed at once.
    .h1_allow_half_closed(false)
    .disable_signals();

    let listener = common::listener()?;
    greet(listener.local_addr()?);
    let server = server.listen(listener.into_std()?)?.run();
    let handle = server.handle();
    rt::spawn(async move {
        loop {
            rt::time::sleep(Duration::from_secs(10)).await;
            files.drop_idle();
        }
    });
    rt::spawn(async move {
        common::stopped().await;
        io.close().await;
        handle.stop(true).await;
    });
    Ok(server.await?)
}

#[get("/files/{id}/{name}")]
async fn file(
    path: web::Path<(u64, String)>,
    files: web::Data<Files>,
    io: web::Data<SocketIo>,
) -> impl Responder {
    let (id, name) = path.into_inner();
    let Some(file) = files.download(&io, id, &name) else {
        return HttpResponse::NotFound().body("there is no such file");
    };
    let mut response = HttpResponse::Ok();
    for header in download::headers(&file.name) {
        response.insert_header(header);
    }
    response.body(file.bytes)
}

fn pages(config: &mut web::ServiceConfig) {
    for asset in ASSETS {
        let page = async || HttpResponse::Ok().content_type(asset.content_type).body(asset.body);
        config.route(asset.path, web::get().to(page));
    }
}

fn greet(address: SocketAddr) {
    common::greet(
        "upload",
        format_args!("http://{address}"),
        &[
            "Open it in two windows, and drop some files into one of them.",
            "Watch the other: whoever has the page open sees what has arrived, and can get it.",
            "Cut the connection during an upload: it goes on where it was.",
        ],
    );
}
