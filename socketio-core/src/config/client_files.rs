use std::{
    fs,
    hash::{DefaultHasher, Hasher},
    path::Path,
};

use bytes::Bytes;
use http::HeaderValue;

use super::ConfigError;

/// The files that Node serves. Each may have a source map.
const CLIENT_FILES: [&str; 4] =
    ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"];

/// A file of the browser client, in memory.
#[derive(Clone, Debug)]
pub(crate) struct ClientFile {
    pub(crate) name: String,
    pub(crate) body: Bytes,
    /// Tells one content from another, so that browsers need not load a file again.
    pub(crate) etag: HeaderValue,
}

impl ClientFile {
    fn new(name: String, body: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(&body);
        let etag = format!("\"{:016x}\"", hasher.finish());
        let etag = HeaderValue::try_from(etag).expect("quoted digits are a header value");
        Self { name, body: body.into(), etag }
    }
}

pub(super) fn read(directory: &Path) -> Result<Vec<ClientFile>, ConfigError> {
    let mut files = Vec::new();
    for name in CLIENT_FILES {
        let path = directory.join(name);
        let body = fs::read(&path).map_err(|error| ConfigError::ClientFiles { path, error })?;
        files.push(ClientFile::new(name.to_owned(), body));
        let map = format!("{name}.map");
        if let Ok(body) = fs::read(directory.join(&map)) {
            files.push(ClientFile::new(map, body));
        }
    }
    Ok(files)
}
