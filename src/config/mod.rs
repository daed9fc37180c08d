//! Settings.

mod http;
mod output;
mod secret;

pub use http::{BasicAuth, BodyLimits, HttpSettings, TlsSettings};
pub use output::{ApiSettings, DogstatsdAddress, Enrichment, Output};
pub use secret::Secret;
