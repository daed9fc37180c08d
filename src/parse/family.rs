//! Which family a sample belongs to: keeps the open family, announces it late, and decides each sample's role.

use super::format::Format;
use super::model::{Family, MetricType, Role, Sample};
use super::sink::{Room, Sink, Taken};

/// The family that metadata lines and samples build up.
#[derive(Debug)]
pub(super) struct Families {
    format: Format,
    family: Family,
    phase: Phase,
    /// How many were announced.
    announced: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Closed,
    /// Metadata may still come before the family is announced.
    Pending,
    Announced,
}

impl Families {
    pub(super) fn new(format: Format) -> Self {
        Self { format, family: Family::default(), phase: Phase::Closed, announced: 0 }
    }

    pub(super) fn announced(&self) -> u64 {
        self.announced
    }

    /// A `HELP` line. Text that comes when the family was announced already is not kept.
    pub(super) fn help(&mut self, name: &str, text: String, sink: &mut (impl Sink + ?Sized)) {
        self.declare(name, sink);
        if self.phase == Phase::Pending {
            self.family.help = (!text.is_empty()).then_some(text);
        }
    }

    /// A `UNIT` line, kept like a `HELP` line.
    pub(super) fn unit(&mut self, name: &str, unit: &str, sink: &mut (impl Sink + ?Sized)) {
        self.declare(name, sink);
        if self.phase == Phase::Pending {
            self.family.unit = (!unit.is_empty()).then(|| unit.to_owned());
        }
    }

    /// A `TYPE` line. After samples of the family it holds for the samples that follow.
    pub(super) fn metric_type(&mut self, name: &str, metric_type: MetricType, sink: &mut (impl Sink + ?Sized)) {
        self.declare(name, sink);
        let changes = self.family.metric_type != metric_type || !self.family.declared;
        if self.phase == Phase::Announced && changes {
            sink.family_end(&self.family);
            self.phase = Phase::Pending;
        }
        self.family.metric_type = metric_type;
        self.family.declared = true;
    }

    /// Hands a sample out, below the open family if it belongs there, else below one of its own. `sample` has no role
    /// yet, unless it is a native histogram; `name` is its name with escapes undone. Returns its role if another sample
    /// with this name, coming next, has it too.
    pub(super) fn sample(
        &mut self,
        name: &str,
        mut sample: Sample<'_>,
        sink: &mut (impl Sink + ?Sized),
    ) -> Option<Role> {
        let is_native = sample.role == Role::NativeHistogram;
        let role = match self.phase {
            Phase::Closed => None,
            // It has the bare name of its family, which no other sample of a histogram has.
            _ if is_native => (self.family.name == name).then_some(Role::NativeHistogram),
            _ => role(&self.family, self.format, name),
        };
        sample.role = role.unwrap_or_else(|| {
            self.open(name, false, sink);
            if is_native { Role::NativeHistogram } else { Role::Value }
        });
        self.announce(sink);
        sink.sample(&self.family, &sample);
        // In the text format such a family never has a second sample.
        if !self.family.declared && self.format == Format::PrometheusText {
            self.close(sink);
            return None;
        }
        Some(sample.role)
    }

    /// Hands a sample out right after another one of the same name, for which [`Families::sample`] gave `role`.
    pub(super) fn same(&mut self, role: Role, mut sample: Sample<'_>, sink: &mut (impl Sink + ?Sized)) {
        sample.role = role;
        sink.sample(&self.family, &sample);
    }

    /// Offers lines to the sink that may be samples of the open family. More of its metadata may come until a sample is
    /// there.
    #[inline]
    pub(super) fn offer(&mut self, lines: &[u8], room: Room, sink: &mut (impl Sink + ?Sized)) -> Taken {
        if self.phase == Phase::Pending && sink.knows(lines, room) {
            self.announce(sink);
        }
        if self.phase != Phase::Announced {
            return Taken::default();
        }
        sink.take_known(&self.family, lines, room)
    }

    /// Ends the open family.
    pub(super) fn close(&mut self, sink: &mut (impl Sink + ?Sized)) {
        if self.phase == Phase::Closed {
            return;
        }
        self.announce(sink);
        sink.family_end(&self.family);
        self.phase = Phase::Closed;
    }

    /// Opens the family of a metadata line, unless it is open.
    fn declare(&mut self, name: &str, sink: &mut (impl Sink + ?Sized)) {
        if self.phase == Phase::Closed || self.family.name != name {
            self.open(name, true, sink);
        }
    }

    fn open(&mut self, name: &str, declared: bool, sink: &mut (impl Sink + ?Sized)) {
        self.close(sink);
        // Clearing keeps the memory of the name: expositions without metadata open a family for every sample.
        self.family.name.clear();
        self.family.name.push_str(name);
        self.family.metric_type = MetricType::Unknown;
        self.family.help = None;
        self.family.unit = None;
        self.family.declared = declared;
        self.phase = Phase::Pending;
    }

    fn announce(&mut self, sink: &mut (impl Sink + ?Sized)) {
        if self.phase == Phase::Pending {
            self.phase = Phase::Announced;
            self.announced += 1;
            sink.family(&self.family);
        }
    }
}

/// What a sample called `name` is within `family`; `None` when it does not belong there.
fn role(family: &Family, format: Format, name: &str) -> Option<Role> {
    let Some(suffix) = name.strip_prefix(family.name.as_str()) else { return misnamed_created(family, name) };
    let open_metrics = format != Format::PrometheusText;
    match (family.metric_type, suffix) {
        // In 2.0 a sample has the name of its family.
        (MetricType::Counter, "") if format == Format::OpenMetrics2 => Some(Role::Total),
        (MetricType::Counter, "") => Some(if name.ends_with("_total") { Role::Total } else { Role::Value }),
        (MetricType::Counter, "_total") => Some(Role::Total),
        (MetricType::Counter | MetricType::Summary | MetricType::Histogram, "_created") => Some(Role::Created),
        (MetricType::Summary, "") => Some(Role::Quantile),
        (MetricType::Summary | MetricType::Histogram, "_count") => Some(Role::Count),
        (MetricType::Summary | MetricType::Histogram, "_sum") => Some(Role::Sum),
        (MetricType::Histogram, "_bucket") => Some(Role::Bucket),
        (MetricType::GaugeHistogram, "_bucket") if open_metrics => Some(Role::Bucket),
        (MetricType::GaugeHistogram, "_gcount") if open_metrics => Some(Role::Count),
        (MetricType::GaugeHistogram, "_gsum") if open_metrics => Some(Role::Sum),
        (MetricType::Info, "_info") if open_metrics => Some(Role::Info),
        // `# TYPE x_info info` where `# TYPE x info` is right, as exporters of both formats write it.
        (MetricType::Info, "") if name.ends_with("_info") => Some(Role::Info),
        (MetricType::Gauge | MetricType::Unknown, "") => Some(Role::Value),
        (MetricType::GaugeHistogram | MetricType::Info, "") => (!open_metrics).then_some(Role::Value),
        (MetricType::StateSet, "") => Some(Role::State),
        _ => None,
    }
}

/// `x_created` below `# TYPE x_total counter`.
fn misnamed_created(family: &Family, name: &str) -> Option<Role> {
    let base = family.name.strip_suffix("_total")?;
    (family.metric_type == MetricType::Counter && name.strip_prefix(base)? == "_created").then_some(Role::Created)
}
