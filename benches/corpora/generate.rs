//! Makes expositions of three kinds from a small generator of random numbers with a fixed seed, and those of the scrapes
//! after them: most series stay, some values move, and of a thousand series two are replaced each time.

use std::fmt::Write as _;

use retriever::parse::Format;

/// The upper bounds of the buckets.
const BOUNDS: [&str; 20] = [
    "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "1.5", "2.5", "5",
    "7.5", "10", "30", "60", "+Inf",
];
const NAMESPACES: [&str; 8] = [
    "default",
    "kube-system",
    "monitoring",
    "ingress-nginx",
    "payments-production",
    "checkout",
    "data-platform",
    "kafka",
];
const SERVICES: [&str; 10] =
    ["api", "frontend", "worker", "scheduler", "gateway", "cache", "indexer", "consumer", "coordinator", "recommender"];
const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];
const CODES: [&str; 6] = ["200", "201", "204", "400", "404", "500"];

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            all.swap(end, self.below(end as u64 + 1) as usize);
        }
    }

    fn hex(&mut self, digits: usize) -> String {
        let mut text = String::new();
        while text.len() < digits {
            write!(text, "{:016x}", self.next()).expect("a string takes text");
        }
        text.truncate(digits);
        text
    }
}

/// What becomes of the series of an exposition until a scrape: for each, in their order, the same in each scrape.
pub(crate) struct Succession {
    scrape: u64,
    /// How many of a thousand are replaced each time.
    replaced: u64,
    /// How many series there were.
    series: u64,
}

impl Succession {
    fn until(scrape: u64) -> Self {
        Self::replacing(2, scrape)
    }

    /// Another number of a thousand is replaced each time.
    pub(crate) fn replacing(replaced: u64, scrape: u64) -> Self {
        Self { scrape, replaced, series: 0 }
    }

    /// Lets the next series take its steps: `replace` and then `advance` are called for each scrape after the first.
    fn next(&mut self, mut step: impl FnMut(&mut Random, Step)) {
        self.series += 1;
        let mut random = Random(self.series << 20);
        for _ in 0..self.scrape {
            let is_replaced = random.below(1000) < self.replaced;
            step(&mut random, if is_replaced { Step::Replaced } else { Step::Moved });
        }
    }
}

/// What becomes of a series from one scrape to the next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Moved,
    Replaced,
}

/// The value as Go's libraries print it: from a million on with an exponent of two digits.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if value == 0.0 || value.is_nan() || (1e-4..1e6).contains(&value.abs()) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').expect("this form has an exponent");
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

macro_rules! put {
    ($out:expr, $($what:tt)*) => { writeln!($out, $($what)*).expect("a string takes text") };
}

struct Pod {
    labels: String,
    container: String,
    node: String,
    digest: String,
    started: u64,
    phase: usize,
    restarts: usize,
}

impl Pod {
    fn new(random: &mut Random) -> Self {
        let (first, second) = (random.pick(&SERVICES), random.pick(&SERVICES));
        let hex = random.hex(32);
        let uid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        let (namespace, set, suffix) = (random.pick(&NAMESPACES), random.hex(10), random.hex(5));
        let mut pod = Self {
            labels: format!("namespace=\"{namespace}\",pod=\"{first}-{second}-{set}-{suffix}\",uid=\"{uid}\""),
            container: format!("{first}-{second}"),
            node: format!("ip-10-{}-{}.eu-west-1.compute.internal", random.below(256), random.below(256)),
            digest: random.hex(64),
            started: 1_700_000_000 + random.below(10_000_000),
            phase: if random.below(10) == 0 { random.below(5) as usize } else { 4 },
            restarts: 0,
        };
        pod.restarts = pod.phase;
        pod
    }

    fn step(&mut self, random: &mut Random, step: Step) {
        if step == Step::Replaced {
            *self = Self::new(random);
        } else {
            self.restarts += usize::from(random.below(100) < 12);
            if random.below(100) < 2 {
                self.phase = random.below(5) as usize;
            }
        }
    }
}

/// Takes the labels of a line, but for those that all lines of a pod have, and its value.
type Line<'l> = &'l mut dyn FnMut(&str, &str);

/// Like kube-state-metrics: few families, many pods, long labels, and values that are 0 or 1 mostly. `shuffled`: the
/// pods of a family stand in another order in each scrape, as programs write them that go through a map of Go.
pub(crate) fn kubernetes(samples: usize, scrape: u64, shuffled: bool) -> String {
    kubernetes_after(samples, Succession::until(scrape), shuffled)
}

/// The same after a succession of another kind.
pub(crate) fn kubernetes_after(samples: usize, mut succession: Succession, shuffled: bool) -> String {
    const PHASES: [&str; 5] = ["Pending", "Succeeded", "Failed", "Unknown", "Running"];
    const SAMPLES_OF_A_POD: usize = 19;
    let mut random = Random(1);
    let mut pods: Vec<Pod> = (0..samples / SAMPLES_OF_A_POD).map(|_| Pod::new(&mut random)).collect();
    let scrape = succession.scrape;
    for pod in &mut pods {
        succession.next(|random, step| pod.step(random, step));
    }
    let mut order = Random(scrape << 32);
    let mut out = String::new();
    let mut family = |name: &str, metric_type: &str, lines: &dyn Fn(&Pod, Line<'_>)| {
        put!(out, "# HELP {name} What {name} tells of a pod.\n# TYPE {name} {metric_type}");
        if shuffled {
            order.shuffle(&mut pods);
        }
        for pod in &pods {
            lines(pod, &mut |labels, value| put!(out, "{name}{{{}{labels}}} {value}", pod.labels));
        }
    };
    family("kube_pod_info", "gauge", &|pod, line| {
        let (container, node) = (&pod.container, &pod.node);
        line(
            &format!(
                ",node=\"{node}\",created_by_kind=\"ReplicaSet\",created_by_name=\"{container}\",priority_class=\"\""
            ),
            "1",
        );
    });
    for name in ["kube_pod_created", "kube_pod_start_time"] {
        family(name, "gauge", &|pod, line| line("", &number(pod.started as f64)));
    }
    family("kube_pod_status_phase", "gauge", &|pod, line| {
        for (index, phase) in PHASES.iter().enumerate() {
            line(&format!(",phase=\"{phase}\""), if index == pod.phase { "1" } else { "0" });
        }
    });
    for name in ["kube_pod_status_ready", "kube_pod_status_scheduled"] {
        family(name, "gauge", &|_, line| {
            for condition in ["true", "false", "unknown"] {
                line(&format!(",condition=\"{condition}\""), if condition == "true" { "1" } else { "0" });
            }
        });
    }
    family("kube_pod_container_info", "gauge", &|pod, line| {
        let Pod { container, digest, .. } = pod;
        line(
            &format!(
                ",container=\"{container}\",image=\"registry.example.com/{container}:v1.2.3\",\
                 image_id=\"registry.example.com/{container}@sha256:{digest}\",container_id=\"containerd://{digest}\""
            ),
            "1",
        );
    });
    family("kube_pod_container_resource_requests", "gauge", &|pod, line| {
        let (container, node) = (&pod.container, &pod.node);
        let labels = |rest| format!(",container=\"{container}\",node=\"{node}\",{rest}");
        line(&labels("resource=\"cpu\",unit=\"core\""), "0.25");
        line(&labels("resource=\"memory\",unit=\"byte\""), "5.36870912e+08");
    });
    family("kube_pod_container_status_restarts_total", "counter", &|pod, line| {
        line(&format!(",container=\"{}\"", pod.container), &pod.restarts.to_string());
    });
    family("kube_pod_container_status_running", "gauge", &|pod, line| {
        line(&format!(",container=\"{}\"", pod.container), if pod.phase == 4 { "1" } else { "0" });
    });
    out
}

/// The lines of one histogram, each given as a suffix of the name, the labels and the value.
fn histogram(random: &mut Random, succession: &mut Succession, labels: &str, mut line: impl FnMut(&str, &str, f64)) {
    let mut counts = BOUNDS.map(|_| random.below(400));
    let mean = random.unit();
    let first = labels;
    let mut labels = first.to_owned();
    succession.next(|random, step| {
        if step == Step::Replaced {
            labels = format!("{first},replaced=\"{}\"", random.hex(6));
            counts = [0; BOUNDS.len()];
        } else if random.below(10) < 7 {
            for count in &mut counts {
                *count += random.below(5);
            }
        }
    });
    let mut count = 0;
    for (bound, of_bucket) in BOUNDS.iter().zip(counts) {
        count += of_bucket;
        line("_bucket", &format!("{labels},le=\"{bound}\""), count as f64);
    }
    line("_sum", &labels, count as f64 * mean);
    line("_count", &labels, count as f64);
}

/// Histograms only.
pub(crate) fn histograms(samples: usize, scrape: u64) -> String {
    histograms_after(samples, Succession::until(scrape))
}

/// The same after a succession of another kind.
pub(crate) fn histograms_after(samples: usize, mut succession: Succession) -> String {
    let mut random = Random(2);
    let mut out = String::new();
    let names = ["http_server_request_duration_seconds", "grpc_server_handling_seconds", "database_query_seconds"];
    for name in names {
        put!(out, "# HELP {name} How long it took.\n# TYPE {name} histogram");
        for shard in 0..samples / names.len() / (BOUNDS.len() + 2) {
            let labels = format!(
                "code=\"{}\",handler=\"/api/v1/{}/{}\",method=\"{}\",service=\"{}-{}-{shard}\"",
                random.pick(&CODES),
                random.pick(&SERVICES),
                random.pick(&SERVICES),
                random.pick(&METHODS),
                random.pick(&SERVICES),
                random.below(100)
            );
            histogram(&mut random, &mut succession, &labels, |suffix, labels, value| {
                put!(out, "{name}{suffix}{{{labels}}} {}", number(value));
            });
        }
    }
    out
}

/// The lines of one summary, likewise.
fn summary(
    random: &mut Random,
    succession: &mut Succession,
    mut labels: String,
    mut line: impl FnMut(&str, &str, f64),
) {
    const QUANTILES: [&str; 5] = ["0", "0.25", "0.5", "0.75", "1"];
    let mut quantiles = QUANTILES.map(|_| random.unit() / 10.0);
    let mut totals = ["_sum", "_count"].map(|_| random.below(1_000_000) as f64);
    succession.next(|random, step| {
        if step == Step::Replaced {
            labels = format!("{labels},replaced=\"{}\"", random.hex(6));
        } else if random.below(5) > 0 {
            quantiles = quantiles.map(|value| drifted(random, value));
            totals = totals.map(|value| counted(random, value));
        }
    });
    for (quantile, value) in QUANTILES.iter().zip(quantiles) {
        line("", &format!("{labels},quantile=\"{quantile}\""), value);
    }
    for (suffix, value) in ["_sum", "_count"].iter().zip(totals) {
        line(suffix, &labels, value);
    }
}

/// A series that stands alone: its labels and its value, which may move in four of five scrapes.
fn single(
    succession: &mut Succession,
    mut labels: String,
    mut value: f64,
    moved: fn(&mut Random, f64) -> f64,
) -> (String, String) {
    succession.next(|random, step| {
        if step == Step::Replaced {
            labels = format!("{labels},replaced=\"{}\"", random.hex(6));
        } else if random.below(5) > 0 {
            value = moved(random, value);
        }
    });
    (labels, number(value))
}

fn counted(random: &mut Random, value: f64) -> f64 {
    value + random.below(1000) as f64
}

fn drifted(random: &mut Random, value: f64) -> f64 {
    if value.fract() == 0.0 { value + random.below(10) as f64 } else { value * (0.9 + random.unit() / 5.0) }
}

/// What stands behind the value: nothing in the text format, a timestamp and now and then an exemplar in OpenMetrics.
fn tail(random: &mut Random, format: Format, scrape: u64, exemplar: bool) -> String {
    let second = 1_752_000_000 + 15 * scrape;
    match format {
        Format::OpenMetrics if exemplar && random.below(10) < 3 => {
            let (trace, span, value) = (random.hex(32), random.hex(16), number(random.unit()));
            format!(" {second}.000 # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} {}.125", second - 10)
        }
        Format::OpenMetrics => format!(" {second}.000"),
        _ => String::new(),
    }
}

/// Small families of all kinds, with values of all kinds, as an application exposes them.
pub(crate) fn mixed(format: Format, samples: usize, scrape: u64) -> String {
    const SAMPLES_OF_A_ROUND: usize = 50 + 100 + 6 * 22 + 22 * 7 + 16;
    let open_metrics = format == Format::OpenMetrics;
    let mut random = Random(3);
    let mut succession = Succession::until(scrape);
    let mut out = String::new();
    for round in 0..samples / SAMPLES_OF_A_ROUND {
        let service = random.pick(&SERVICES);
        let counter = format!("http_{service}_{round}_requests");
        let family = if open_metrics { counter.clone() } else { format!("{counter}_total") };
        put!(out, "# HELP {family} Requests of {service}, by code.\\nSee C:\\\\docs.\n# TYPE {family} counter");
        for line in 0..50 {
            let (code, method, value) = (random.pick(&CODES), random.pick(&METHODS), random.below(1 << 30) as f64);
            let odd = if line % 25 == 0 { "\\\\d+\\\"x\\\"" } else { "" };
            let labels = format!("code=\"{code}\",method=\"{method}\",path=\"/v1/{line}{odd}\"");
            let (labels, value) = single(&mut succession, labels, value, counted);
            put!(out, "{counter}_total{{{labels}}} {value}{}", tail(&mut random, format, scrape, true));
        }
        for (kind, unit) in [("cache", "bytes"), ("queue", "ratio")] {
            let gauge = format!("{kind}_{service}_{round}_{unit}");
            put!(out, "# HELP {gauge} How full it is.\n# TYPE {gauge} gauge");
            if open_metrics {
                put!(out, "# UNIT {gauge} {unit}");
            }
            for line in 0..50 {
                let value = match random.below(5) {
                    0 => random.below(1000) as f64,
                    1 => random.unit() * 1e9,
                    2 => -50.0 * random.unit(),
                    3 if line % 10 == 0 => f64::NAN,
                    _ => random.unit(),
                };
                let zone = ["a", "b", "c"][line % 3];
                let labels = format!("device=\"sd{zone}{line}\",mountpoint=\"/var/lib/{service}\",zone=\"{zone}\"");
                let (labels, value) = single(&mut succession, labels, value, drifted);
                put!(out, "{gauge}{{{labels}}} {value}{}", tail(&mut random, format, scrape, false));
            }
        }
        let latency = format!("rpc_{service}_{round}_latency_seconds");
        put!(out, "# HELP {latency} How long calls took.\n# TYPE {latency} histogram");
        let mut tails = Random(round as u64);
        for shard in 0..6 {
            let (method, instance) = (random.pick(&METHODS), random.below(100));
            let labels = format!("method=\"{method}\",service=\"{service}-{instance}-{shard}\"");
            histogram(&mut random, &mut succession, &labels, |suffix, labels, value| {
                let tail = tail(&mut tails, format, scrape, suffix == "_bucket");
                put!(out, "{latency}{suffix}{{{labels}}} {}{tail}", number(value));
            });
        }
        let pause = format!("gc_{service}_{round}_pause_seconds");
        put!(out, "# HELP {pause} How long it paused.\n# TYPE {pause} summary");
        for pool in 0..22 {
            let labels = format!("pool=\"p{pool}\",generation=\"{}\"", random.below(3));
            let tail = tail(&mut random, format, scrape, false);
            summary(&mut random, &mut succession, labels, |suffix, labels, value| {
                put!(out, "{pause}{suffix}{{{labels}}} {}{tail}", number(value));
            });
        }
        let legacy = format!("legacy_{service}_{round}");
        put!(
            out,
            "# HELP {legacy} Of the old days.\n# TYPE {legacy} {}",
            if open_metrics { "unknown" } else { "untyped" }
        );
        for id in 0..16 {
            let (value, tail) = (random.unit() * 1000.0, tail(&mut random, format, scrape, false));
            let labels = format!("id=\"{id}\",host=\"h{}\"", random.below(999));
            let (labels, value) = single(&mut succession, labels, value, drifted);
            put!(out, "{legacy}{{{labels}}} {value}{tail}");
        }
    }
    if open_metrics {
        out.push_str("# EOF\n");
    }
    out
}
