//! Datadog's metric messages as the published schema numbers their fields: a decoder that shares nothing with the
//! encoder under test.

/// `datadog.agentpayload.MetricPayload`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MetricPayload {
    #[prost(message, repeated, tag = "1")]
    pub(crate) series: Vec<MetricSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct MetricSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resources: Vec<Resource>,
    #[prost(string, tag = "2")]
    pub(crate) metric: String,
    #[prost(string, repeated, tag = "3")]
    pub(crate) tags: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) points: Vec<MetricPoint>,
    #[prost(enumeration = "MetricType", tag = "5")]
    pub(crate) r#type: i32,
    #[prost(string, tag = "6")]
    pub(crate) unit: String,
    #[prost(string, tag = "7")]
    pub(crate) source_type_name: String,
    #[prost(int64, tag = "8")]
    pub(crate) interval: i64,
    #[prost(message, optional, tag = "9")]
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum MetricType {
    Unspecified = 0,
    Count = 1,
    Rate = 2,
    Gauge = 3,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Resource {
    #[prost(string, tag = "1")]
    pub(crate) r#type: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct MetricPoint {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    pub(crate) timestamp: i64,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(crate) origin: Option<Origin>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct Origin {
    #[prost(uint32, tag = "4")]
    pub(crate) product: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) category: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) service: u32,
}

/// `datadog.agentpayload.SketchPayload`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SketchPayload {
    #[prost(message, repeated, tag = "1")]
    pub(crate) sketches: Vec<SketchSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SketchSeries {
    #[prost(string, tag = "1")]
    pub(crate) metric: String,
    #[prost(string, tag = "2")]
    pub(crate) host: String,
    #[prost(string, repeated, tag = "4")]
    pub(crate) tags: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) dogsketches: Vec<Dogsketch>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Dogsketch {
    #[prost(int64, tag = "1")]
    pub(crate) ts: i64,
    #[prost(int64, tag = "2")]
    pub(crate) cnt: i64,
    #[prost(double, tag = "3")]
    pub(crate) min: f64,
    #[prost(double, tag = "4")]
    pub(crate) max: f64,
    #[prost(double, tag = "5")]
    pub(crate) avg: f64,
    #[prost(double, tag = "6")]
    pub(crate) sum: f64,
    #[prost(sint32, repeated, tag = "7")]
    pub(crate) k: Vec<i32>,
    #[prost(uint32, repeated, tag = "8")]
    pub(crate) n: Vec<u32>,
}
