//! A node of a cluster, with the same handlers as `conformance/cluster/node-server.js`.

mod emitter;
mod operations;
mod options;
mod selection;

use std::time::Duration;

use socketio_core::{Namespace, NamespaceRequest, SocketIo};

pub(crate) use self::options::NodeOptions;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A node that is known by its port.
pub(crate) fn server(options: &NodeOptions, port: u16) -> SocketIo {
    let redis = options.redis().expect("the address of Redis");
    let builder = SocketIo::builder().request_timeout(REQUEST_TIMEOUT);
    let io = options.connect(builder, &redis).build().expect("valid options");
    io.insert_state(operations::Port(port));
    io.insert_state(options.emitter(&redis));
    io.on_error(|report| eprintln!("{report}"));
    for name in ["/", "/custom"] {
        add(&io.of(name));
    }
    let is_story = |request: NamespaceRequest| request.name().starts_with("/story-");
    io.of_dynamic(is_story, add);
    io
}

fn add(namespace: &Namespace) {
    operations::add(namespace);
    emitter::add(namespace);
}
