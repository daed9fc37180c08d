//! Proxies that note what they are asked for, and answer what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// What a proxy was asked, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// A listener of this machine, each of whose connections is served by a task.
async fn listen<F: Future<Output = std::io::Result<()>> + Send>(
    serve: impl Fn(TcpStream, Log) -> F + Send + Sync + Copy + 'static,
) -> (SocketAddr, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let log = Log::default();
    let kept = Arc::clone(&log);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // That a client goes away is no failure of the test.
            let log = Arc::clone(&kept);
            tokio::spawn(async move { drop(serve(stream, log).await) });
        }
    });
    (address, log)
}

/// An HTTP proxy that answers CONNECT like this, and after a 200 leads to `to`, wherever it was asked to go.
pub(crate) async fn connect_proxy(answer: &'static str, to: SocketAddr) -> (SocketAddr, Log) {
    listen(move |mut stream, log| async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        log.lock().unwrap().push(String::from_utf8(head).unwrap());
        stream.write_all(answer.as_bytes()).await?;
        if answer.starts_with("HTTP/1.1 200") {
            let mut target = TcpStream::connect(to).await?;
            copy_bidirectional(&mut stream, &mut target).await?;
        }
        Ok(())
    })
    .await
}

/// How a SOCKS5 proxy answers, by the numbers of RFC 1928 and RFC 1929.
#[derive(Clone, Copy)]
pub(crate) struct Socks {
    pub(crate) method: u8,
    pub(crate) login: u8,
    pub(crate) reply: u8,
    /// Where it leads, wherever it was asked to go.
    pub(crate) to: SocketAddr,
}

impl Socks {
    /// One that lets everyone go there.
    pub(crate) fn open(to: SocketAddr) -> Self {
        Self { method: 0, login: 0, reply: 0, to }
    }

    pub(crate) async fn start(self) -> (SocketAddr, Log) {
        listen(move |stream, log| self.serve(stream, log)).await
    }

    async fn serve(self, mut stream: TcpStream, log: Log) -> std::io::Result<()> {
        let note = |text: String| log.lock().unwrap().push(text);
        assert_eq!(stream.read_u8().await?, 5);
        let methods = sized(&mut stream).await?;
        note(format!("methods {methods:?}"));
        stream.write_all(&[5, self.method]).await?;
        if self.method == 2 {
            assert_eq!(stream.read_u8().await?, 1);
            let (user, password) = (sized(&mut stream).await?, sized(&mut stream).await?);
            note(format!("login {} {}", String::from_utf8(user).unwrap(), String::from_utf8(password).unwrap()));
            stream.write_all(&[1, self.login]).await?;
        }
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        assert_eq!(head[..3], [5, 1, 0]);
        let host = match head[3] {
            1 => std::net::Ipv4Addr::from(stream.read_u32().await?).to_string(),
            4 => format!("[{}]", std::net::Ipv6Addr::from(stream.read_u128().await?)),
            3 => format!("name {}", String::from_utf8(sized(&mut stream).await?).unwrap()),
            other => panic!("address type {other}"),
        };
        note(format!("{host}:{}", stream.read_u16().await?));
        stream.write_all(&[5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        if self.reply == 0 {
            let mut target = TcpStream::connect(self.to).await?;
            copy_bidirectional(&mut stream, &mut target).await?;
        }
        Ok(())
    }
}

/// Bytes behind their number.
async fn sized(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u8().await?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Speaks before it is asked, and not TLS.
pub(crate) async fn blunt() -> SocketAddr {
    let (address, _) = listen(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        std::future::pending().await
    })
    .await;
    address
}

/// Accepts connections and never says a word.
pub(crate) async fn silent() -> SocketAddr {
    let (address, _) = listen(|stream, _| async move {
        let _stream = stream;
        std::future::pending().await
    })
    .await;
    address
}
