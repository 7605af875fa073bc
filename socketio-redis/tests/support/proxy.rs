use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use socketio_redis::Target;

/// A network to a server that can be cut.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<AtomicU8>,
}

/// What becomes of connections, those that are open and new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Network {
    /// All arrives.
    Whole,
    /// Connections are closed at once.
    Closed,
    /// Nothing arrives, and nobody is told.
    Silent,
    /// The proxy is gone.
    Over,
}

impl Proxy {
    pub(crate) fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(AtomicU8::new(Network::Whole as u8));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.load(SeqCst) == Network::Over as u8 {
                    break;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port)))
                else {
                    continue;
                };
                let clones = (client.try_clone(), server.try_clone());
                let (Ok(client_end), Ok(server_end)) = clones else { continue };
                let (there, back) = (Arc::clone(&shared), Arc::clone(&shared));
                thread::spawn(move || forward(client, server, &there));
                thread::spawn(move || forward(server_end, client_end, &back));
            }
        });
        Self { address, state }
    }

    pub(crate) fn set(&self, network: Network) {
        self.state.store(network as u8, SeqCst);
    }

    pub(crate) fn target(&self) -> Target {
        Target::server(format!("redis://{}/", self.address)).expect("a URL")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Network::Over);
        // It waits for a connection, and then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8) {
    let mut buffer = vec![0; 64 * 1024];
    let is = |network: Network| state.load(SeqCst) == network as u8;
    from.set_read_timeout(Some(Duration::from_millis(10))).expect("a time-out");
    while !is(Network::Closed) && !is(Network::Over) {
        let length = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => break,
        };
        while is(Network::Silent) {
            thread::sleep(Duration::from_millis(10));
        }
        if is(Network::Closed) || is(Network::Over) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // The other end may be closed already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
