use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

/// So many clients connect from one address, each of them with up to two connections at a time. An
/// address has some 28,000 ports for them.
const CLIENTS: usize = 10_000;

/// From a client to a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    source: Ipv4Addr,
    server: SocketAddrV4,
}

impl Route {
    /// All of 127.0.0.0/8 is this machine. Each server's port has clients' addresses of its own, as
    /// the ports of connections that have just been closed are not free yet.
    ///
    /// # Errors
    /// No address is left for a client with this number.
    pub(crate) fn new(server: SocketAddrV4, client: usize) -> io::Result<Self> {
        let [high, low] = server.port().to_be_bytes();
        let number = u8::try_from(1 + client / CLIENTS);
        let number = number.map_err(|_| io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { source: Ipv4Addr::new(127, high, low, number), server })
    }

    pub(crate) fn connect(self) -> io::Result<TcpStream> {
        let (family, kind) = (AddressFamily::INET, SocketType::STREAM);
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrV4::new(self.source, 0))?;
        connect(&socket, &self.server)?;
        Ok(socket.into())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    #[test]
    fn more_clients_come_from_more_addresses() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let Ok(SocketAddr::V4(server)) = listener.local_addr() else { panic!("no address") };
        let sources = [0, CLIENTS - 1, CLIENTS, 20 * CLIENTS].map(|client| {
            let route = Route::new(server, client).expect("an address");
            let connected = route.connect().expect("a connection");
            let (_, peer) = listener.accept().expect("a connection");
            assert_eq!(connected.local_addr().ok(), Some(peer));
            peer.ip()
        });
        assert_eq!(sources[0], sources[1]);
        assert!(sources[0] < sources[2] && sources[2] < sources[3]);
        assert!(Route::new(server, 255 * CLIENTS).is_err());
    }
}
