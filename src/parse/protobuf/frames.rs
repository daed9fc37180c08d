//! Cuts chunks of any size into messages, each behind its length. A message inside one chunk is borrowed from it; only
//! one that crosses chunks is copied, and no more memory is taken for it than bytes have come.

use super::wire::varint;

/// Bytes of a length, as in Prometheus.
const LENGTH_BYTES: usize = 5;

/// A message cut out of the body, or why none can be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'f> {
    Message(&'f [u8]),
    /// The length is no number, or has more bytes than it may.
    BadLength,
    /// The message has more bytes than the limit.
    TooLarge(u64),
}

/// Cuts a body.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes of a message.
    limit: u64,
    /// The beginning of a message, its length included, whose end has not come.
    partial: Vec<u8>,
    /// Whether `partial` was handed out, and nothing of it is needed any more.
    handed_out: bool,
    /// Bytes of the body before the message that is being cut.
    position: u64,
    /// Bytes of the message that was handed out last, with its length.
    last: u64,
}

/// What the beginning of a message says about the whole of it.
enum Extent {
    /// The length itself is not complete.
    Unknown,
    Bad,
    /// Bytes of the length and of the message.
    Known(usize, u64),
}

fn extent(bytes: &[u8]) -> Extent {
    match varint(&bytes[..bytes.len().min(LENGTH_BYTES)]) {
        Ok(Some((length, rest))) => Extent::Known(bytes.len().min(LENGTH_BYTES) - rest.len(), length),
        Ok(None) if bytes.len() < LENGTH_BYTES => Extent::Unknown,
        Ok(None) | Err(_) => Extent::Bad,
    }
}

impl Frames {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit: limit as u64, partial: Vec::new(), handed_out: false, position: 0, last: 0 }
    }

    /// The next message, taken from the front of `chunk`; none when the chunk is used up. Not to be called again after
    /// a frame that is no message.
    pub(super) fn next<'f, 'c: 'f>(&'f mut self, chunk: &mut &'c [u8]) -> Option<Frame<'f>> {
        if self.handed_out {
            self.partial.clear();
            self.handed_out = false;
        }
        self.position += std::mem::take(&mut self.last);
        if self.partial.is_empty() {
            return self.take_from(chunk);
        }
        loop {
            let wanted = match extent(&self.partial) {
                Extent::Unknown => self.partial.len() + 1,
                Extent::Bad => return Some(Frame::BadLength),
                Extent::Known(_, length) if length > self.limit => return Some(Frame::TooLarge(length)),
                Extent::Known(prefix, length) if self.partial.len() as u64 == prefix as u64 + length => {
                    self.handed_out = true;
                    self.last = self.partial.len() as u64;
                    return Some(Frame::Message(&self.partial[prefix..]));
                }
                Extent::Known(prefix, length) => prefix + length as usize,
            };
            if chunk.is_empty() {
                return None;
            }
            let (taken, rest) = chunk.split_at((wanted - self.partial.len()).min(chunk.len()));
            self.partial.extend_from_slice(taken);
            *chunk = rest;
        }
    }

    fn take_from<'f, 'c: 'f>(&'f mut self, chunk: &mut &'c [u8]) -> Option<Frame<'f>> {
        if chunk.is_empty() {
            return None;
        }
        match extent(chunk) {
            Extent::Bad => return Some(Frame::BadLength),
            Extent::Known(_, length) if length > self.limit => return Some(Frame::TooLarge(length)),
            Extent::Known(prefix, length) if (chunk.len() - prefix) as u64 >= length => {
                let (frame, rest) = chunk.split_at(prefix + length as usize);
                *chunk = rest;
                self.last = frame.len() as u64;
                return Some(Frame::Message(&frame[prefix..]));
            }
            Extent::Known(..) | Extent::Unknown => {}
        }
        self.partial.extend_from_slice(chunk);
        *chunk = &[];
        None
    }

    /// Where the length of the message begins that [`Frames::next`] gave last, counted in bytes from 0.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// What has come of a message whose end has not, its length included.
    pub(super) fn partial(&self) -> &[u8] {
        if self.handed_out { &[] } else { &self.partial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of `body` cut into chunks of `size` bytes, and how it ended.
    fn cut(body: &[u8], limit: usize, size: usize) -> (Vec<Vec<u8>>, String) {
        let mut frames = Frames::new(limit);
        let mut messages = Vec::new();
        for mut chunk in body.chunks(size) {
            while let Some(frame) = frames.next(&mut chunk) {
                match frame {
                    Frame::Message(message) => messages.push(message.to_vec()),
                    other => return (messages, format!("{other:?}")),
                }
            }
        }
        let end = format!("{} left", frames.partial().len());
        (messages, end)
    }

    #[test]
    fn chunks_do_not_matter() {
        let mut body = b"\x03abc\x00\x01x".to_vec();
        body.extend_from_slice(b"\xc8\x01");
        body.extend_from_slice(&[b'y'; 200]);
        let messages = vec![b"abc".to_vec(), vec![], b"x".to_vec(), vec![b'y'; 200]];
        for (tail, end) in [
            (b"".as_slice(), "0 left"),
            (b"\x05abc", "4 left"),
            (b"\x80", "1 left"),
            (b"\xc9\x01", "TooLarge(201)"),
            (b"\xff\xff\xff\xff\x7f", "TooLarge(34359738367)"),
            (b"\xff\xff\xff\xff\xff\x01", "BadLength"),
        ] {
            let body = [&body, tail].concat();
            for size in 1..=body.len() {
                assert_eq!(cut(&body, 200, size), (messages.clone(), end.to_owned()), "{tail:?} in chunks of {size}");
            }
        }
    }

    #[test]
    fn a_length_takes_no_memory() {
        let mut frames = Frames::new(usize::MAX);
        let mut chunk: &[u8] = b"\xff\xff\xff\xff\x7fabc";
        assert_eq!(frames.next(&mut chunk), None);
        assert!(frames.partial.capacity() < 100);
        assert_eq!(frames.partial().len(), 8);
    }

    #[test]
    fn a_whole_message_is_borrowed() {
        let body = b"\x02ab";
        let mut chunk: &[u8] = body;
        let mut frames = Frames::new(10);
        let Some(Frame::Message(message)) = frames.next(&mut chunk) else { panic!("no message") };
        assert_eq!(message.as_ptr(), body[1..].as_ptr());
    }
}
