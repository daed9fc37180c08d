//! A reader of `DogStatsD` lines, written from the published grammar of the datagrams. It takes nothing that the grammar
//! does not have.

/// A line of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    pub(crate) kind: String,
    pub(crate) fields: Fields,
}

/// What follows the type, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    pub(crate) rate: Option<f64>,
    pub(crate) tags: Vec<String>,
    pub(crate) time: Option<i64>,
    pub(crate) container: Option<String>,
    pub(crate) external: Option<String>,
    pub(crate) cardinality: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) alert_type: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) source: Option<String>,
}

impl Metric {
    /// How many observations an Agent inserts for each value.
    pub(crate) fn copies(&self) -> u64 {
        (1.0 / self.fields.rate.unwrap_or(1.0)).trunc() as u64
    }
}

/// The lines of a packet.
pub(crate) fn lines(packet: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(packet).unwrap();
    assert!(!text.is_empty() && !text.ends_with('\n'), "{text:?}");
    text.split('\n').map(str::to_owned).collect()
}

pub(crate) fn metric(line: &str) -> Metric {
    let (head, rest) = line.split_once('|').unwrap_or_else(|| panic!("no type: {line}"));
    let (name, values) = head.split_once(':').unwrap_or_else(|| panic!("no value: {line}"));
    assert!(!name.is_empty() && !name.contains(['|', '@', ':']), "{line}");
    let value = |text: &str| {
        let value: f64 = text.parse().unwrap_or_else(|_| panic!("{text:?}: {line}"));
        assert!(value.is_finite() && !text.starts_with('+'), "{line}");
        value
    };
    let values = values.split(':').map(value).collect();
    let (kind, fields) = rest.split_once('|').map_or((rest, None), |(kind, fields)| (kind, Some(fields)));
    assert!(["c", "g", "d"].contains(&kind), "{line}");
    let fields = fields.map(|fields| read_fields(fields, &["@", "#", "T", "c:", "e:", "card:"])).unwrap_or_default();
    assert!(fields.time.is_none() || (kind != "d" && fields.rate.is_none()), "{line}");
    assert!(fields.rate.is_none_or(|rate| rate > 0.0 && rate <= 1.0), "{line}");
    Metric { name: name.to_owned(), values, kind: kind.to_owned(), fields }
}

/// Name, status and fields.
pub(crate) fn service_check(line: &str) -> (String, u8, Fields) {
    let rest = line.strip_prefix("_sc|").unwrap_or_else(|| panic!("{line}"));
    let mut parts = rest.splitn(3, '|');
    let (name, status) = (parts.next().unwrap(), parts.next().unwrap());
    let fields = read_fields(parts.next().unwrap(), &["d:", "h:", "#", "m:", "c:", "e:", "card:"]);
    (name.to_owned(), status.parse().unwrap(), fields)
}

/// Title, text and fields.
pub(crate) fn event(line: &str) -> (String, String, Fields) {
    let rest = line.strip_prefix("_e{").unwrap_or_else(|| panic!("{line}"));
    let (lengths, rest) = rest.split_once("}:").unwrap();
    let (title, text) = lengths.split_once(',').unwrap();
    let (title, text): (usize, usize) = (title.parse().unwrap(), text.parse().unwrap());
    assert_eq!(rest.as_bytes()[title], b'|', "{line}");
    let end = title + 1 + text;
    let fields = rest[end..]
        .strip_prefix('|')
        .map(|fields| read_fields(fields, &["d:", "h:", "p:", "t:", "k:", "s:", "#", "c:", "e:", "card:"]));
    let plain = |text: &str| text.replace("\\n", "\n");
    (plain(&rest[..title]), plain(&rest[title + 1..end]), fields.unwrap_or_default())
}

fn read_fields(text: &str, known: &[&str]) -> Fields {
    let mut fields = Fields::default();
    for field in text.split('|') {
        // The longest: `c:` and `card:` begin alike.
        let name = known.iter().filter(|name| field.starts_with(**name)).max_by_key(|name| name.len());
        let name = name.unwrap_or_else(|| panic!("{field:?} in {text}"));
        let value = field[name.len()..].to_owned();
        match *name {
            "@" => fields.rate = Some(value.parse().unwrap()),
            "#" => fields.tags = value.split(',').map(str::to_owned).collect(),
            "T" | "d:" => fields.time = Some(value.parse().unwrap()),
            "c:" => fields.container = Some(value),
            "e:" => fields.external = Some(value),
            "card:" => fields.cardinality = Some(value),
            "h:" => fields.host = Some(value),
            "m:" => fields.message = Some(value.replace("\\n", "\n").replace("m\\:", "m:")),
            "p:" => fields.priority = Some(value),
            "t:" => fields.alert_type = Some(value),
            "k:" => fields.key = Some(value),
            "s:" => fields.source = Some(value),
            other => panic!("{other}"),
        }
    }
    fields
}
