//! The body of a response, decoded as it arrives.

use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;

use super::charset::Transcoder;
use super::deadline::Deadline;
use super::decode::{Decoder, Step, is_zlib};
use super::error::{Kind, ScrapeError};
use super::failure::describe;
use super::head::Head;
use super::pool::Lease;
use crate::config::BodyLimits;
use crate::network::{Event, Observed};

/// After so many decoded bytes other tasks have their turn.
const TURN: usize = 1 << 20;

/// A body: its content encoding undone, in UTF-8, in pieces of at most a few hundred kilobytes.
pub struct Body {
    url: String,
    source: Source,
    /// What cannot be decoded is known from the head, but is an error of the body.
    pipeline: Result<Pipeline, Option<Kind>>,
    /// None for what was recorded.
    deadline: Option<Deadline>,
    limits: BodyLimits,
    decoded: u64,
    observed: Observed,
    /// Bytes that were decoded since others had their turn.
    turn: usize,
}

struct Pipeline {
    decoder: Decoder,
    transcoder: Option<Transcoder>,
}

enum Source {
    Wire(Box<Wire>),
    Recorded(Option<Bytes>),
}

/// A body that is still coming.
pub(super) struct Wire {
    pub(super) incoming: Incoming,
    /// Goes back to its pool when the body has come to its end.
    pub(super) lease: Lease,
    pub(super) deadline: Deadline,
    pub(super) read_timeout: Duration,
    pub(super) received: u64,
    pub(super) observed: Observed,
}

impl Body {
    /// A body that was recorded. It is decoded as if it came from the target, unless it plainly is decoded already
    /// although the head names an encoding, as recording programs leave it.
    pub fn from_bytes(head: &Head, bytes: Bytes, limits: &BodyLimits) -> Self {
        let encoded = head.content_encodings().first().is_some_and(|encoding| looks_encoded(encoding, &bytes));
        let pipeline = if encoded || bytes.is_empty() {
            Pipeline::for_head(head)
        } else {
            Transcoder::for_head(head).map(|transcoder| Pipeline { decoder: Decoder::identity(), transcoder })
        };
        Self::new(head, Source::Recorded(Some(bytes)), pipeline, None, limits)
    }

    pub(super) fn from_wire(head: &Head, wire: Wire, limits: &BodyLimits) -> Self {
        let (deadline, observed) = (Some(wire.deadline), wire.observed.clone());
        let body = Self::new(head, Source::Wire(Box::new(wire)), Pipeline::for_head(head), deadline, limits);
        Self { observed, ..body }
    }

    fn new(
        head: &Head,
        source: Source,
        pipeline: Result<Pipeline, Kind>,
        deadline: Option<Deadline>,
        limits: &BodyLimits,
    ) -> Self {
        Self {
            url: head.final_url.clone(),
            source,
            pipeline: pipeline.map_err(Some),
            deadline,
            limits: *limits,
            decoded: 0,
            observed: Observed::default(),
            turn: 0,
        }
    }

    /// The next bytes; none at the end, and after an error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ScrapeError> {
        let result = self.next().await;
        if !matches!(result, Ok(Some(_))) {
            self.pipeline = Err(None);
            self.source = Source::Recorded(None);
        }
        result.map_err(|kind| ScrapeError::new(&*self.url, kind))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Kind> {
        let pipeline = match &mut self.pipeline {
            Ok(pipeline) => pipeline,
            Err(failure) => return failure.take().map_or(Ok(None), Err),
        };
        loop {
            match pipeline.decoder.step()? {
                Step::Piece(piece) => {
                    self.decoded += piece.len() as u64;
                    self.observed.tell(|| Event::Decoded(piece.len()));
                    if self.decoded > self.limits.body_bytes {
                        return Err(Kind::BodyTooLarge(self.limits.body_bytes));
                    }
                    // A few bytes can mean gigabytes, and nothing is waited for meanwhile: they must not hold up other
                    // targets, nor take longer than everything else may.
                    self.turn += piece.len();
                    if self.turn >= TURN {
                        self.turn = 0;
                        tokio::task::yield_now().await;
                        self.deadline.as_ref().map_or(Ok(()), Deadline::check)?;
                    }
                    let text = match &mut pipeline.transcoder {
                        Some(transcoder) => transcoder.transcode(&piece, false),
                        None => piece,
                    };
                    if !text.is_empty() {
                        return Ok(Some(text));
                    }
                }
                Step::Hungry => match self.source.next(self.limits.wire_bytes).await? {
                    Some(bytes) => pipeline.decoder.feed(bytes),
                    None => pipeline.decoder.finish(),
                },
                Step::End => {
                    // What follows the end of the encoded data is no part of the body.
                    while self.source.next(self.limits.wire_bytes).await?.is_some() {}
                    let rest = pipeline.transcoder.take().map(|mut transcoder| transcoder.transcode(b"", true));
                    return Ok(rest.filter(|rest| !rest.is_empty()));
                }
            }
        }
    }
}

impl Pipeline {
    fn for_head(head: &Head) -> Result<Self, Kind> {
        Ok(Self { decoder: Decoder::for_head(head)?, transcoder: Transcoder::for_head(head)? })
    }
}

impl Source {
    async fn next(&mut self, limit: u64) -> Result<Option<Bytes>, Kind> {
        match self {
            Self::Wire(wire) => {
                let next = wire.next(limit).await?;
                if next.is_none() {
                    // The connection goes back to its pool now.
                    *self = Self::Recorded(None);
                }
                Ok(next)
            }
            Self::Recorded(bytes) => match bytes.take().filter(|bytes| !bytes.is_empty()) {
                Some(bytes) if bytes.len() as u64 > limit => Err(Kind::WireTooLarge(limit)),
                bytes => Ok(bytes),
            },
        }
    }
}

impl Wire {
    /// The next bytes as they were sent.
    pub(super) async fn next(&mut self, limit: u64) -> Result<Option<Bytes>, Kind> {
        loop {
            let received = self.received;
            let late = |limit| Kind::BodyTimeout { limit, received };
            let frame =
                match self.deadline.within(self.read_timeout, late, self.lease.frame(&mut self.incoming)).await? {
                    Some(Ok(frame)) => frame,
                    Some(Err(error)) => return Err(Kind::BrokenBody { received, cause: describe(&error) }),
                    None => {
                        self.lease.give_back();
                        return Ok(None);
                    }
                };
            // Trailers say nothing about metrics.
            let Ok(data) = frame.into_data() else { continue };
            self.received += data.len() as u64;
            self.observed.tell(|| Event::Received(data.len()));
            if self.received > limit {
                return Err(Kind::WireTooLarge(limit));
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }
}

/// Whether recorded bytes are in the encoding of their head: by the magic numbers of gzip and zstd; `deflate` has none,
/// so there any control character speaks for it.
fn looks_encoded(encoding: &str, bytes: &[u8]) -> bool {
    match (encoding, bytes) {
        ("gzip" | "x-gzip", _) => bytes.starts_with(&[0x1f, 0x8b]),
        // A skippable frame may come first.
        ("zstd", [first, 0xb5, 0x2f, 0xfd, ..]) => *first == 0x28,
        ("zstd", [first, 0x2a, 0x4d, 0x18, ..]) => first & 0xf0 == 0x50,
        ("zstd", _) => false,
        ("deflate", [first, second, ..]) if is_zlib(*first, *second) && !second.is_ascii_alphanumeric() => true,
        ("deflate", _) => bytes.iter().take(512).any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()),
        // An encoding that is not understood is an error, recorded or not.
        _ => true,
    }
}
