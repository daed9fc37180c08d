//! An intake that enters in a ledger what it accepts, and behaves as its mood is.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::ledger::{Decoded, Kind, Ledger};
use super::random::Random;
use super::weather::Mood;

/// So many entries are small enough for an intake that is narrow.
const SMALL: usize = 40;

/// The intake; it ends with the process.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    mood: watch::Receiver<Mood>,
    books: Mutex<Books>,
}

#[derive(Debug)]
struct Books {
    ledger: Ledger,
    random: Random,
    /// Requests with payloads, by the mood in which they came.
    requests: BTreeMap<Mood, u64>,
}

type Answer = io::Result<Response<Full<Bytes>>>;

impl Intake {
    pub(super) async fn start(mood: watch::Receiver<Mood>, random: Random, ledger: Ledger) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let books = Books { ledger, random, requests: BTreeMap::new() };
        let state = Arc::new(State { mood, books: Mutex::new(books) });
        tokio::spawn(listen(listener, address, Arc::clone(&state)));
        Ok(Self { address, state })
    }

    /// Lets someone look at what was accepted.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Ledger) -> T) -> T {
        at(&self.state.books().ledger)
    }

    pub(super) fn requests(&self) -> BTreeMap<Mood, u64> {
        self.state.books().requests.clone()
    }
}

impl State {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("nothing panics while it is held")
    }
}

/// Accepts connections, unless nobody is to listen.
async fn listen(listener: TcpListener, address: SocketAddr, state: Arc<State>) {
    let mut listener = Some(listener);
    let mut mood = state.mood.clone();
    loop {
        let is_away = *mood.borrow_and_update() == Mood::Away;
        match listener.take_if(|_| is_away) {
            Some(closed) => drop(closed),
            None if !is_away && listener.is_none() => listener = TcpListener::bind(address).await.ok(),
            None => {}
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Ok((stream, _)) = accepted => {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
            changed = mood.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut mood = state.mood.clone();
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Whoever is away keeps no connection.
    tokio::select! {
        _ = connection => {}
        _ = mood.wait_for(|mood| *mood == Mood::Away) => {}
    }
}

async fn respond(request: Request<Incoming>, state: Arc<State>) -> Answer {
    let mut mood = *state.mood.borrow();
    if request.method() == Method::GET {
        return if mood == Mood::Forbidding {
            answer(403, r#"{"errors":["Forbidden"]}"#)
        } else {
            answer(200, r#"{"valid":true}"#)
        };
    }
    {
        let mut books = state.books();
        *books.requests.entry(mood).or_default() += 1;
        if mood == Mood::Moody {
            mood = books.random.pick(&Mood::SUDDEN);
        }
    }
    let (head, mut body) = request.into_parts();
    if mood == Mood::Cutting {
        let _ = body.frame().await;
        return Err(io::Error::other("the connection is cut on purpose"));
    }
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    match mood {
        Mood::Silent => {
            // It is dropped when the client has had enough of it.
            let _ = state.mood.clone().wait_for(|mood| *mood != Mood::Silent).await;
            Err(io::Error::other("it never answers"))
        }
        Mood::Failing => {
            let status = state.books().random.pick(&[500, 503]);
            answer(status, "{}")
        }
        Mood::Busy => {
            let mut response = answer(429, "{}")?;
            let seconds = state.books().random.within(1..=3);
            response.headers_mut().insert("retry-after", seconds.into());
            Ok(response)
        }
        Mood::Forbidding => answer(403, r#"{"errors":["Forbidden"]}"#),
        _ => take(head.uri.path(), &body, mood, &state),
    }
}

/// Enters a payload in the ledger, unless it is too large for the mood.
fn take(path: &str, body: &[u8], mood: Mood, state: &State) -> Answer {
    let mut books = state.books();
    let Some(kind) = Kind::of(path) else {
        books.ledger.object(format!("a request for `{path}`"));
        return answer(404, "{}");
    };
    let decoded = match Decoded::read(kind, body) {
        Ok(decoded) => decoded,
        Err(error) => {
            books.ledger.object(format!("a payload for `{path}`: {error}"));
            return answer(400, "{}");
        }
    };
    if mood == Mood::Narrow && decoded.entries() > SMALL {
        return answer(413, "{}");
    }
    books.ledger.enter(&decoded);
    if mood == Mood::Forgetful {
        return Err(io::Error::other("the answer is cut off on purpose"));
    }
    answer(202, r#"{"errors":[]}"#)
}

fn answer(status: u16, body: &'static str) -> Answer {
    Response::builder().status(status).body(Full::new(Bytes::from_static(body.as_bytes()))).map_err(io::Error::other)
}
