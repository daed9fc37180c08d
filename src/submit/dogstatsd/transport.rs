//! The ways to an Agent's `DogStatsD` listener: UDP, Unix datagrams, and a Unix stream with framed packets.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UdpSocket, UnixDatagram, UnixStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::config::DogstatsdAddress;

/// How long a full socket is waited for: an Agent that does not read for so long has trouble of its own.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long an address that a name stood for is used.
const RESOLVED_FOR: Duration = Duration::from_mins(1);
/// How long a name may take to be looked up while packets wait.
const LOOK_UP: Duration = Duration::from_secs(5);

/// What became of a packet.
#[derive(Debug)]
pub(super) enum Sent {
    /// The socket took it.
    Yes,
    /// It is lost; the connection is still good.
    Lost(io::Error),
    /// It is lost, and so is the connection.
    Broken(io::Error),
    /// It may be sent again over a new connection.
    Again(io::Error),
}

/// An open way to the listener.
#[derive(Debug)]
pub(super) enum Connection {
    Udp { socket: UdpSocket, until: Instant },
    UnixDatagram(UnixDatagram),
    UnixStream(UnixStream),
}

impl Connection {
    pub(super) async fn open(address: &DogstatsdAddress) -> io::Result<Self> {
        match address {
            DogstatsdAddress::Udp { host, port } => open_udp(host, *port).await,
            DogstatsdAddress::UnixDatagram(path) => open_datagram(path).map(Self::UnixDatagram),
            DogstatsdAddress::UnixStream(path) => {
                timeout(PATIENCE, UnixStream::connect(path)).await.map_err(io::Error::from)?.map(Self::UnixStream)
            }
        }
    }

    /// Looks the name up again when it is time to, and keeps to the address before if that fails.
    pub(super) async fn renewed(mut self, address: &DogstatsdAddress) -> Self {
        match &mut self {
            Self::Udp { until, .. } if Instant::now() >= *until => *until = Instant::now() + RESOLVED_FOR,
            _ => return self,
        }
        Self::open(address).await.unwrap_or(self)
    }

    /// Whether nothing holds a sender back that is faster than the listener.
    pub(super) fn needs_pacing(&self) -> bool {
        matches!(self, Self::Udp { .. })
    }

    pub(super) async fn send(&mut self, packet: &[u8]) -> Sent {
        match self {
            Self::Udp { socket, .. } => {
                let mut result = datagram(socket.send(packet)).await;
                if matches!(&result, Err(error) if error.kind() == ErrorKind::ConnectionRefused) {
                    // This tells of the packet before; the present one was not sent.
                    result = datagram(socket.send(packet)).await;
                }
                result.map_or_else(Sent::Lost, |()| Sent::Yes)
            }
            Self::UnixDatagram(socket) => match datagram(socket.send(packet)).await {
                Ok(()) => Sent::Yes,
                Err(error) if is_gone(&error) => Sent::Again(error),
                Err(error) => Sent::Lost(error),
            },
            Self::UnixStream(stream) => match framed(stream, packet).await {
                Ok(()) => Sent::Yes,
                // Part of the frame may have been written: nothing can follow it.
                Err(error) if error.kind() == ErrorKind::TimedOut => Sent::Broken(error),
                Err(error) => Sent::Again(error),
            },
        }
    }
}

/// What can be known of a listener without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Somebody listens at the socket.
    Socket,
    /// An empty packet was sent there, and nobody said no.
    Udp(SocketAddr),
    /// The machine there said that nobody listens.
    Nobody(SocketAddr),
}

/// Opens a way to the listener and closes it again.
pub(super) async fn reach(address: &DogstatsdAddress) -> io::Result<Reached> {
    let Connection::Udp { socket, .. } = Connection::open(address).await? else { return Ok(Reached::Socket) };
    let to = socket.peer_addr()?;
    socket.send(&[]).await?;
    match timeout(PATIENCE, socket.recv(&mut [0])).await {
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Ok(Reached::Nobody(to)),
        _ => Ok(Reached::Udp(to)),
    }
}

async fn open_udp(host: &str, port: u16) -> io::Result<Connection> {
    let none = || io::Error::new(ErrorKind::NotFound, "the name has no address");
    let found = timeout(LOOK_UP, lookup_host((host, port))).await.map_err(io::Error::from)?;
    let address = found?.next().ok_or_else(none)?;
    let own: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(address).await?;
    Ok(Connection::Udp { socket, until: Instant::now() + RESOLVED_FOR })
}

fn open_datagram(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

async fn datagram(send: impl Future<Output = io::Result<usize>>) -> io::Result<()> {
    timeout(PATIENCE, send).await.map_err(io::Error::from)?.map(|_| ())
}

async fn framed(stream: &mut UnixStream, packet: &[u8]) -> io::Result<()> {
    let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
    let mut frame = Vec::with_capacity(4 + packet.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(packet);
    timeout(PATIENCE, stream.write_all(&frame)).await.map_err(io::Error::from)?
}

/// Whether the listener is no longer, or not yet again, at its path.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_port(connection: &Connection) -> u16 {
        let Connection::Udp { socket, .. } = connection else { panic!("{connection:?}") };
        socket.local_addr().unwrap().port()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_looked_up_again_and_the_address_kept_if_that_fails() {
        let address = DogstatsdAddress::Udp { host: "127.0.0.1".into(), port: 9 };
        let connection = Connection::open(&address).await.unwrap();
        let first = own_port(&connection);
        let connection = connection.renewed(&address).await;
        assert_eq!(own_port(&connection), first);
        tokio::time::advance(RESOLVED_FOR).await;
        let connection = connection.renewed(&address).await;
        let second = own_port(&connection);
        assert_ne!(second, first);
        tokio::time::advance(RESOLVED_FOR).await;
        let gone = DogstatsdAddress::Udp { host: "agent.invalid".into(), port: 9 };
        let connection = connection.renewed(&gone).await;
        assert_eq!(own_port(&connection), second);
        // It is tried again after a while, not with each packet.
        let connection = connection.renewed(&address).await;
        assert_eq!(own_port(&connection), second);
    }
}
