//! The protobuf wire format, as far as Datadog's payloads need it: varints, doubles and length-delimited fields.
//!
//! Every function appends to a buffer and follows proto3: a field that holds its default value is left out.

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;

/// A base-128 number, low digits first.
pub(super) fn varint(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push(value as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

/// The number that `sint32` puts on the wire: small for values near zero of either sign.
pub(super) fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)).cast_unsigned())
}

fn key(buffer: &mut Vec<u8>, field: u32, wire_type: u64) {
    varint(buffer, u64::from(field) << 3 | wire_type);
}

/// A field of type `int64`.
pub(super) fn int64(buffer: &mut Vec<u8>, field: u32, value: i64) {
    unsigned(buffer, field, value.cast_unsigned());
}

/// A field of type `uint32`, `uint64` or an enum.
pub(super) fn unsigned(buffer: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        key(buffer, field, VARINT);
        varint(buffer, value);
    }
}

/// A field of type `double`. Negative zero is not the default value.
pub(super) fn double(buffer: &mut Vec<u8>, field: u32, value: f64) {
    if value.to_bits() != 0 {
        present_double(buffer, field, value);
    }
}

/// A field of type `double` that is there even when it holds the default value.
pub(super) fn present_double(buffer: &mut Vec<u8>, field: u32, value: f64) {
    key(buffer, field, FIXED64);
    buffer.extend_from_slice(&value.to_le_bytes());
}

/// A field of type `string`.
pub(super) fn string(buffer: &mut Vec<u8>, field: u32, value: &str) {
    if !value.is_empty() {
        element(buffer, field, value);
    }
}

/// One element of a repeated field of type `string`: present even when it is empty.
pub(super) fn element(buffer: &mut Vec<u8>, field: u32, value: &str) {
    key(buffer, field, LENGTH_DELIMITED);
    varint(buffer, value.len() as u64);
    buffer.extend_from_slice(value.as_bytes());
}

/// A message or a packed field, whatever `write` appends; present even when that is nothing.
///
/// The length stands before the content and is known after it: one byte is kept for it, and content of 128 bytes or
/// more is moved by the few bytes that its length needs in addition.
pub(super) fn nested(buffer: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    key(buffer, field, LENGTH_DELIMITED);
    let at = buffer.len();
    buffer.push(0);
    write(buffer);
    let length = buffer.len() - at - 1;
    if length < 0x80 {
        buffer[at] = length as u8;
        return;
    }
    let end = buffer.len();
    varint(buffer, length as u64);
    let digits = buffer.len() - end;
    buffer[at..].rotate_right(digits);
    // The byte that was kept now follows the digits of the length.
    buffer.copy_within(at + digits + 1.., at + digits);
    buffer.truncate(at + digits + length);
}

/// A repeated number, packed; absent when there is none.
pub(super) fn packed(buffer: &mut Vec<u8>, field: u32, values: impl IntoIterator<Item = u64>) {
    let mut values = values.into_iter().peekable();
    if values.peek().is_some() {
        nested(buffer, field, |buffer| values.for_each(|value| varint(buffer, value)));
    }
}

/// Reads a varint at the start of `bytes`: its value and what follows it.
pub(in crate::submit) fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn zigzag_alternates_between_the_signs() {
        assert_eq!([0, -1, 1, -2, i32::MAX, i32::MIN].map(zigzag), [0, 1, 2, 3, 0xffff_fffe, 0xffff_ffff]);
    }

    #[test]
    fn defaults_are_left_out() {
        let mut buffer = Vec::new();
        int64(&mut buffer, 1, 0);
        double(&mut buffer, 1, 0.0);
        string(&mut buffer, 1, "");
        packed(&mut buffer, 1, []);
        assert!(buffer.is_empty());
        double(&mut buffer, 1, -0.0);
        assert_eq!(buffer.len(), 9);
    }

    proptest! {
        #[test]
        fn varint_agrees_with_prost(value: u64) {
            let mut ours = Vec::new();
            varint(&mut ours, value);
            let mut theirs = Vec::new();
            prost::encoding::encode_varint(value, &mut theirs);
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(read_varint(&ours), Some((value, &[][..])));
        }

        #[test]
        fn nested_agrees_with_prost(before in any::<Vec<u8>>(), length in 0_usize..40_000) {
            let content: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let mut ours = before.clone();
            nested(&mut ours, 7, |buffer| buffer.extend_from_slice(&content));
            let mut theirs = before;
            prost::encoding::bytes::encode(7, &content, &mut theirs);
            prop_assert!(ours == theirs);
        }
    }
}
