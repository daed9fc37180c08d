//! What can be wrong with a protobuf message. One violation voids the body from there on: unlike text, protobuf has no
//! line ends at which reading could begin anew.

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::parse) enum Violation {
    #[error("a number has more than ten bytes, or more than 64 bits")]
    Number,
    #[error("a field ends behind the message that it belongs to")]
    CutField,
    #[error("a field has the number {0}; expected 1 to 536870911")]
    FieldNumber(u64),
    #[error("the field {0} has the wire type {1}, which does not exist")]
    WireType(u32, u8),
    #[error("the field {field} is {found}; expected {expected}")]
    OtherWireType { field: u32, found: &'static str, expected: &'static str },
    #[error("the group {0} has no end, or the end of another one, or more than 64 groups inside each other")]
    Group(u32),
    #[error("a list of numbers of 8 bytes has a length that is no multiple of 8")]
    PackedLength,
    #[error("the {0} is not UTF-8")]
    Utf8(&'static str),
    #[error("it has no name")]
    NoName,
    #[error("a label has no name")]
    NoLabelName,
    #[error("there is no metric type with the number {0}; expected 0 to 5")]
    MetricType(i32),
    #[error("it has more labels than the limit of {0}; raise `label_limit` if they are wanted")]
    TooManyLabels(usize),
    #[error("a label name of it is longer than {0} bytes; raise `label_name_length_limit` if it is wanted")]
    LabelNameTooLong(usize),
    #[error("a label value of it is longer than {0} bytes; raise `label_value_length_limit` if it is wanted")]
    LabelValueTooLong(usize),
    #[error("it has more than {0} {1}")]
    TooMany(usize, &'static str),
    #[error("the {side} spans of its native histogram mean {spans} buckets, and it has {buckets}")]
    Spans { side: &'static str, spans: u64, buckets: usize },
    #[error("its native histogram has the schema {0}, which has no meaning; expected -9 to 52")]
    Schema(i32),
}
