/// A file of a page.
///
/// The client, `socket.io.js`, is none of them: the Socket.IO server has it.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// What is in it.
    pub body: &'static str,
}

impl Asset {
    /// The stylesheet that all pages begin with, `/base.css`.
    pub const BASE: Self = Self::css("/base.css", include_str!("../page/base.css"));

    /// A stylesheet.
    pub const fn css(path: &'static str, body: &'static str) -> Self {
        Self { path, content_type: "text/css; charset=utf-8", body }
    }

    /// A page.
    pub const fn html(path: &'static str, body: &'static str) -> Self {
        Self { path, content_type: "text/html; charset=utf-8", body }
    }

    /// A script.
    pub const fn js(path: &'static str, body: &'static str) -> Self {
        Self { path, content_type: "text/javascript; charset=utf-8", body }
    }

    /// The one with this path.
    pub fn find(assets: &[Self], path: &str) -> Option<Self> {
        assets.iter().find(|asset| asset.path == path).copied()
    }
}

/// Routes to these files, in axum.
#[cfg(feature = "axum")]
pub fn router(assets: &'static [Asset]) -> axum::Router {
    use axum::{http::header::CONTENT_TYPE, routing::get};

    assets.iter().fold(axum::Router::new(), |router, asset| {
        let response = ([(CONTENT_TYPE, asset.content_type)], asset.body);
        router.route(asset.path, get(async move || response))
    })
}

/// Routes to these files, in warp.
#[cfg(feature = "warp")]
pub fn routes(
    assets: &'static [Asset],
) -> impl warp::Filter<Extract = (impl warp::Reply,), Error = warp::Rejection> + Copy {
    use warp::{Filter, Rejection, http::header::CONTENT_TYPE, path::FullPath, reject, reply};

    warp::get().and(warp::path::full()).and_then(move |path: FullPath| async move {
        let asset = Asset::find(assets, path.as_str()).ok_or_else(reject::not_found)?;
        Ok::<_, Rejection>(reply::with_header(asset.body, CONTENT_TYPE, asset.content_type))
    })
}
