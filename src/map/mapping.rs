//! The mapping of one body: receives what the reader reads, decides about what is new, and replays what was decided.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::config::{GaugeAggregation, Instance};
use crate::parse::{Diagnostic, Family, Format, Role, Room, Sample, Sink, Taken};
use crate::time::UnixTime;

use super::context::ContextId;
use super::dropped::DropReason;
use super::emitter::{Emission, Emitter, Figure};
use super::error::MapError;
use super::labels::known_name;
use super::mapper::Outcome;
use super::memory::{Memory, Series};
use super::native::NativeReading;
use super::open_family::{Apart, OpenFamily};
use super::origin::{Part, SeriesId};
use super::plan::{ChangedPlan, CounterGaugePlan, Plan};
use super::repetition::Repetition;
use super::resolve::Drafts;
use super::selection::Selection;
use super::sharing::{Search, SearchState, SharedLabels, counts};
use super::started;
use super::submission::{Begun, MetricKind, Submission, Submissions};
use super::trace::Step;
use super::waiting::Waiting;

/// How many malformed lines of a scrape are kept to be shown; all of them are counted.
const KEPT_DIAGNOSTICS: usize = 10;

/// What a body is mapped under.
pub(super) struct Circumstances {
    pub(super) format: Format,
    /// The time of the scrape.
    pub(super) now: UnixTime,
    /// Whether counters wait for the end of the body, where it is known when the process started.
    pub(super) holds: bool,
    /// When the target began to be watched.
    pub(super) watched_since: Option<UnixTime>,
}

/// The mapping of one body.
pub struct Mapping<'m, S> {
    pub(super) memory: &'m mut Memory,
    pub(super) selection: &'m mut Selection,
    pub(super) shared: &'m mut SharedLabels,
    pub(super) emitter: Emitter<'m, S>,
    pub(super) circumstances: Circumstances,
    /// How many bytes of the body have come, read or not.
    pub(super) bytes: u64,
    pub(super) open: OpenFamily,
    waiting: Waiting,
    /// What waits for the end of the body.
    held: Vec<Result<Emission, MapError>>,
    /// When the process of the target started: the earliest that it says.
    process_started: Option<f64>,
    /// Sources of shared labels that were read.
    read_sources: Vec<usize>,
    search: SearchState,
    /// Families whose samples were counted while sources were searched.
    counted: u64,
    pub(super) repetition: Repetition,
    pub(super) drafts: Drafts,
    /// Why mapping ends with the open family.
    pub(super) failing: Option<MapError>,
    pub(super) outcome: Outcome,
}

impl<'m, S: Submissions> Mapping<'m, S> {
    pub(super) fn new(
        memory: &'m mut Memory,
        selection: &'m mut Selection,
        shared: &'m mut SharedLabels,
        emitter: Emitter<'m, S>,
        circumstances: Circumstances,
    ) -> Self {
        Self {
            memory,
            selection,
            shared,
            emitter,
            open: OpenFamily::default(),
            waiting: Waiting::default(),
            held: Vec::new(),
            process_started: None,
            read_sources: Vec::new(),
            search: SearchState::new(circumstances.holds),
            circumstances,
            bytes: 0,
            counted: 0,
            repetition: Repetition::default(),
            drafts: Drafts::default(),
            failing: None,
            outcome: Outcome::default(),
        }
    }

    /// Whether the body has to be searched for the sources of shared labels before it is mapped.
    pub fn needs_search(&self) -> bool {
        self.shared.needs_search() && !self.search.is_done()
    }

    /// Receives what is read of the body, or of as much of it as has come, while it is searched.
    pub fn searching(&mut self, read: impl FnOnce(&mut dyn Sink)) {
        let mut counts = Vec::new();
        let mut counted = |samples| counts.push(samples);
        let mut search: Search<'_> = self.search.search(self.shared, self.circumstances.format, &mut counted);
        read(&mut search);
        if self.emitter.instance.telemetry {
            for samples in counts {
                self.counted += 1;
                self.emit(Emission::Figure(Figure::Input, samples as f64));
            }
        }
    }

    /// The body has ended, and with it the search.
    pub fn searched(&mut self) {
        self.search.end(self.shared);
    }

    /// A line was left out by `raw_line_filters`.
    pub fn filtered_line(&mut self, line: &[u8]) {
        self.outcome.dropped.add(DropReason::FilteredLine);
        if let Some(trace) = self.emitter.out.trace() {
            trace.filtered_line(line);
        }
        if self.emitter.instance.telemetry {
            self.emit(Emission::Figure(Figure::FilteredLines, 1.0));
        }
    }

    /// How many bytes the payload has.
    pub fn payload(&mut self, bytes: u64) {
        if self.emitter.instance.telemetry {
            self.emit(Emission::Figure(Figure::PayloadSize, bytes as f64));
        }
    }

    /// So many more bytes of the body have come, and are going to be read.
    pub fn came(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// What became of everything that was read.
    pub fn finish(mut self) -> Outcome {
        if let Some(started) = self.process_started {
            // A replay watches from the beginning of time.
            let since = self.circumstances.watched_since;
            if self.circumstances.holds && since.is_none_or(|since| started > since.seconds()) {
                self.emitter.flush_first_value = true;
            }
            if started.is_finite() {
                self.emitter.out.process_started(UnixTime::from_seconds(started));
            }
        }
        // A scrape that the settings fail ends where it failed, and what was held comes after that.
        let held = if self.outcome.error.is_none() { std::mem::take(&mut self.held) } else { Vec::new() };
        for held in held {
            match held {
                Ok(emission) => self.emit(emission),
                Err(error) => {
                    self.outcome.error = Some(error);
                    break;
                }
            }
        }
        self.outcome
    }

    /// Why mapping ended, if it did; nothing more is submitted after that.
    pub fn error(&self) -> Option<&MapError> {
        self.outcome.error.as_ref()
    }

    pub(super) fn instance(&self) -> &'m Instance {
        self.emitter.instance
    }

    fn emit(&mut self, emission: Emission) {
        self.emitter.emit(emission, self.memory, &mut self.outcome.dropped);
    }

    /// Hands something on, or keeps it until the family ends.
    fn pass(&mut self, emission: Emission) {
        if self.open.waits { self.waiting.ready(emission) } else { self.emit(emission) }
    }

    fn drop_sample(&mut self, reason: DropReason) {
        self.outcome.dropped.add(reason);
        self.open.excluded += u64::from(reason == DropReason::Excluded);
        if self.instance().telemetry && reaches_transformer(reason) {
            self.count_processed();
        }
    }

    /// Counts a sample that reached its transformer: before what becomes of it, or, where the transformer waits for all
    /// samples of the family, before what becomes of any.
    fn count_processed(&mut self) {
        let figure = Emission::Figure(Figure::Processed, 1.0);
        if self.waits_for_neighbours() { self.waiting.first(figure) } else { self.pass(figure) }
    }

    fn waits_for_neighbours(&self) -> bool {
        self.open.selected.as_ref().is_ok_and(|selected| selected.waits(self.instance().histograms))
    }

    /// Notes what a sample says about the beginning of series; gives whether it could say it of none.
    fn note_start(&mut self, sample: &Sample<'_>) -> bool {
        let begun = if sample.role == Role::Created || self.open.tells_starts {
            started::begun(sample, self.memory)
        } else {
            None
        };
        if let Some(begun) = begun
            && let Some(time) = started::time(sample)
        {
            self.emitter.out.begun(begun, time);
        }
        if self.open.is_process_start && self.process_started.is_none_or(|known| sample.value < known) {
            self.process_started = Some(sample.value);
        }
        begun.is_none()
    }

    /// Replays the plan of a series for one sample.
    fn apply(&mut self, series: SeriesId, sample: &Sample<'_>) {
        let &Series { ref plan, group, .. } = self.memory.get(series);
        if let Plan::Drop(reason) = *plan {
            // The sketches of a histogram have its sum, whether or not that is submitted.
            if reason == DropReason::HistogramOption && matches!(group, Some((_, Part::Sum))) {
                self.pass(Emission::GroupSum(series, sample.value));
            }
            return self.drop_sample(reason);
        }
        if self.instance().telemetry {
            self.count_processed();
        }
        let value = sample.value;
        match self.memory.get(series).plan {
            Plan::Drop(_) => {}
            Plan::Metric { kind, context, gauges } => self.metric(series, kind, context, gauges, value),
            Plan::Changed(ref plan) => {
                let ChangedPlan { kind, context, change, gauges } = **plan;
                self.metric(series, kind, context, gauges, change.of(value, self.circumstances.now));
            }
            Plan::CounterGauge(ref plan) => {
                let CounterGaugePlan { total, count, gauges } = **plan;
                if let Some(context) = total {
                    self.metric(series, MetricKind::Gauge, context, gauges, value);
                }
                if let Some(context) = count {
                    self.metric(series, MetricKind::MonotonicCount, context, gauges, value);
                }
            }
            Plan::Bucket(_) => self.waiting.bucket(series, value, self.memory),
            Plan::Native(context) => self.native(series, context, sample),
            Plan::ServiceCheck(ref plan) => {
                let plan = Arc::clone(plan);
                self.pass(Emission::ServiceCheck(series, plan, value));
            }
            Plan::Metadata(ref pieces) => {
                let pieces = Arc::clone(pieces);
                self.pass(Emission::Metadata(series, pieces));
            }
        }
        if let Some(time) = started::beside(sample) {
            self.emitter.out.begun(Begun::Series(series), time);
        }
    }

    /// Replays the plan of a series that is a plain metric, or dropped.
    #[inline]
    pub(super) fn apply_plain(&mut self, series: SeriesId, value: f64) {
        match self.memory.get(series).plan {
            Plan::Metric { kind, context, gauges } => self.metric(series, kind, context, gauges, value),
            Plan::Drop(reason) => self.outcome.dropped.add(reason),
            Plan::Changed(_)
            | Plan::CounterGauge(_)
            | Plan::Bucket(_)
            | Plan::Native(_)
            | Plan::ServiceCheck(_)
            | Plan::Metadata(_) => {}
        }
    }

    fn native(&mut self, series: SeriesId, context: ContextId, sample: &Sample<'_>) {
        let Some(native) = sample.native else {
            self.outcome.dropped.add(DropReason::NativeHistogram);
            return;
        };
        let reading = NativeReading::of(native);
        // One that counts without saying where leaves that to the buckets beside it.
        if !reading.buckets.is_empty()
            && let Some((group, _)) = self.memory.get(series).group
        {
            self.waiting.native(group);
        }
        self.pass(Emission::Native(series, context, reading));
    }

    fn metric(&mut self, series: SeriesId, kind: MetricKind, context: ContextId, gauges: GaugeAggregation, value: f64) {
        if !value.is_finite() {
            self.outcome.dropped.add(DropReason::NotFinite);
            self.emitter.dropped(series, DropReason::NotFinite);
            return;
        }
        let origin = self.memory.origin(series);
        let submission =
            Submission::Metric { kind, context, origin, gauges, lower: None, value, flush_first_value: false };
        // As `pass` does, but most values go this way: not moved into an emission and out of it again.
        if self.open.waits {
            self.waiting.ready(Emission::Submission(submission));
        } else {
            self.emitter.submit(submission, self.memory, &mut self.outcome.dropped);
        }
    }

    /// Whether the emissions of a family are kept until it ends: where neighbours, or the number of samples, have to be
    /// known first, or the end of the body has to be awaited.
    fn waits(&self, family: &Family) -> bool {
        let instance = self.instance();
        // Relabeling may lead to any family.
        let differences = self.waits_for_neighbours() || !instance.metric_relabel_configs.is_empty();
        differences || instance.telemetry || self.is_held(family)
    }

    /// Whether nobody wants more of the samples of the open family than their values.
    fn replays(&mut self) -> bool {
        let OpenFamily { watch, is_process_start, waits, .. } = &self.open;
        // Of a family that is not selected no series is remembered.
        let is_plain = self.open.selected.is_ok() && watch.is_empty() && !is_process_start && !waits;
        is_plain && !self.shared.is_too_much() && self.emitter.limiter.is_none() && self.emitter.out.trace().is_none()
    }

    /// Whether a family waits for the end of the body.
    fn is_held(&self, family: &Family) -> bool {
        self.circumstances.holds && counts(family.metric_type)
    }

    /// Hands on what waited for the end of its family.
    fn release(&mut self, family: &Family) {
        let instance = self.instance();
        if instance.telemetry {
            if self.counted > 0 {
                self.counted -= 1;
            } else {
                self.emit(Emission::Figure(Figure::Input, self.open.samples as f64));
            }
            let is_excluded = self.open.selected.as_ref().is_err_and(|reason| *reason == DropReason::Excluded);
            if is_excluded || self.open.excluded > 0 {
                self.waiting.ready(Emission::Figure(Figure::Ignored, self.open.excluded as f64));
            }
        }
        if self.waiting.is_empty() {
            return;
        }
        let (counts, emitter) = (&mut self.outcome.dropped, &mut self.emitter);
        let emissions = self.waiting.finish(instance, self.memory, |series, reason| {
            counts.add(reason);
            emitter.dropped(series, reason);
        });
        if self.is_held(family) {
            self.held.extend(emissions.into_iter().map(Ok));
        } else {
            for emission in emissions {
                self.emit(emission);
            }
        }
    }
}

/// Whether a sample that is dropped for this reason was dropped by a transformer, and not before.
fn reaches_transformer(reason: DropReason) -> bool {
    match reason {
        DropReason::LeftOutByPattern
        | DropReason::Created
        | DropReason::NotOfItsType
        | DropReason::InfiniteBucket
        | DropReason::HistogramOption
        | DropReason::MissingLabel
        | DropReason::MissingBound
        | DropReason::NativeHistogram
        | DropReason::NativeGauge
        | DropReason::ReplacedByNative => true,
        DropReason::NotSelected
        | DropReason::Excluded
        | DropReason::Untyped
        | DropReason::Info
        | DropReason::StateSet
        | DropReason::GaugeHistogram
        | DropReason::Relabeled
        | DropReason::RelabeledNameless
        | DropReason::ExcludedByLabel
        | DropReason::NotFinite
        | DropReason::BadBound
        | DropReason::Limited
        | DropReason::Repeated
        | DropReason::FilteredLine
        | DropReason::Malformed => false,
    }
}

impl<S: Submissions> Sink for Mapping<'_, S> {
    fn family(&mut self, family: &Family) {
        if self.outcome.error.is_some() {
            return;
        }
        if let Some(trace) = self.emitter.out.trace() {
            trace.family(family);
        }
        if let Err(error) = self.check_memory(self.selection.len()) {
            self.outcome.error = Some(error);
            return;
        }
        let selected = match self.select(&family.name, family.metric_type) {
            Ok(selected) => selected,
            Err(error) => {
                self.open = OpenFamily::default();
                self.open.waits = self.instance().telemetry || self.is_held(family);
                return self.fail(error, family);
            }
        };
        // Excluded, `target_info` is still searched for, but not followed; and what a search has read is not read again.
        let excluded = matches!(selected, Err(DropReason::Excluded));
        let mut watch = self.shared.watch(family, self.circumstances.format);
        self.shared.note(!watch.is_empty());
        watch.retain(|watch| if watch.is_target_info() { !excluded } else { !self.search.is_done() });
        let name = known_name(&family.name, family.metric_type, self.circumstances.format, self.instance());
        self.open = OpenFamily {
            id: self.selection.exposed(&family.name, family.metric_type, self.circumstances.format),
            selected,
            apart: Apart::default(),
            unit: OnceCell::new(),
            watch,
            is_process_start: self.instance().use_process_start_time && name == started::PROCESS_START,
            tells_starts: started::is_apart(&family.name, family.metric_type, self.circumstances.format),
            waits: false,
            replayed: None,
            samples: 0,
            excluded: 0,
        };
        self.drafts.begin();
        self.memory.roster.begin_family();
        self.open.waits = self.waits(family);
        self.open.replayed = Some(self.open.id).filter(|_| self.replays());
    }

    fn take_known(&mut self, _: &Family, lines: &[u8], room: Room) -> Taken {
        self.replay(lines, room)
    }

    fn knows(&self, lines: &[u8], room: Room) -> bool {
        self.expects(lines, room)
    }

    fn sample(&mut self, family: &Family, sample: &Sample<'_>) {
        if self.outcome.error.is_some() {
            return;
        }
        if let Some(trace) = self.emitter.out.trace() {
            trace.sample(family, sample);
        }
        let series = self.take(family, sample);
        if let Some(trace) = self.emitter.out.trace() {
            trace.sample_end(series);
        }
    }

    fn family_end(&mut self, family: &Family) {
        if self.outcome.error.is_some() {
            return;
        }
        for watch in std::mem::take(&mut self.open.watch) {
            self.shared.observed(watch, &mut self.read_sources);
        }
        if self.open.waits {
            self.release(family);
        }
        match self.failing.take() {
            Some(error) if self.is_held(family) => self.held.push(Err(error)),
            error => self.outcome.error = error,
        }
    }

    fn malformed(&mut self, diagnostic: &Diagnostic) {
        if self.outcome.error.is_some() {
            return;
        }
        self.outcome.dropped.add(DropReason::Malformed);
        if let Some(trace) = self.emitter.out.trace() {
            trace.malformed(diagnostic);
        }
        if self.outcome.diagnostics.len() < KEPT_DIAGNOSTICS {
            self.outcome.diagnostics.push(diagnostic.clone());
        }
    }
}

impl<S: Submissions> Mapping<'_, S> {
    /// Takes a sample; gives the series that it became, if it did.
    fn take(&mut self, family: &Family, sample: &Sample<'_>) -> Option<SeriesId> {
        let memory = &*self.memory;
        if self.repetition.repeats(sample, self.circumstances.format, |series| memory.is(series, sample.series)) {
            self.drop_traced(DropReason::Repeated);
            return None;
        }
        self.open.samples += 1;
        if self.failing.is_some() {
            return None;
        }
        let is_unrelated = self.note_start(sample);
        for watch in &mut self.open.watch {
            self.shared.observe(watch, sample);
        }
        match self.resolve(family, sample) {
            Ok(Ok(series)) => {
                if is_unrelated && self.open.tells_starts {
                    self.memory.note_unrelated(series);
                }
                self.apply(series, sample);
                Some(series)
            }
            Ok(Err(reason)) => {
                self.drop_traced(reason);
                None
            }
            Err(error) => {
                if self.instance().telemetry && !error.is_over_limit() {
                    self.count_processed();
                }
                self.fail(error, family);
                None
            }
        }
    }

    /// Ends mapping: at once, or with the family if its samples have to be counted before, or with the body if the family
    /// waits for that.
    fn fail(&mut self, error: MapError, family: &Family) {
        if self.instance().telemetry || self.is_held(family) {
            self.failing = Some(error);
        } else {
            self.outcome.error = Some(error);
        }
    }

    /// Drops a sample that is no series.
    fn drop_traced(&mut self, reason: DropReason) {
        if let Some(trace) = self.emitter.out.trace() {
            trace.step(Step::Dropped(reason));
        }
        self.drop_sample(reason);
    }
}
