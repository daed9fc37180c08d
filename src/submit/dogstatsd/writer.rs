//! The task that writes packets: connects, connects again after a failure, and does not outrun a listener over UDP.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::outbox::Outbox;
use super::transport::{Connection, Sent};
use crate::config::DogstatsdAddress;

/// Waits between attempts to connect, doubling from the first to the second figure.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(1));
/// Packets that are sent over UDP without a pause: half of what a socket's usual receive buffer holds.
const BURST: u32 = 64;
/// The pause after a burst.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes until the outbox is closed and empty.
pub(super) async fn write(address: DogstatsdAddress, outbox: Arc<Outbox>) {
    let shown = address.to_string();
    let out_of_reach =
        |error: &std::io::Error| format!("`{shown}` cannot be reached: {error}; is an Agent listening there?");
    let not_taken = |error: &std::io::Error| format!("`{shown}` did not take a packet: {error}");
    let mut connection: Option<Connection> = None;
    let mut wait = RECONNECT.0;
    let mut burst = 0;
    let mut trouble = Trouble::default();
    while let Some(packet) = outbox.take().await {
        let opened = match connection.take() {
            Some(open) => Ok(open.renewed(&address).await),
            None => Connection::open(&address).await,
        };
        let sent = match opened {
            Ok(mut open) => {
                let sent = open.send(&packet.bytes).await;
                connection = Some(open);
                sent
            }
            Err(error) => Sent::Again(error),
        };
        match sent {
            Sent::Yes => {
                outbox.sent();
                trouble.ends(&shown);
                wait = RECONNECT.0;
            }
            Sent::Lost(error) => {
                let message = not_taken(&error);
                trouble.begins(&message);
                outbox.lost(message);
            }
            Sent::Broken(error) => {
                connection = None;
                let message = not_taken(&error);
                trouble.begins(&message);
                outbox.lost(message);
            }
            Sent::Again(error) => {
                connection = None;
                let message = out_of_reach(&error);
                trouble.begins(&message);
                outbox.unreachable(message);
                sleep(wait).await;
                wait = (wait * 2).min(RECONNECT.1);
            }
        }
        let Some(open) = &connection else { continue };
        burst += 1;
        if open.needs_pacing() && burst >= BURST {
            burst = 0;
            sleep(PAUSE).await;
        }
    }
}

/// Whether packets went wrong last, so that only changes are said.
#[derive(Debug, Default)]
struct Trouble(bool);

impl Trouble {
    fn begins(&mut self, message: &str) {
        if std::mem::replace(&mut self.0, true) {
            tracing::debug!("{message}");
        } else {
            tracing::warn!("{message}");
        }
    }

    fn ends(&mut self, shown: &str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("`{shown}` takes packets again");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;
    use tokio::time::{Instant, timeout};

    use super::super::packet::Packet;
    use super::*;
    use crate::submit::stats::{DropReason, Dropped};

    fn outbox(packets: usize) -> Arc<Outbox> {
        let outbox = Arc::new(Outbox::default());
        let packet = Packet { bytes: "a:1|c".into(), points: 1 };
        outbox.put(vec![packet; packets], &Dropped::default(), Instant::now());
        outbox
    }

    #[tokio::test(start_paused = true)]
    async fn udp_is_paced() {
        let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let outbox = outbox(200);
        outbox.close();
        let begin = Instant::now();
        write(DogstatsdAddress::Udp { host: "127.0.0.1".into(), port }, Arc::clone(&outbox)).await;
        assert_eq!(begin.elapsed(), 3 * PAUSE);
        assert_eq!(outbox.stats().points_delivered, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_is_gone_is_looked_for_less_and_less_often() {
        let outbox = outbox(3);
        let address = DogstatsdAddress::UnixDatagram("/nowhere/dsd.socket".into());
        let written = timeout(Duration::from_secs(65), write(address, Arc::clone(&outbox))).await;
        assert!(written.is_err(), "it waits for more");
        let stats = outbox.stats();
        // Six waits below a second, and then one a second until the packets are too old.
        assert!((60..=68).contains(&stats.retries), "{}", stats.retries);
        assert_eq!((stats.dropped.count(DropReason::TooOld), stats.queue_payloads), (3, 0));
        assert!(stats.unhealthy_since.is_some());
    }
}
