//! Cipher suites as OpenSSL names them, as far as rustls has them.

use super::node::Value;
use super::section::Section;

/// Which cipher suites are offered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsCiphers {
    /// All that there are.
    #[default]
    All,
    /// These, best first. None at all: no connection can come about.
    Only(Vec<CipherSuite>),
}

/// A cipher suite of TLS 1.3 or 1.2; the names are those of the TLS registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it all")]
pub enum CipherSuite {
    Aes256GcmSha384,
    Aes128GcmSha256,
    Chacha20Poly1305Sha256,
    EcdheEcdsaWithAes256GcmSha384,
    EcdheEcdsaWithAes128GcmSha256,
    EcdheEcdsaWithChacha20Poly1305Sha256,
    EcdheRsaWithAes256GcmSha384,
    EcdheRsaWithAes128GcmSha256,
    EcdheRsaWithChacha20Poly1305Sha256,
}

/// A cipher suite, its names, and the groups of OpenSSL that it is in.
struct Known {
    suite: CipherSuite,
    names: &'static [&'static str],
    groups: &'static [&'static str],
}

/// As rustls prefers them.
const TLS13: [Known; 3] = [
    Known { suite: CipherSuite::Aes256GcmSha384, names: &["TLS_AES_256_GCM_SHA384"], groups: &[] },
    Known { suite: CipherSuite::Aes128GcmSha256, names: &["TLS_AES_128_GCM_SHA256"], groups: &[] },
    Known { suite: CipherSuite::Chacha20Poly1305Sha256, names: &["TLS_CHACHA20_POLY1305_SHA256"], groups: &[] },
];

const TLS12: [Known; 6] = [
    Known {
        suite: CipherSuite::EcdheEcdsaWithAes256GcmSha384,
        names: &["ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
        groups: &["ECDSA", "aECDSA", "AES", "AES256", "AESGCM"],
    },
    Known {
        suite: CipherSuite::EcdheEcdsaWithAes128GcmSha256,
        names: &["ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
        groups: &["ECDSA", "aECDSA", "AES", "AES128", "AESGCM"],
    },
    Known {
        suite: CipherSuite::EcdheEcdsaWithChacha20Poly1305Sha256,
        names: &["ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"],
        groups: &["ECDSA", "aECDSA", "CHACHA20"],
    },
    Known {
        suite: CipherSuite::EcdheRsaWithAes256GcmSha384,
        names: &["ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
        groups: &["aRSA", "AES", "AES256", "AESGCM"],
    },
    Known {
        suite: CipherSuite::EcdheRsaWithAes128GcmSha256,
        names: &["ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
        groups: &["aRSA", "AES", "AES128", "AESGCM"],
    },
    Known {
        suite: CipherSuite::EcdheRsaWithChacha20Poly1305Sha256,
        names: &["ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"],
        groups: &["aRSA", "CHACHA20"],
    },
];

/// Groups of OpenSSL that hold every suite of TLS 1.2 that rustls has.
const EVERYTHING: [&str; 7] = ["DEFAULT", "HIGH", "TLSv1.2", "ECDHE", "EECDH", "kECDHE", "kEECDH"];

const OPTION: &str = "tls_ciphers";

impl TlsCiphers {
    /// Text in OpenSSL's form of cipher lists, or a list of its elements.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let Some(node) = section.present(OPTION) else { return Self::All };
        let list = match &node.value {
            Value::List(_) => {
                let list = section.text_list(OPTION);
                if list.iter().any(|element| element == "ALL") {
                    return Self::All;
                }
                list.join(":")
            }
            _ => match section.text(OPTION) {
                // Anywhere, as in Datadog's check.
                Some(text) if text.contains("ALL") => return Self::All,
                text => text.unwrap_or_default(),
            },
        };
        if list.is_empty() {
            return Self::All;
        }
        let (ciphers, ignored) = Self::parse(&list);
        let nothing = ciphers == Self::Only(Vec::new());
        if nothing || !ignored.is_empty() {
            let ignored: Vec<_> = ignored.iter().map(|name| format!("`{name}`")).collect();
            let mut message = format!("`{OPTION}` names no cipher suite that Retriever (rustls) has");
            if !nothing {
                message = format!("`{OPTION}` has what Retriever (rustls) has not, which is ignored");
            }
            if !ignored.is_empty() {
                message = format!("{message}: {}", ignored.join(", "));
            }
            if nothing {
                message.push_str("; no target can be scraped over TLS with it");
            }
            section.warning(node.at, message);
        }
        ciphers
    }

    /// What an OpenSSL cipher list selects, and the elements of it that select nothing here.
    ///
    /// As in OpenSSL, the groups are about TLS 1.2 only, and the suites of TLS 1.3 stay unless some of them are named.
    fn parse(list: &str) -> (Self, Vec<String>) {
        let (mut selected, mut banned, mut ignored) = (Vec::new(), Vec::new(), Vec::new());
        for element in list.split([':', ',', ' ', ';']).filter(|element| !element.is_empty()) {
            let (element, strength) = element.split_once('@').map_or((element, None), |(name, at)| (name, Some(at)));
            if let Some(strength) = strength.filter(|strength| *strength != "STRENGTH") {
                ignored.push(format!("@{strength}"));
            }
            let (operator, name) = match element.chars().next() {
                None => continue,
                Some(operator @ ('!' | '-' | '+')) => (operator, &element[1..]),
                Some(_) => (' ', element),
            };
            let meant = meant_by(name);
            match operator {
                // An order, of which this is not the place to be exact.
                '+' => {}
                '!' | '-' => {
                    selected.retain(|suite| !meant.contains(suite));
                    if operator == '!' {
                        banned.extend(meant);
                    }
                }
                _ if meant.is_empty() => ignored.push(name.to_owned()),
                _ => {
                    for suite in meant {
                        if !selected.contains(&suite) && !banned.contains(&suite) {
                            selected.push(suite);
                        }
                    }
                }
            }
        }
        let is_tls13 = |suite: &CipherSuite| TLS13.iter().any(|known| known.suite == *suite);
        if !selected.is_empty() && !selected.iter().any(is_tls13) {
            let own = TLS13.iter().map(|known| known.suite).filter(|suite| !banned.contains(suite));
            selected = own.chain(selected).collect();
        }
        (Self::Only(selected), ignored)
    }
}

/// The suites behind a name, a group, or groups joined by `+`, which stand for what is in all of them.
fn meant_by(name: &str) -> Vec<CipherSuite> {
    let named = |known: &&Known| known.names.contains(&name);
    if let Some(known) = TLS13.iter().chain(&TLS12).find(named) {
        return vec![known.suite];
    }
    let in_all =
        |known: &&Known| name.split('+').all(|group| EVERYTHING.contains(&group) || known.groups.contains(&group));
    TLS12.iter().filter(in_all).map(|known| known.suite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(list: &str) -> (Vec<CipherSuite>, Vec<String>) {
        match TlsCiphers::parse(list) {
            (TlsCiphers::Only(suites), ignored) => {
                (suites.into_iter().filter(|suite| TLS12.iter().any(|known| known.suite == *suite)).collect(), ignored)
            }
            (TlsCiphers::All, _) => panic!("{list} is not all"),
        }
    }

    #[test]
    fn names_and_groups_select() {
        use CipherSuite as S;
        for (list, expected) in [
            ("ECDHE-RSA-AES128-GCM-SHA256", vec![S::EcdheRsaWithAes128GcmSha256]),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", vec![S::EcdheRsaWithAes128GcmSha256]),
            ("EECDH+AESGCM+aRSA", vec![S::EcdheRsaWithAes256GcmSha384, S::EcdheRsaWithAes128GcmSha256]),
            (
                "aRSA:!CHACHA20:-AES256:ECDHE-RSA-AES256-GCM-SHA384:CHACHA20:!aECDSA",
                vec![S::EcdheRsaWithAes128GcmSha256, S::EcdheRsaWithAes256GcmSha384],
            ),
            ("HIGH:!aNULL:!MD5:!AES:@STRENGTH", {
                vec![S::EcdheEcdsaWithChacha20Poly1305Sha256, S::EcdheRsaWithChacha20Poly1305Sha256]
            }),
        ] {
            assert_eq!(only(list), (expected, vec![]), "{list}");
        }
        assert_eq!(only("DEFAULT").0.len(), 6);
    }

    #[test]
    fn what_selects_nothing_is_named() {
        let (suites, ignored) = only("AES128-SHA, ECDHE-RSA-AES128-GCM-SHA256 DEFAULT@SECLEVEL=1:RC4:!NOPE");
        assert_eq!((suites.len(), ignored), (6, vec!["AES128-SHA".into(), "@SECLEVEL=1".into(), "RC4".into()]));
        assert_eq!(TlsCiphers::parse("RC4:HIGH:!ECDHE").0, TlsCiphers::Only(vec![]));
    }

    #[test]
    fn tls_1_3_stays_unless_it_is_named() {
        let TlsCiphers::Only(suites) = TlsCiphers::parse("CHACHA20").0 else { panic!() };
        assert_eq!(suites.len(), 5);
        let (one, none) = TlsCiphers::parse("TLS_AES_128_GCM_SHA256");
        assert_eq!((one, none), (TlsCiphers::Only(vec![CipherSuite::Aes128GcmSha256]), vec![]));
    }
}
