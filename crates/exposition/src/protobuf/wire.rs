//! Fields of a message, one by one, from its bytes.

/// A field's content.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    /// Of no use in what we read.
    Fixed32,
    Bytes(&'a [u8]),
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

pub(super) type Wire<T> = Result<T, Malformed>;

/// Reads fields in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Behind the last field.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next field's number and content.
    #[inline]
    pub(super) fn next(&mut self) -> Wire<Option<(u32, Content<'a>)>> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        if field == 0 {
            return Err(Malformed);
        }
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(self.array()?),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                let end = self.at.checked_add(len).ok_or(Malformed)?;
                let bytes = self.bytes.get(self.at..end).ok_or(Malformed)?;
                self.at = end;
                Content::Bytes(bytes)
            }
            5 => {
                let _: [u8; 4] = self.array()?;
                Content::Fixed32
            }
            _ => return Err(Malformed),
        };
        Ok(Some((field, content)))
    }

    #[inline]
    fn varint(&mut self) -> Wire<u64> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            _ => {
                let (value, len) = varint(&self.bytes[self.at..])?.ok_or(Malformed)?;
                self.at += len;
                Ok(value)
            }
        }
    }

    fn array<const N: usize>(&mut self) -> Wire<[u8; N]> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        self.at += N;
        bytes.copied().ok_or(Malformed)
    }
}

/// The varint at the front and its length; `None` when the bytes end before it does.
pub(super) fn varint(bytes: &[u8]) -> Wire<Option<(u64, usize)>> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if at == 9 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < 10 { Ok(None) } else { Err(Malformed) }
}

impl<'a> Content<'a> {
    pub(super) fn bytes(self) -> Wire<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    pub(super) fn u64(self) -> Wire<u64> {
        if let Self::Varint(value) = self { Ok(value) } else { Err(Malformed) }
    }

    pub(super) fn i64(self) -> Wire<i64> {
        Ok(self.u64()?.cast_signed())
    }

    pub(super) fn u32(self) -> Wire<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "as the format has it")]
        let value = self.u64()? as u32;
        Ok(value)
    }

    /// A signed number in which the sign is the lowest bit.
    pub(super) fn zigzag(self) -> Wire<i64> {
        Ok(zigzag(self.u64()?))
    }

    pub(super) fn zigzag32(self) -> Wire<i32> {
        i32::try_from(self.zigzag()?).map_err(|_| Malformed)
    }

    pub(super) fn f64(self) -> Wire<f64> {
        if let Self::Fixed64(bytes) = self { Ok(f64::from_le_bytes(bytes)) } else { Err(Malformed) }
    }

    /// Signed numbers, one or a packed list of them.
    pub(super) fn zigzags(self, out: &mut Vec<i64>) -> Wire<()> {
        let Self::Bytes(mut bytes) = self else {
            out.push(self.zigzag()?);
            return Ok(());
        };
        while !bytes.is_empty() {
            let (value, len) = varint(bytes)?.ok_or(Malformed)?;
            out.push(zigzag(value));
            bytes = &bytes[len..];
        }
        Ok(())
    }

    /// Floats, one or a packed list of them.
    pub(super) fn floats(self, out: &mut Vec<f64>) -> Wire<()> {
        let Self::Bytes(bytes) = self else {
            out.push(self.f64()?);
            return Ok(());
        };
        let (floats, []) = bytes.as_chunks::<8>() else { return Err(Malformed) };
        out.extend(floats.iter().map(|bytes| f64::from_le_bytes(*bytes)));
        Ok(())
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}
