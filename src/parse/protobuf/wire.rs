//! The wire format of protobuf: one message into its fields. Nothing is copied, nothing is allocated from a length, and
//! unknown fields cost what skipping them costs.

use super::violation::Violation;

/// Groups inside each other; no writer of metrics has any.
const GROUPS: u8 = 64;

/// The largest number of a field.
const LAST_FIELD: u64 = (1 << 29) - 1;

/// The fields of a message, in the order in which they stand there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

/// One field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32,
    /// What is in it was skipped: no message of metrics has groups.
    Group,
}

impl Value<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Varint(_) => "a number",
            Self::Fixed64(_) => "a number of 8 bytes",
            Self::Bytes(_) => "text or a message",
            Self::Fixed32 => "a number of 4 bytes",
            Self::Group => "a group",
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field; none at the end of the message.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, Violation> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.key()?;
        let value = self.value(number, wire_type, GROUPS)?;
        Ok(Some(Field { number, value }))
    }

    fn key(&mut self) -> Result<(u32, u8), Violation> {
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 || number > LAST_FIELD {
            return Err(Violation::FieldNumber(number));
        }
        Ok((number as u32, (key & 7) as u8))
    }

    fn value(&mut self, number: u32, wire_type: u8, groups: u8) -> Result<Value<'a>, Violation> {
        Ok(match wire_type {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            3 => self.group(number, groups)?,
            4 => return Err(Violation::Group(number)),
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            _ => return Err(Violation::WireType(number, wire_type)),
        })
    }

    /// Skips a group up to its end.
    fn group(&mut self, number: u32, groups: u8) -> Result<Value<'a>, Violation> {
        let Some(groups) = groups.checked_sub(1) else { return Err(Violation::Group(number)) };
        while !self.rest.is_empty() {
            let (inner, wire_type) = self.key()?;
            if wire_type == 4 && inner == number {
                return Ok(Value::Group);
            }
            self.value(inner, wire_type, groups)?;
        }
        Err(Violation::Group(number))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Violation> {
        match varint(self.rest)? {
            Some((number, rest)) => {
                self.rest = rest;
                Ok(number)
            }
            None => Err(Violation::CutField),
        }
    }

    fn fixed64(&mut self) -> Result<u64, Violation> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return Err(Violation::CutField) };
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Violation> {
        let length = usize::try_from(length).map_err(|_| Violation::CutField)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Violation::CutField)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// The number at the beginning of `bytes` and what follows it; none if it goes on behind their end.
#[inline]
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    if let [first @ 0..0x80, rest @ ..] = bytes {
        return Ok(Some((u64::from(*first), rest)));
    }
    let mut number = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        // Of the tenth byte only one bit has room.
        if at == 9 && byte > 1 {
            return Err(Violation::Number);
        }
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok(Some((number, &bytes[at + 1..])));
        }
    }
    Ok(None)
}

impl<'a> Field<'a> {
    fn other(&self, expected: &'static str) -> Violation {
        Violation::OtherWireType { field: self.number, found: self.value.kind(), expected }
    }

    /// Text or a message.
    pub(super) fn bytes(&self) -> Result<&'a [u8], Violation> {
        if let Value::Bytes(bytes) = self.value { Ok(bytes) } else { Err(self.other("text or a message")) }
    }

    /// Text; `what` names it in the error.
    pub(super) fn text(&self, what: &'static str) -> Result<&'a str, Violation> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Violation::Utf8(what))
    }

    /// A number as it stands there; also what is read as one that is signed or shorter.
    pub(super) fn number(&self) -> Result<u64, Violation> {
        if let Value::Varint(number) = self.value { Ok(number) } else { Err(self.other("a number")) }
    }

    /// A signed number in zigzag form.
    pub(super) fn zigzag(&self) -> Result<i64, Violation> {
        self.number().map(zigzag)
    }

    pub(super) fn double(&self) -> Result<f64, Violation> {
        if let Value::Fixed64(bits) = self.value { Ok(f64::from_bits(bits)) } else { Err(self.other("a double")) }
    }

    /// One or a packed list of signed numbers in zigzag form.
    pub(super) fn zigzags(&self, mut each: impl FnMut(i64) -> Result<(), Violation>) -> Result<(), Violation> {
        match self.value {
            Value::Varint(number) => each(zigzag(number)),
            Value::Bytes(mut rest) => {
                while !rest.is_empty() {
                    let (number, behind) = varint(rest)?.ok_or(Violation::CutField)?;
                    rest = behind;
                    each(zigzag(number))?;
                }
                Ok(())
            }
            Value::Fixed64(_) | Value::Fixed32 | Value::Group => Err(self.other("one or several numbers")),
        }
    }

    /// One or a packed list of doubles.
    pub(super) fn doubles(&self, mut each: impl FnMut(f64) -> Result<(), Violation>) -> Result<(), Violation> {
        match self.value {
            Value::Fixed64(bits) => each(f64::from_bits(bits)),
            Value::Bytes(bytes) => {
                let (doubles, []) = bytes.as_chunks() else { return Err(Violation::PackedLength) };
                doubles.iter().try_for_each(|&bytes| each(f64::from_le_bytes(bytes)))
            }
            Value::Varint(_) | Value::Fixed32 | Value::Group => Err(self.other("one or several doubles")),
        }
    }
}

fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &[u8]) -> Result<Vec<Field<'_>>, Violation> {
        let mut fields = Fields::of(message);
        let mut found = Vec::new();
        while let Some(field) = fields.next()? {
            found.push(field);
        }
        Ok(found)
    }

    /// The examples of the protobuf documentation on encoding.
    #[test]
    fn fields_are_told_apart() {
        let found = fields(b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01").unwrap();
        assert_eq!(found.iter().map(|field| field.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(found[0].number(), Ok(150));
        assert_eq!(found[1].text("x"), Ok("testing"));
        assert_eq!(found[2].bytes(), Ok(b"\x08\x96\x01".as_slice()));
        assert!(found[0].bytes().is_err() && found[1].number().is_err() && found[0].double().is_err());
        for (encoded, number) in [(0, 0), (1, -1), (2, 1), (3, -2), (0xffff_fffe, 0x7fff_ffff), (u64::MAX, i64::MIN)] {
            assert_eq!(zigzag(encoded), number);
        }
    }

    #[test]
    fn numbers_have_at_most_ten_bytes() {
        assert_eq!(varint(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01rest"), Ok(Some((u64::MAX, b"rest".as_slice()))));
        assert_eq!(varint(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), Err(Violation::Number));
        assert_eq!(varint(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), Err(Violation::Number));
        assert_eq!(varint(b"\x80\x80"), Ok(None));
        assert_eq!(varint(b"\x80\x00"), Ok(Some((0, b"".as_slice()))));
    }

    #[test]
    fn groups_are_skipped_up_to_their_own_end() {
        let found = fields(b"\x0b\x10\x05\x13\x08\x01\x14\x1a\x01x\x25abcd\x0c\x08\x07").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].bytes(), Err(Field { number: 1, value: Value::Group }.other("text or a message")));
        assert_eq!(found[1].number(), Ok(7));
        for broken in [b"\x0b\x10\x05".as_slice(), b"\x0b\x14", b"\x0c", b"\x0b\x13\x0c\x14", &[0x0b; 1000]] {
            assert!(matches!(fields(broken), Err(Violation::Group(_))), "{broken:?}");
        }
    }

    #[test]
    fn violations_are_named() {
        for (message, violation) in [
            (b"\x00\x01".as_slice(), Violation::FieldNumber(0)),
            (b"\x80\x80\x80\x80\x10\x01", Violation::FieldNumber(1 << 29)),
            (b"\x0e", Violation::WireType(1, 6)),
            (b"\x0f", Violation::WireType(1, 7)),
            (b"\x08", Violation::CutField),
            (b"\x09abcdefg", Violation::CutField),
            (b"\x0dabc", Violation::CutField),
            (b"\x0a\x02a", Violation::CutField),
            (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a", Violation::CutField),
        ] {
            assert_eq!(fields(message), Err(violation), "{message:?}");
        }
    }

    #[test]
    fn lists_come_packed_or_one_by_one() {
        let read = |message: &[u8]| -> Result<Vec<i64>, Violation> {
            let mut numbers = Vec::new();
            for field in fields(message)? {
                field.zigzags(|number| {
                    numbers.push(number);
                    Ok(())
                })?;
            }
            Ok(numbers)
        };
        assert_eq!(read(b"\x50\x02\x52\x03\x01\x80\x01\x50\x04"), Ok(vec![1, -1, 64, 2]));
        assert_eq!(read(b"\x52\x01\x80"), Err(Violation::CutField));
        let doubles = fields(b"\x5a\x10\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40").unwrap();
        let mut sum = 0.0;
        let mut add = |number| {
            sum += number;
            Ok(())
        };
        doubles[0].doubles(&mut add).unwrap();
        assert!((sum - 3.0).abs() < 1e-12);
        assert_eq!(fields(b"\x5a\x01a").unwrap()[0].doubles(|_| Ok(())), Err(Violation::PackedLength));
    }
}
