//! What a certificate says about itself, in words for a message. Nothing here decides about trust.

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{DateTime, Decode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityInfoAccessSyntax, SubjectAltName};

use crate::scrape::failure::shortened;

/// Longer texts of a peer are cut in messages. Characters.
const SHOWN: usize = 120;

/// Where the certificate of the issuer can be had (RFC 5280, section 4.2.2.1).
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// A certificate that could be read.
pub(crate) struct Described(Certificate);

impl Described {
    /// None: it is not encoded as it should be, which is said elsewhere.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        Certificate::from_der(der).ok().map(Self)
    }

    pub(crate) fn subject(&self) -> String {
        shown(&self.0.tbs_certificate().subject().to_string())
    }

    pub(crate) fn issuer(&self) -> String {
        shown(&self.0.tbs_certificate().issuer().to_string())
    }

    /// Whether `other` names this one as its issuer.
    pub(super) fn is_named_by(&self, other: &Self) -> bool {
        self.0.tbs_certificate().subject() == other.0.tbs_certificate().issuer()
    }

    /// The first and the last moment at which it is valid.
    pub(crate) fn validity(&self) -> (UnixTime, UnixTime) {
        let validity = self.0.tbs_certificate().validity();
        let moment = |time: x509_cert::time::Time| UnixTime::since_unix_epoch(time.to_unix_duration());
        (moment(validity.not_before), moment(validity.not_after))
    }

    /// The names that it is for; the common name does not count.
    pub(crate) fn names(&self) -> Vec<String> {
        let alternatives = self.0.tbs_certificate().get_extension::<SubjectAltName>();
        let Ok(Some((_, SubjectAltName(names)))) = alternatives else { return Vec::new() };
        names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DnsName(name) => Some(shown(name.as_str())),
                GeneralName::IpAddress(octets) => match *octets.as_bytes() {
                    [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
                    ref octets => <[u8; 16]>::try_from(octets).ok().map(|octets| IpAddr::from(octets).to_string()),
                },
                _ => None,
            })
            .collect()
    }

    /// Where the certificate says that of its issuer can be had.
    pub(super) fn issuer_url(&self) -> Option<String> {
        let (_, access) = self.0.tbs_certificate().get_extension::<AuthorityInfoAccessSyntax>().ok()??;
        access.0.iter().filter(|entry| entry.access_method == CA_ISSUERS).find_map(|entry| {
            match &entry.access_location {
                GeneralName::UniformResourceIdentifier(url) => Some(shown(url.as_str())),
                _ => None,
            }
        })
    }
}

/// Text of a peer that can stand in a message: of one line, not too long, and with something to see.
pub(super) fn shown(text: &str) -> String {
    if text.trim().is_empty() {
        return "(without a name)".to_owned();
    }
    shortened(text, SHOWN)
}

/// A moment such as `2023-11-14T22:13:20Z`.
pub(super) fn date(moment: UnixTime) -> String {
    let seconds = moment.as_secs();
    DateTime::from_unix_duration(Duration::from_secs(seconds))
        .map_or_else(|_| format!("{seconds} seconds after 1970"), |date| date.to_string())
}
