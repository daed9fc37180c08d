//! The messages of NTLM version 2 ([MS-NLMP]).

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest as _, Md4};
use md5::Md5;

use crate::time::UnixTime;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// What is asked for, by the names of [MS-NLMP]: Unicode, request target, NTLM, always sign, extended session security,
/// target information, version, 128 and 56 bits. Neither a session key nor signed or sealed messages.
const FLAGS: u32 = 0x0000_0001
    | 0x0000_0004
    | 0x0000_0200
    | 0x0000_8000
    | 0x0008_0000
    | 0x0080_0000
    | 0x0200_0000
    | 0x2000_0000
    | 0x8000_0000;

/// Windows 10, NTLM revision 15: what targets know.
const VERSION: [u8; 8] = [10, 0, 0, 0, 0, 0, 0, 15];

/// Seconds from 1601 to 1970.
const EPOCH: f64 = 11_644_473_600.0;

/// The first message, which says what is understood.
pub(super) fn negotiate() -> Vec<u8> {
    let mut message = Vec::with_capacity(40);
    message.extend(SIGNATURE);
    message.extend(1_u32.to_le_bytes());
    message.extend(FLAGS.to_le_bytes());
    // Neither a domain nor a workstation.
    message.extend([0; 16]);
    message.extend(VERSION);
    message
}

/// The answer of the target.
pub(super) struct Challenge {
    /// As it came.
    message: Vec<u8>,
    flags: u32,
    nonce: [u8; 8],
    /// What the target says of itself: pairs of an identifier and a value.
    target: Vec<(u16, Vec<u8>)>,
}

/// The identifiers of pairs that matter here.
mod pair {
    pub(super) const END: u16 = 0;
    pub(super) const FLAGS: u16 = 6;
    pub(super) const TIMESTAMP: u16 = 7;
    pub(super) const TARGET_NAME: u16 = 9;
    pub(super) const CHANNEL_BINDINGS: u16 = 10;
}

impl Challenge {
    /// Reads the second message; none if it is no such thing.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        if message.get(..8)? != SIGNATURE || number(message, 8)? != 2 {
            return None;
        }
        let nonce = message.get(24..32)?.try_into().ok()?;
        // Old targets say nothing of themselves.
        let target = match message.get(40..48) {
            None => Vec::new(),
            Some(field) => {
                let length = usize::from(u16::from_le_bytes([field[0], field[1]]));
                let offset = usize::try_from(number(message, 44)?).ok()?;
                pairs(message.get(offset..offset.checked_add(length)?)?)?
            }
        };
        Some(Self { message: message.to_vec(), flags: number(message, 20)?, nonce, target })
    }

    fn timestamp(&self) -> Option<[u8; 8]> {
        let (_, value) = self.target.iter().find(|(id, _)| *id == pair::TIMESTAMP)?;
        value.as_slice().try_into().ok()
    }
}

fn number(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(message.get(at..at + 4)?.try_into().ok()?))
}

fn pairs(mut bytes: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    let mut found = Vec::new();
    while let [a, b, c, d, rest @ ..] = bytes {
        let (id, length) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        if id == pair::END {
            break;
        }
        found.push((id, rest.get(..length)?.to_vec()));
        bytes = &rest[length..];
    }
    Some(found)
}

/// What is new in each message.
pub(super) struct Moment {
    pub(super) now: UnixTime,
    pub(super) nonce: [u8; 8],
}

/// Whom the proof is for.
pub(super) struct Target<'a> {
    pub(super) host: &'a str,
    /// What ties it to the TLS connection.
    pub(super) binding: Option<Vec<u8>>,
}

/// An account, whose password is kept as its hash only.
pub(super) struct Account {
    domain: Vec<u8>,
    user: Vec<u8>,
    /// What stands for the password: `NTOWFv2`.
    key: [u8; 16],
}

impl Account {
    pub(super) fn new(domain: &str, user: &str, password: &str) -> Self {
        let hash: [u8; 16] = Md4::digest(utf16(password)).into();
        let key = hmac(&hash, &[&utf16(&upper(user)), &utf16(domain)]);
        Self { domain: utf16(domain), user: utf16(user), key }
    }

    /// The third message: the proof for this challenge.
    pub(super) fn authenticate(&self, challenge: &Challenge, moment: &Moment, target: &Target<'_>) -> Vec<u8> {
        // A target that tells its time checks that nobody changed the messages.
        let checked = challenge.timestamp().is_some();
        let (proof, response) = self.response(challenge, moment, target);
        let lm = if checked { vec![0; 24] } else { self.lm_response(challenge, moment) };
        let payload = [lm.as_slice(), &response, &self.domain, &self.user, &[], &[]];
        let flags = FLAGS & (challenge.flags | 0x0200_0000);
        let mut message = Vec::new();
        message.extend(SIGNATURE);
        message.extend(3_u32.to_le_bytes());
        let mut offset = 88;
        for field in payload {
            let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
            message.extend(length.to_le_bytes());
            message.extend(length.to_le_bytes());
            message.extend(u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
            offset += field.len();
        }
        message.extend(flags.to_le_bytes());
        message.extend(VERSION);
        let check_at = message.len();
        message.extend([0; 16]);
        message.extend(payload.concat());
        if checked {
            let session_key = hmac(&self.key, &[&proof]);
            let check = hmac(&session_key, &[&negotiate(), &challenge.message, &message]);
            message[check_at..check_at + 16].copy_from_slice(&check);
        }
        message
    }

    /// The proof, and with it what it is a proof of.
    fn response(&self, challenge: &Challenge, moment: &Moment, target: &Target<'_>) -> ([u8; 16], Vec<u8>) {
        let time = challenge.timestamp().unwrap_or_else(|| {
            let ticks = (moment.now.seconds() + EPOCH) * 1e7;
            (ticks as u64).to_le_bytes()
        });
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        blob.extend(time);
        blob.extend(moment.nonce);
        blob.extend([0; 4]);
        blob.extend(target_information(challenge, target));
        blob.extend([0; 4]);
        let proof = hmac(&self.key, &[&challenge.nonce, &blob]);
        (proof, [proof.as_slice(), &blob].concat())
    }

    fn lm_response(&self, challenge: &Challenge, moment: &Moment) -> Vec<u8> {
        let proof = hmac(&self.key, &[&challenge.nonce, &moment.nonce]);
        [proof.as_slice(), &moment.nonce].concat()
    }
}

/// What the target said of itself, and what is added where messages are checked.
fn target_information(challenge: &Challenge, target: &Target<'_>) -> Vec<u8> {
    let mut pairs = challenge.target.clone();
    if challenge.timestamp().is_some() {
        // The second lowest bit says that the message has a check.
        let flags = pairs.iter().find(|(id, _)| *id == pair::FLAGS).and_then(|(_, value)| number(value, 0));
        pairs.retain(|(id, _)| ![pair::FLAGS, pair::CHANNEL_BINDINGS, pair::TARGET_NAME].contains(id));
        pairs.push((pair::FLAGS, (flags.unwrap_or(0) | 2).to_le_bytes().to_vec()));
        pairs.push((pair::CHANNEL_BINDINGS, target.binding.as_deref().map_or([0; 16], binding_hash).to_vec()));
        pairs.push((pair::TARGET_NAME, utf16(&format!("HTTP/{}", target.host))));
    }
    let mut bytes = Vec::new();
    for (id, value) in pairs {
        bytes.extend(id.to_le_bytes());
        bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(value);
    }
    bytes.extend([0; 4]);
    bytes
}

/// The hash of GSSAPI's structure of channel bindings (RFC 2744, section 3.11) that has nothing but this.
fn binding_hash(binding: &[u8]) -> [u8; 16] {
    let length = u32::try_from(binding.len()).unwrap_or(u32::MAX).to_le_bytes();
    Md5::digest([&[0; 16], length.as_slice(), binding].concat()).into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// In upper case as Windows has it: characters whose capital is more than one stay.
fn upper(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut capital = c.to_uppercase();
            if capital.len() == 1 { capital.next().unwrap_or(c) } else { c }
        })
        .collect()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("a key of HMAC may have any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::auth::digest::hex;

    /// The example of [MS-NLMP], section 4.2.4.
    fn example() -> (Account, Challenge, Moment) {
        let target = vec![(2, utf16("Domain")), (1, utf16("Server"))];
        let nonce = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let challenge = Challenge { message: Vec::new(), flags: 0xe28a_8233, nonce, target };
        let moment = Moment { now: UnixTime::from_seconds(-EPOCH), nonce: [0xaa; 8] };
        (Account::new("Domain", "User", "Password"), challenge, moment)
    }

    #[test]
    fn proves_the_password_as_the_specification_does() {
        let (account, challenge, moment) = example();
        assert_eq!(hex(&account.key), "0c868a403bfd7a93a3001ef22ef02e3f");
        let (proof, response) = account.response(&challenge, &moment, &Target { host: "server", binding: None });
        assert_eq!(hex(&proof), "68cd0ab851e51c96aabc927bebef6a1c");
        assert_eq!(response.len(), 16 + 28 + 16 + 16 + 8);
        let lm = account.lm_response(&challenge, &moment);
        assert_eq!(hex(&lm), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
    }

    #[test]
    fn takes_no_harm_from_broken_challenges() {
        let mut whole = Vec::new();
        whole.extend(SIGNATURE);
        whole.extend(2_u32.to_le_bytes());
        whole.extend([0; 8]);
        whole.extend(FLAGS.to_le_bytes());
        whole.extend([7; 8]);
        whole.extend([0; 8]);
        whole.extend([12, 0, 12, 0, 48, 0, 0, 0]);
        whole.extend([7, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let challenge = Challenge::read(&whole).unwrap();
        assert_eq!((challenge.timestamp(), challenge.nonce), (Some([1, 2, 3, 4, 5, 6, 7, 8]), [7; 8]));
        for length in 0..whole.len() {
            let cut = Challenge::read(&whole[..length]);
            assert!(cut.is_none() || (32..48).contains(&length), "{length}");
        }
        for at in 0..whole.len() {
            let mut broken = whole.clone();
            broken[at] = 0xff;
            if let Some(challenge) = Challenge::read(&broken) {
                let (account, _, moment) = example();
                account.authenticate(&challenge, &moment, &Target { host: "h", binding: None });
            }
        }
        assert!(Challenge::read(b"NTLMSSP\0").is_none());
    }
}
