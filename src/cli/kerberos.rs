//! `retriever kerberos`: makes the tokens of one request, for the process that sends it.
//!
//! It writes one line for each step, `token BASE64`, `complete` or `error TEXT`, and reads between them what the target
//! answered, a line of base64.

use std::io::{self, BufRead as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use libgssapi::context::{ClientCtx, CtxFlags};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_SPNEGO, GSS_NT_HOSTBASED_SERVICE, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::exit::Exit;

/// The arguments of `retriever kerberos`.
#[derive(Debug, clap::Args)]
pub(super) struct KerberosArgs {
    /// The service, as `HTTP@host`
    #[arg(long)]
    service: String,

    /// Whose credentials are used
    #[arg(long)]
    principal: Option<String>,

    /// What ties the tokens to a TLS connection, in base64
    #[arg(long, value_parser = decoded)]
    binding: Option<Binding>,

    /// Whether the service gets credentials of its own
    #[arg(long)]
    delegate: bool,

    /// Whether the service has to prove who it is
    #[arg(long)]
    mutual: bool,
}

/// The bytes of a channel binding.
#[derive(Clone, Debug)]
struct Binding(Vec<u8>);

fn decoded(text: &str) -> Result<Binding, String> {
    BASE64.decode(text).map(Binding).map_err(|_| "expected base64".to_owned())
}

/// Exit status: 0 done, 1 there are no credentials or the answer of the target was not accepted.
pub(super) fn run(args: &KerberosArgs) -> Exit {
    match serve(args) {
        Ok(()) => Exit::Fine,
        Err(message) => {
            // Whoever asked may be gone.
            let _ = say(&format!("error {}", message.split_whitespace().collect::<Vec<_>>().join(" ")));
            Exit::Findings
        }
    }
}

fn serve(args: &KerberosArgs) -> Result<(), String> {
    let mut context = context(args).map_err(|error| error.to_string())?;
    let mut lines = io::stdin().lock().lines();
    let mut answer = None;
    let binding = args.binding.as_ref().map(|binding| binding.0.as_slice());
    loop {
        let token = context.step(answer.as_deref(), binding).map_err(|error| error.to_string())?;
        let said = match token {
            Some(token) => say(&format!("token {}", BASE64.encode(&*token))),
            None => say("complete"),
        };
        said.map_err(|error| error.to_string())?;
        let Some(line) = lines.next() else { return Ok(()) };
        let line = line.map_err(|error| error.to_string())?;
        answer = Some(BASE64.decode(line.trim()).map_err(|_| "the answer of the target is not base64".to_owned())?);
    }
}

fn context(args: &KerberosArgs) -> Result<ClientCtx, Error> {
    let target = Name::new(args.service.as_bytes(), Some(GSS_NT_HOSTBASED_SERVICE))?;
    let credentials = match &args.principal {
        None => None,
        Some(principal) => {
            let name = Name::new(principal.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL))?;
            let mechanisms = OidSet::singleton(GSS_MECH_SPNEGO)?;
            Some(Cred::acquire(Some(&name), None, CredUsage::Initiate, Some(&mechanisms))?)
        }
    };
    let mut flags = CtxFlags::empty();
    flags.set(CtxFlags::GSS_C_MUTUAL_FLAG, args.mutual);
    flags.set(CtxFlags::GSS_C_DELEG_FLAG, args.delegate);
    Ok(ClientCtx::new(credentials, target, flags, Some(GSS_MECH_SPNEGO)))
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
