//! What the intake accepted, point by point, as Datadog keeps it: for each series and second one value.

use std::collections::{BTreeMap, HashMap};

use prost::Message;

use super::proto::{MetricPayload, MetricType, SketchPayload};
use super::target::{SEQUENCE, series_name};

/// How many objections are kept to be shown.
const SHOWN: usize = 20;
/// The host that the settings of the trial name.
pub(super) const HOST: &str = "chaos-host";

/// A kind of request, as its path tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Series,
    Sketches,
    ServiceChecks,
}

impl Kind {
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/api/v2/series" => Some(Self::Series),
            "/api/beta/sketches" => Some(Self::Sketches),
            "/api/v1/check_run" => Some(Self::ServiceChecks),
            _ => None,
        }
    }
}

/// A payload, decoded by means that share nothing with Retriever's encoder.
#[derive(Debug)]
pub(super) enum Decoded {
    Series(MetricPayload),
    Sketches(SketchPayload),
    ServiceChecks(Vec<serde_json::Value>),
}

impl Decoded {
    pub(super) fn read(kind: Kind, body: &[u8]) -> Result<Self, String> {
        let plain = zstd::stream::decode_all(body).map_err(|error| format!("the payload is not zstd: {error}"))?;
        Ok(match kind {
            Kind::Series => Self::Series(MetricPayload::decode(&*plain).map_err(|error| error.to_string())?),
            Kind::Sketches => Self::Sketches(SketchPayload::decode(&*plain).map_err(|error| error.to_string())?),
            Kind::ServiceChecks => {
                Self::ServiceChecks(serde_json::from_slice(&plain).map_err(|error| error.to_string())?)
            }
        })
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Series(payload) => payload.series.len(),
            Self::Sketches(payload) => payload.sketches.len(),
            Self::ServiceChecks(checks) => checks.len(),
        }
    }
}

/// The values of one series, by their second.
pub(super) type Values = BTreeMap<i64, f64>;

/// Count and sum of one sketch.
type Totals = (i64, f64);

/// What Datadog would have now.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    points: HashMap<String, Values>,
    /// By the series with the tags of the bucket, if each bucket has a series of its own.
    sketches: HashMap<String, BTreeMap<i64, Totals>>,
    /// What counts have to say that they cover, in seconds.
    interval: i64,
    pub(super) payloads: u64,
    /// Points that came again with the same value.
    pub(super) repeated: u64,
    /// What came again with another value: one of the two is lost.
    pub(super) conflicts: u64,
    /// How often points of two expositions of a target had the same second.
    pub(super) crowded: u64,
    pub(super) service_checks: u64,
    /// The first of all conflicts and oddities.
    pub(super) objections: Vec<String>,
    /// What no intake would take.
    pub(super) odd: u64,
}

impl Ledger {
    pub(super) fn new(interval: u64) -> Self {
        Self { interval: interval.cast_signed(), ..Self::default() }
    }

    /// Takes a payload to the books.
    pub(super) fn enter(&mut self, decoded: &Decoded) {
        self.payloads += 1;
        match decoded {
            Decoded::Series(payload) => self.enter_series(payload),
            Decoded::Sketches(payload) => self.enter_sketches(payload),
            Decoded::ServiceChecks(checks) => self.service_checks += checks.len() as u64,
        }
    }

    fn enter_series(&mut self, payload: &MetricPayload) {
        for series in &payload.series {
            let name = named(&series.metric, &series.tags);
            let hosts: Vec<_> = series.resources.iter().map(|resource| (&*resource.r#type, &*resource.name)).collect();
            let last = series.metric.rsplit('.').next();
            let is_count = matches!(last, Some("count" | "sum" | "bucket"));
            let expected =
                if is_count { (MetricType::Count as i32, self.interval) } else { (MetricType::Gauge as i32, 0) };
            if hosts != [("host", HOST)] || (series.r#type, series.interval) != expected || series.points.is_empty() {
                self.object(format!("odd series: {series:?}"));
            }
            for point in &series.points {
                let known = self.points.entry(name.clone()).or_default().insert(point.timestamp, point.value);
                let (before, now) = (known.map(f64::to_bits), point.value.to_bits());
                let is_same = before == Some(now);
                self.crowded += u64::from(series.metric == SEQUENCE && known.is_some() && !is_same);
                self.compare(is_same, known.is_some(), || {
                    format!("{name} at {}: {} came after {known:?}", point.timestamp, point.value)
                });
            }
        }
    }

    fn enter_sketches(&mut self, payload: &SketchPayload) {
        for series in &payload.sketches {
            let name = named(&series.metric, &series.tags);
            for sketch in &series.dogsketches {
                let bins: u64 = sketch.n.iter().map(|count| u64::from(*count)).sum();
                let is_ordered = sketch.min <= sketch.avg && sketch.avg <= sketch.max;
                if series.host != HOST || i64::try_from(bins) != Ok(sketch.cnt) || sketch.cnt == 0 || !is_ordered {
                    self.object(format!("odd sketch of {name}: {sketch:?}"));
                }
                let totals = (sketch.cnt, sketch.sum);
                let known = self.sketches.entry(name.clone()).or_default().insert(sketch.ts, totals);
                self.compare(known == Some(totals), known.is_some(), || {
                    format!("sketch {name} at {}: {totals:?} came after {known:?}", sketch.ts)
                });
            }
        }
    }

    fn compare(&mut self, same: bool, known: bool, what: impl FnOnce() -> String) {
        if same {
            self.repeated += 1;
        } else if known {
            self.conflicts += 1;
            self.note(what());
        }
    }

    /// Something that no intake would take, or that the trial cannot have caused.
    pub(super) fn object(&mut self, what: String) {
        self.odd += 1;
        self.note(what);
    }

    fn note(&mut self, what: String) {
        if self.objections.len() < SHOWN {
            self.objections.push(what);
        }
    }

    /// The points of a series.
    pub(super) fn points(&self, series: &str) -> Option<&Values> {
        self.points.get(series)
    }

    /// All series that have points.
    pub(super) fn series(&self) -> impl Iterator<Item = (&String, &Values)> {
        self.points.iter()
    }

    /// How many points and sketches there are, each once.
    pub(super) fn len(&self) -> usize {
        let sketches: usize = self.sketches.values().map(BTreeMap::len).sum();
        self.points.values().map(Values::len).sum::<usize>() + sketches
    }

    /// Counts and sums of distributions, those of all buckets of a series taken together.
    pub(super) fn distributions(&self) -> HashMap<String, BTreeMap<i64, Totals>> {
        let mut together: HashMap<String, BTreeMap<i64, Totals>> = HashMap::new();
        for (name, totals) in &self.sketches {
            let (metric, tags) = name.split_once(' ').unwrap_or((name, ""));
            let is_bound = |tag: &&str| tag.starts_with("lower_bound:") || tag.starts_with("upper_bound:");
            let whole = series_name(metric, tags.split(',').filter(|tag| !is_bound(tag)));
            let whole = together.entry(whole).or_default();
            for (at, (count, sum)) in totals {
                let place = whole.entry(*at).or_default();
                *place = (place.0 + count, place.1 + sum);
            }
        }
        together
    }
}

/// The name of a series without the tag that tells at which address of this machine the target was.
fn named(metric: &str, tags: &[String]) -> String {
    series_name(metric, tags.iter().map(String::as_str).filter(|tag| !tag.starts_with("endpoint:")))
}
