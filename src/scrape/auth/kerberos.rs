//! Kerberos authentication by way of SPNEGO (RFC 4559).
//!
//! The library of the system does it, in a process of its own for each request (`retriever kerberos`): it takes the
//! credential cache and the keytab from the environment, which is one for all threads of a process, and it can wait for
//! a server for longer than a scrape may take. The process is this program again, so another program that uses the
//! library cannot authenticate with Kerberos.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::binding::end_point;
use super::challenge::challenges;
use super::error::AuthError;
use super::{Next, asks, secret_value};
use crate::config::{KerberosAuth, MutualAuthentication};
use crate::discover::Location;

/// Whose tickets are shown, and what is wanted of the target.
pub(super) struct Kerberos {
    settings: KerberosAuth,
    /// Whether the target has proved its identity once; over a connection that stays authenticated it does not again.
    proved: AtomicBool,
}

/// One request.
pub(super) struct KerberosTurn<'a> {
    kerberos: &'a Kerberos,
    location: &'a Location,
    /// Whether the target has asked for a ticket.
    asked: bool,
    /// What is to be sent.
    token: Option<String>,
    initiator: Option<Initiator>,
    answers: u32,
}

/// Answers to the target in one turn.
const ANSWERS: u32 = 3;

/// The process that makes the tokens of one request.
struct Initiator {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Ends with the turn.
    _child: Child,
}

impl Kerberos {
    pub(super) fn new(settings: &KerberosAuth) -> Self {
        Self { settings: settings.clone(), proved: AtomicBool::new(false) }
    }

    pub(super) fn turn<'a>(&'a self, location: &'a Location) -> KerberosTurn<'a> {
        KerberosTurn {
            kerberos: self,
            location,
            asked: self.settings.force_initiate,
            token: None,
            initiator: None,
            answers: 0,
        }
    }

    fn initiator(&self, location: &Location, binding: Option<Vec<u8>>) -> std::io::Result<Initiator> {
        let settings = &self.settings;
        let host = settings.hostname.as_deref().unwrap_or(location.host());
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("kerberos").arg(format!("--service=HTTP@{host}"));
        command.args(settings.principal.iter().map(|principal| format!("--principal={principal}")));
        command.args(binding.map(|binding| format!("--binding={}", BASE64.encode(binding))));
        command.args(settings.delegate.then_some("--delegate"));
        command.args((settings.mutual != MutualAuthentication::Disabled).then_some("--mutual"));
        command.envs(settings.cache.iter().map(|cache| ("KRB5CCNAME", cache)));
        command.envs(settings.keytab.iter().map(|keytab| ("KRB5_CLIENT_KTNAME", keytab)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let no_pipe = || std::io::Error::other("it has no pipe");
        let (input, output) = (child.stdin.take().ok_or_else(no_pipe)?, child.stdout.take().ok_or_else(no_pipe)?);
        Ok(Initiator { input, output: BufReader::new(output), _child: child })
    }
}

impl KerberosTurn<'_> {
    /// The header, if it is time for one.
    pub(super) async fn authorization(&mut self, certificate: Option<&[u8]>) -> Result<Option<HeaderValue>, AuthError> {
        if self.asked && self.initiator.is_none() {
            self.begin(certificate.and_then(end_point)).await?;
        }
        Ok(self.token.take().and_then(|token| secret_value(format!("Negotiate {token}").as_bytes())))
    }

    pub(super) async fn answer(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<Next, AuthError> {
        let offered = challenges(headers).into_iter().find(|challenge| challenge.scheme == "negotiate");
        let proof = offered.as_ref().and_then(|challenge| challenge.token.clone());
        if asks(status) {
            self.answers += 1;
            if self.answers >= ANSWERS {
                return Ok(Next::Final);
            }
            match (&mut self.initiator, offered, proof) {
                (None, Some(_), _) => self.asked = true,
                (Some(initiator), _, Some(token)) => {
                    self.token = initiator.step(Some(&token)).await?;
                    if self.token.is_none() {
                        return Ok(Next::Final);
                    }
                }
                _ => return Ok(Next::Final),
            }
            return Ok(Next::Again);
        }
        self.check(status, proof).await?;
        Ok(Next::Final)
    }

    async fn begin(&mut self, binding: Option<Vec<u8>>) -> Result<(), AuthError> {
        let failed = |cause: std::io::Error| AuthError::Kerberos(format!("its process cannot be started: {cause}"));
        let mut initiator = self.kerberos.initiator(self.location, binding).map_err(failed)?;
        self.token = initiator.step(None).await?;
        self.initiator = Some(initiator);
        Ok(())
    }

    /// Whether the target is who it should be.
    async fn check(&mut self, status: StatusCode, proof: Option<String>) -> Result<(), AuthError> {
        let mutual = self.kerberos.settings.mutual;
        let proved = &self.kerberos.proved;
        if mutual == MutualAuthentication::Disabled {
            return Ok(());
        }
        if let (Some(initiator), Some(proof)) = (&mut self.initiator, proof) {
            initiator.step(Some(&proof)).await?;
            proved.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let is_error = status.is_client_error() || status.is_server_error();
        let kept = self.initiator.is_none() && proved.load(Ordering::Relaxed);
        if is_error || kept || mutual == MutualAuthentication::Optional {
            return Ok(());
        }
        let problem = "the target did not prove who it is; set `kerberos_auth: optional` if it cannot";
        Err(AuthError::Kerberos(problem.to_owned()))
    }
}

impl Initiator {
    /// Hands over what the target sent; gives what is to be sent to it.
    async fn step(&mut self, token: Option<&str>) -> Result<Option<String>, AuthError> {
        let broken = |cause: std::io::Error| AuthError::Kerberos(format!("its process failed: {cause}"));
        if let Some(token) = token {
            self.input.write_all(format!("{token}\n").as_bytes()).await.map_err(broken)?;
        }
        let mut line = String::new();
        self.output.read_line(&mut line).await.map_err(broken)?;
        match line.trim().split_once(' ') {
            Some(("token", token)) => Ok(Some(token.to_owned())),
            Some(("error", problem)) => Err(AuthError::Kerberos(problem.to_owned())),
            None if line.trim() == "complete" => Ok(None),
            _ => Err(AuthError::Kerberos("its process ended without a word".to_owned())),
        }
    }
}
