//! The options of Kerberos authentication.

use std::path::PathBuf;

use crate::config::expand::expand_home;
use crate::config::node::{Node, Value};
use crate::config::section::{Section, is_affirmative};

/// Kerberos authentication by way of SPNEGO, with the credentials of a cache or a keytab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerberosAuth {
    /// Whether the target must show who it is as well.
    pub mutual: MutualAuthentication,
    /// Whether the target may act in the name of the principal (`kerberos_delegate`).
    pub delegate: bool,
    /// Whether the first request has a ticket already (`kerberos_force_initiate`).
    pub force_initiate: bool,
    /// The host of the service principal, if it is not that of the URL (`kerberos_hostname`).
    pub hostname: Option<String>,
    /// Whose credentials are used, if not the default ones (`kerberos_principal`).
    pub principal: Option<String>,
    /// The credential cache (`kerberos_cache`), in the forms of `KRB5CCNAME`.
    pub cache: Option<String>,
    /// The client keytab (`kerberos_keytab`).
    pub keytab: Option<PathBuf>,
}

/// What becomes of an answer that does not prove the identity of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutualAuthentication {
    /// It fails the scrape, errors of HTTP excepted.
    Required,
    /// It is taken; a wrong proof fails the scrape.
    Optional,
    /// It is taken, and proofs are not looked at.
    Disabled,
}

/// The options as they are set, before it is known whether Kerberos is used.
pub(super) struct KerberosOptions<'a> {
    mode: Option<&'a Node>,
    settings: KerberosAuth,
}

const MODES: [(&str, MutualAuthentication); 3] = [
    ("required", MutualAuthentication::Required),
    ("optional", MutualAuthentication::Optional),
    ("disabled", MutualAuthentication::Disabled),
];

impl KerberosAuth {
    pub(super) fn read<'a>(section: &Section<'a>) -> KerberosOptions<'a> {
        let text = |option| section.text_if_any(option).filter(|text| !text.is_empty());
        let surroundings = section.reading().surroundings;
        let settings = Self {
            mutual: MutualAuthentication::Required,
            delegate: section.affirmative("kerberos_delegate", false),
            force_initiate: section.affirmative("kerberos_force_initiate", false),
            hostname: text("kerberos_hostname"),
            principal: text("kerberos_principal"),
            cache: text("kerberos_cache"),
            keytab: text("kerberos_keytab").map(|path| expand_home(&path, surroundings)),
        };
        // The second is the older name of the first.
        let mode = section.present("kerberos_auth").or(section.present("kerberos"));
        KerberosOptions { mode, settings }
    }
}

impl KerberosOptions<'_> {
    /// Whether the options alone say that Kerberos is wanted.
    pub(super) fn is_asked_for(&self) -> bool {
        match self.mode.map(|node| &node.value) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Text(text)) => !text.is_empty(),
            Some(_) => true,
        }
    }

    /// The settings, where Kerberos is used.
    pub(super) fn finish(mut self, section: &Section<'_>) -> Option<KerberosAuth> {
        let at = self.mode.map_or(section.at(), |node| node.at);
        if !cfg!(feature = "kerberos") {
            let message = "this build of Retriever has no Kerberos, because that needs libraries of the system; build \
                           it with `cargo build --release --features kerberos`";
            section.error(at, message);
            return None;
        }
        self.settings.mutual = match self.mode.map(|node| &node.value) {
            None | Some(Value::Null | Value::Bool(true) | Value::Integer(1)) => MutualAuthentication::Required,
            Some(Value::Text(text)) if is_affirmative(text) => MutualAuthentication::Required,
            Some(Value::Text(text)) if MODES.iter().any(|(name, _)| name == text) => {
                MODES.iter().find(|(name, _)| name == text).map_or(MutualAuthentication::Required, |&(_, mode)| mode)
            }
            Some(_) => {
                section.error(at, "`kerberos_auth` is none of `required`, `optional` and `disabled`");
                return None;
            }
        };
        Some(self.settings)
    }
}
