//! The way to a target: one scrape, as `run` makes it, each step of it noted.

use std::sync::Arc;

use super::answer;
use super::collected;
use super::login;
use super::model::{Diagnosis, Outcome, Step, StepKind};
use super::notes::{Hop, Notebook, Record};
use super::way::{self, Probes, Trouble};
use super::words::duration;
use crate::config::{AuthScheme, Instance};
use crate::discover::{Endpoint, Location};
use crate::parse::Format;
use crate::pipeline::Recorder;
use crate::road::{Contribution, Road};
use crate::scrape::{Client, Head, Response, ScrapeError, USER_AGENT};
use crate::time::UnixTime;

/// The steps of every target in their order, from that on which a proxy is chosen for.
const LADDER: [StepKind; 12] = [
    StepKind::Proxy,
    StepKind::Name,
    StepKind::Connection,
    StepKind::Tls,
    StepKind::Login,
    StepKind::Answer,
    StepKind::Format,
    StepKind::Clock,
    StepKind::Body,
    StepKind::Time,
    StepKind::Reading,
    StepKind::Collected,
];

/// Redirects that are told; of more, only these and the last.
const REDIRECTS: usize = 3;

/// How much of the body of an error is read. Bytes.
const ERROR_BODY: usize = 4 << 10;

const WHY_CLOCKS: &str = "set both by NTP (`timedatectl` shows whether they are): start times of counters and \
                          `time_elapsed` are compared with the time here";

/// Walks the way. `file`: the settings, in which the instance stands; none: there is only a URL.
pub(crate) async fn examine_target(instance: &Arc<Instance>, file: Option<&str>) -> Diagnosis {
    let place = file.map(|file| format!("{file}:{}", instance.at.line));
    let endpoint = match Endpoint::parse(&instance.endpoint) {
        Ok(endpoint) => endpoint,
        Err(error) => return unusable(crate::discover::redact(&instance.endpoint), place, [error.to_string()]),
    };
    let notebook = Arc::new(Notebook::default());
    let client = match Client::observed(&instance.http, USER_AGENT, notebook.clone()) {
        Ok(client) => client,
        Err(error) => return unusable(endpoint.to_string(), place, [error.to_string()]),
    };
    let began = UnixTime::now();
    let fetched = match client.fetch(&endpoint).await {
        Ok(response) => Ok(Fetched::of(response, instance, &endpoint, &notebook, began).await),
        Err(error) => Err(error),
    };
    let record = notebook.read();
    let look_ups: Vec<_> = record.hops.iter().flat_map(|hop| hop.look_ups.iter().cloned()).collect();
    let probes = way::probe(&look_ups, instance.http.connect_timeout).await;
    let mut diagnosis = Diagnosis { title: endpoint.to_string(), place, steps: vec![settings(instance, file)] };
    let walk = Walk { instance, endpoint: &endpoint, record, probes, now: UnixTime::now() };
    match fetched {
        Err(error) => walk.failed(&error, &mut diagnosis),
        Ok(fetched) => walk.answered(&fetched, file, &mut diagnosis),
    }
    diagnosis
}

/// Settings with which nothing can be fetched, and why.
pub(crate) fn unusable(title: String, place: Option<String>, messages: impl IntoIterator<Item = String>) -> Diagnosis {
    let steps = messages.into_iter().map(|message| Step::failed(StepKind::Settings, message)).collect();
    let mut diagnosis = Diagnosis { title, place, steps };
    diagnosis.not_tried(&LADDER);
    diagnosis
}

fn settings(instance: &Instance, file: Option<&str>) -> Step {
    let http = &instance.http;
    let limits = format!(
        "{} to connect, {} to answer, {} for all",
        duration(http.connect_timeout),
        duration(http.read_timeout),
        duration(http.total_timeout)
    );
    let interval = duration(instance.min_collection_interval);
    let text = match file {
        Some(_) => format!("a scrape every {interval}; {limits}"),
        None => format!("the defaults, as there is only a URL: {limits}"),
    };
    let step = Step::fine(StepKind::Settings, text)
        .fact("min_collection_interval", instance.min_collection_interval.as_secs_f64())
        .fact("connect_timeout", http.connect_timeout.as_secs_f64())
        .fact("read_timeout", http.read_timeout.as_secs_f64())
        .fact("total_timeout", http.total_timeout.as_secs_f64());
    if instance.ignore_connection_errors {
        return step
            .detail("`ignore_connection_errors` is set: `run` says nothing of a target that cannot be reached.");
    }
    step
}

/// What one scrape left behind.
struct Walk<'a> {
    instance: &'a Instance,
    endpoint: &'a Endpoint,
    record: Record,
    probes: Probes,
    now: UnixTime,
}

impl Walk<'_> {
    /// There is no answer.
    fn failed(&self, error: &ScrapeError, diagnosis: &mut Diagnosis) {
        let trouble = Trouble::of(error, self.record.hops.last());
        let http = &self.instance.http;
        if self.record.hops.is_empty() || trouble.kind == StepKind::Login {
            self.ways(None, diagnosis);
            if self.record.hops.is_empty() {
                diagnosis.steps.push(way::proxy(http, self.endpoint.location()));
            }
            diagnosis.steps.push(login::failed(http, &trouble.message));
        } else {
            self.ways(Some(&trouble), diagnosis);
            if matches!(trouble.kind, StepKind::Answer | StepKind::Redirect) {
                diagnosis.steps.push(unanswered(&trouble, self.record.hops.last()));
            }
        }
        let done: Vec<StepKind> = diagnosis.steps.iter().map(|step| step.kind).collect();
        let left: Vec<StepKind> = LADDER.into_iter().filter(|kind| !done.contains(kind)).collect();
        diagnosis.not_tried(&left);
    }

    /// The ways of all requests that made a connection, and what led from one to the next.
    fn ways(&self, trouble: Option<&Trouble>, diagnosis: &mut Diagnosis) {
        let hops = &self.record.hops;
        let redirects = hops.iter().filter(|hop| hop.redirected).count();
        let (mut told, mut walked) = (0, Vec::new());
        for (i, hop) in hops.iter().enumerate() {
            let is_last = i + 1 == hops.len();
            let here = trouble.filter(|_| is_last);
            let peer = (hop.location.as_ref().map(Location::origin), hop.proxy.as_ref());
            let is_known = walked.contains(&peer);
            if !is_known || here.is_some_and(|trouble| !matches!(trouble.kind, StepKind::Answer | StepKind::Redirect)) {
                diagnosis.steps.extend(way::steps(hop, &self.instance.http, &self.probes, here, self.now));
            }
            walked.push(peer);
            let (true, Some(next)) = (hop.redirected, hops.get(i + 1)) else { continue };
            told += 1;
            if told <= REDIRECTS || told == redirects {
                diagnosis.steps.push(self.redirect(hop, next));
            } else if told == redirects - 1 {
                let more = redirects - REDIRECTS - 1;
                diagnosis.steps.push(Step::fine(StepKind::Redirect, format!("and {more} more")));
            }
        }
    }

    fn redirect(&self, hop: &Hop, next: &Hop) -> Step {
        let to = next.location.as_ref().map(ToString::to_string).unwrap_or_default();
        let status = hop.head.as_ref().map(|moment| moment.what.status.as_u16());
        let word = status.map_or_else(String::new, |status| format!("{status} "));
        let step = Step::fine(StepKind::Redirect, format!("{word}leads to `{to}`"))
            .took(hop.head.as_ref().map(|moment| moment.took))
            .fact("status", status)
            .fact("to", to.as_str());
        let leaves = next.location.as_ref().is_some_and(|next| !self.endpoint.location().trusts(next));
        if leaves && shows_something(self.instance, self.endpoint, &self.record) {
            return step
                .detail("Credentials and own headers are not sent there, because it is another host, port or scheme.");
        }
        step
    }

    /// There is an answer, whatever its status.
    fn answered(&self, fetched: &Fetched, file: Option<&str>, diagnosis: &mut Diagnosis) {
        self.ways(None, diagnosis);
        let http = &self.instance.http;
        let Some(hop) = self.record.hops.last() else { return };
        let Some(answer) = &hop.head else { return };
        let head = &fetched.head;
        // They do not come back, even if a later redirect does.
        let own = self.endpoint.location();
        let leaves = self.record.hops.iter().filter_map(|hop| hop.location.as_ref()).any(|there| !own.trusts(there));
        let left_behind = hop.location.as_ref().filter(|_| leaves).map(ToString::to_string);
        let login = login::step(http, &self.record, &answer.what, left_behind.as_deref(), self.now);
        let is_refused = login.outcome == Outcome::Failed;
        diagnosis.steps.push(login);
        if is_refused {
            return diagnosis.not_tried(behind(StepKind::Login));
        }
        let told = if let Content::Refused(text) = &fetched.content { text.as_deref() } else { None };
        diagnosis.steps.push(answer::status(head, hop, http, told));
        let Content::Scraped(contribution, recorder) = &fetched.content else {
            return diagnosis.not_tried(behind(StepKind::Answer));
        };
        diagnosis.steps.push(answer::format(head, hop, fetched.format, http));
        diagnosis.steps.push(answer::clock(answer, "the target", WHY_CLOCKS));
        let broken = collected::broken_body(&contribution.report);
        diagnosis.steps.push(answer::body(&self.record, &head.content_encodings(), broken.as_deref(), http));
        diagnosis.steps.extend(answer::time(&self.record, http, self.instance.min_collection_interval));
        let redirected = self.record.hops.iter().any(|hop| hop.redirected);
        diagnosis.steps.push(collected::reading(&contribution.report, redirected));
        let nothing_read = contribution.report.failure.is_some() && contribution.report.totals.samples == 0;
        diagnosis.steps.push(match file {
            Some(_) if nothing_read => Step::new(StepKind::Collected, Outcome::NotTried, ""),
            Some(file) => collected::collected(contribution, recorder, file),
            None => Step::not_needed(StepKind::Collected, "with settings instead of a URL: what they collect of it"),
        });
    }
}

/// The steps of a target behind this one.
fn behind(kind: StepKind) -> &'static [StepKind] {
    let at = LADDER.iter().position(|&other| other == kind);
    at.map_or(&[], |at| &LADDER[at + 1..])
}

/// An answer that was read to its end.
struct Fetched {
    head: Head,
    format: Format,
    content: Content,
}

enum Content {
    /// The status is that of an error, and this is what it says, if it may be shown.
    Refused(Option<String>),
    Scraped(Box<Contribution>, Recorder),
}

impl Fetched {
    async fn of(
        mut response: Response,
        instance: &Arc<Instance>,
        endpoint: &Endpoint,
        notebook: &Notebook,
        began: UnixTime,
    ) -> Self {
        let (head, format) = (response.head.clone(), response.format(&instance.http));
        let content = if ScrapeError::for_status(&head).is_some() {
            let secret = shows_something(instance, endpoint, &notebook.read());
            Content::Refused(if secret { None } else { Some(beginning(&mut response).await) })
        } else {
            let (mut road, mut recorder) = (Road::new(Arc::clone(instance), Some(began)), Recorder::default());
            let contribution = road.scrape(Ok(response), UnixTime::now(), &mut recorder).await;
            Content::Scraped(Box::new(contribution), recorder)
        };
        Self { head, format, content }
    }
}

/// Whether a request may hold anything secret, which an answer might repeat.
fn shows_something(instance: &Instance, endpoint: &Endpoint, record: &Record) -> bool {
    let http = &instance.http;
    record.credentials.iter().any(|shown| shown.source.is_some())
        || http.auth.token.is_some()
        || http.auth.scheme != AuthScheme::Unset
        || !http.headers.is_empty()
        || !http.extra_headers.is_empty()
        || endpoint.text().contains('?')
}

/// A request that was sent, or followed a redirect, in vain.
fn unanswered(trouble: &Trouble, hop: Option<&Hop>) -> Step {
    if trouble.kind == StepKind::Redirect && trouble.message.starts_with("more than") {
        // What stands behind the semicolon is no advice.
        return Step::failed(trouble.kind, trouble.message.replacen("; ", ", and ", 1))
            .advise("the target sends in circles: look at where it leads, and set the URL to where the metrics are");
    }
    let step = Step::failed_with(trouble.kind, &trouble.message);
    let is_tls = hop.and_then(|hop| hop.location.as_ref()).is_some_and(Location::is_tls);
    if trouble.kind == StepKind::Answer && !is_tls && trouble.message.contains("not HTTP") {
        return step.advise("a target that speaks TLS there needs `https://`");
    }
    step
}

/// The first bytes of a body, as far as they come.
async fn beginning(response: &mut Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = response.body.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() > ERROR_BODY {
            break;
        }
    }
    text.truncate(ERROR_BODY);
    without_markup(&String::from_utf8_lossy(&text))
}

/// The text of a page.
fn without_markup(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return page.to_owned();
    }
    let pieces = page.split('<').filter_map(|piece| piece.split_once('>').map(|(_, text)| text));
    pieces.collect::<Vec<_>>().join(" ")
}
