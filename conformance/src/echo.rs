use std::time::Duration;

use socketio_core::{EngineIo, EngineSocket};

/// Sends every message back.
pub(crate) fn server(
    ping_interval: Duration,
    ping_timeout: Duration,
    allow_eio3: bool,
) -> EngineIo {
    EngineIo::builder()
        .allow_eio3(allow_eio3)
        .ping_interval(ping_interval)
        .ping_timeout(ping_timeout)
        .build_engine(|mut socket: EngineSocket| async move {
            while let Some(message) = socket.recv().await {
                if socket.send(message).is_err() {
                    break;
                }
            }
        })
        .expect("valid options")
}
