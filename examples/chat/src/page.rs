/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served.
    pub path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// What is in it.
    pub body: &'static str,
}

/// All files of the page. The client, `socket.io.js`, is not among them: the Socket.IO server has
/// it.
pub const ASSETS: [Asset; 3] = [
    Asset {
        path: "/",
        content_type: "text/html; charset=utf-8",
        body: include_str!("../page/index.html"),
    },
    Asset {
        path: "/chat.js",
        content_type: "text/javascript; charset=utf-8",
        body: include_str!("../page/chat.js"),
    },
    Asset {
        path: "/style.css",
        content_type: "text/css; charset=utf-8",
        body: include_str!("../page/style.css"),
    },
];

/// The content type and the body of the file at this path.
pub fn asset(path: &str) -> Option<(&'static str, &'static str)> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    Some((asset.content_type, asset.body))
}
