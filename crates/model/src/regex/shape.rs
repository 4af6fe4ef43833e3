//! Patterns that are plainer than a regular expression, so that comparing text answers them.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// How a text is matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One of these texts, sorted and distinct.
    Set(Vec<String>),
    /// Begins and ends so, with at least so many bytes between; 0 or 1.
    Affix { prefix: Box<str>, suffix: Box<str>, min_bytes: usize },
    /// Has this text somewhere inside.
    Contains(Box<str>),
    /// Only the engine knows.
    Other,
}

/// Combinations that a set may grow to when it is not written out as a list.
const MAX_PRODUCT: usize = 256;
/// Bytes of a set, as a multiple of the bytes of its pattern and a flat amount.
const MAX_GROWTH: usize = 16;
const MAX_GROWTH_FLAT: usize = 64 << 10;

impl Shape {
    /// The shape of a pattern without any operator but `|`: nothing needs to be parsed.
    pub(super) fn of_plain(pattern: &str) -> Option<Self> {
        let is_plain = |b: u8| !b"\\.+*?()[]{}^$".contains(&b);
        if !pattern.bytes().all(is_plain) {
            return None;
        }
        Some(Self::set(pattern.split('|').map(str::to_owned).collect()))
    }

    /// The shape of a parsed `^(?s:PATTERN)$`, and the text with which every match starts.
    pub(super) fn of(hir: &Hir, pattern_bytes: usize) -> (Self, Box<str>) {
        let parts = without_anchors(hir);
        let max_bytes = MAX_GROWTH * pattern_bytes + MAX_GROWTH_FLAT;
        if let Some(texts) = texts_of_all(parts, max_bytes) {
            let shape = Self::set(texts);
            let prefix = shape.prefix().into();
            return (shape, prefix);
        }
        let mut pieces = Pieces(Vec::new());
        parts.iter().for_each(|part| pieces.add(part));
        let prefix = match pieces.0.first() {
            Some(Piece::Text(text)) => text.as_str().into(),
            _ => "".into(),
        };
        (pieces.shape(), prefix)
    }

    fn set(mut texts: Vec<String>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        Self::Set(texts)
    }

    /// The text with which every match starts.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Set(texts) => match (texts.first(), texts.last()) {
                // What the first and the last of sorted texts share, all of them share.
                (Some(first), Some(last)) => {
                    let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
                    &first[..same.map(|(c, _)| c.len_utf8()).sum()]
                }
                _ => "",
            },
            Self::Affix { prefix, .. } => prefix,
            Self::Contains(_) | Self::Other => "",
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Set(texts) => texts.binary_search_by(|one| one.as_str().cmp(text)).is_ok(),
            Self::Affix { prefix, suffix, min_bytes } => {
                text.len() >= prefix.len() + min_bytes + suffix.len()
                    && text.starts_with(&**prefix)
                    && text.ends_with(&**suffix)
            }
            Self::Contains(part) => text.contains(&**part),
            Self::Other => unreachable!("a pattern without a plain shape has an engine"),
        }
    }
}

/// Whether a parsed `^(?s:PATTERN)$` is one group with nothing beside it.
pub(super) fn is_one_group(hir: &Hir) -> bool {
    matches!(without_anchors(hir), [one] if matches!(one.kind(), HirKind::Capture(_)))
}

/// The parts in a row, without anchors at the ends: the whole is anchored anyway.
fn without_anchors(hir: &Hir) -> &[Hir] {
    let mut parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(hir),
    };
    while let [first, rest @ ..] = parts
        && matches!(first.kind(), HirKind::Look(Look::Start | Look::StartLF))
    {
        parts = rest;
    }
    while let [rest @ .., last] = parts
        && matches!(last.kind(), HirKind::Look(Look::End | Look::EndLF))
    {
        parts = rest;
    }
    parts
}

/// All texts that the parts in a row match, if they are few.
fn texts_of_all(parts: &[Hir], max_bytes: usize) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    for part in parts {
        texts = product(&texts, &texts_of(part, max_bytes)?, max_bytes)?;
    }
    Some(texts)
}

fn texts_of(hir: &Hir, max_bytes: usize) -> Option<Vec<String>> {
    let texts = match hir.kind() {
        HirKind::Empty => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8(literal.0.to_vec()).ok()?],
        HirKind::Class(Class::Unicode(class)) => {
            let count: usize = class.iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
            if count > MAX_PRODUCT {
                return None;
            }
            class.iter().flat_map(|r| r.start()..=r.end()).map(String::from).collect()
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Look(_) => return None,
        HirKind::Capture(group) => texts_of(&group.sub, max_bytes)?,
        HirKind::Concat(parts) => texts_of_all(parts, max_bytes)?,
        HirKind::Alternation(branches) => {
            let mut texts = Vec::with_capacity(branches.len());
            let mut bytes = 0;
            for branch in branches {
                let more = texts_of(branch, max_bytes)?;
                bytes += more.iter().map(String::len).sum::<usize>();
                if bytes > max_bytes {
                    return None;
                }
                texts.extend(more);
            }
            texts
        }
        HirKind::Repetition(repetition) => texts_of_repetition(repetition, max_bytes)?,
    };
    Some(texts)
}

fn texts_of_repetition(repetition: &Repetition, max_bytes: usize) -> Option<Vec<String>> {
    let Repetition { min, max, sub, .. } = repetition;
    let max = max.filter(|max| *max <= 16)?;
    let once = texts_of(sub, max_bytes)?;
    let (mut exactly, mut all) = (vec![String::new()], Vec::new());
    for times in 0..=max {
        if times > 0 {
            exactly = product(&exactly, &once, max_bytes)?;
        }
        if times >= *min {
            all.extend_from_slice(&exactly);
        }
        if all.len() > MAX_PRODUCT {
            return None;
        }
    }
    Some(all)
}

fn product(left: &[String], right: &[String], max_bytes: usize) -> Option<Vec<String>> {
    let count = left.len() * right.len();
    let size = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
    let bytes = size(left) * right.len() + size(right) * left.len();
    if count > MAX_PRODUCT.max(left.len()).max(right.len()) || bytes > max_bytes {
        return None;
    }
    Some(left.iter().flat_map(|l| right.iter().map(move |r| format!("{l}{r}"))).collect())
}

/// A pattern as parts in a row.
struct Pieces(Vec<Piece>);

enum Piece {
    Text(String),
    /// Any text of at least so many characters.
    Any(u32),
    Stop,
}

impl Pieces {
    fn add(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => match (std::str::from_utf8(&literal.0), self.0.last_mut())
            {
                (Ok(text), Some(Piece::Text(before))) => before.push_str(text),
                (Ok(text), _) => self.0.push(Piece::Text(text.to_owned())),
                (Err(_), _) => self.0.push(Piece::Stop),
            },
            HirKind::Capture(group) => self.add(&group.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.add(part)),
            HirKind::Repetition(Repetition { min, max: None, sub, .. }) if is_any_char(sub) => {
                match self.0.last_mut() {
                    Some(Piece::Any(before)) => *before = before.saturating_add(*min),
                    _ => self.0.push(Piece::Any(*min)),
                }
            }
            _ => self.0.push(Piece::Stop),
        }
    }

    fn shape(self) -> Shape {
        use Piece::{Any, Text};
        let affix = |prefix: &str, min: u32, suffix: &str| {
            // One character is at least one byte; two characters are not two bytes.
            let min_bytes = usize::try_from(min).unwrap_or(usize::MAX);
            Shape::Affix { prefix: prefix.into(), suffix: suffix.into(), min_bytes }
        };
        match self.0.as_slice() {
            [Any(min @ 0..=1)] => affix("", *min, ""),
            [Text(prefix), Any(min @ 0..=1)] => affix(prefix, *min, ""),
            [Any(min @ 0..=1), Text(suffix)] => affix("", *min, suffix),
            [Text(prefix), Any(min @ 0..=1), Text(suffix)] => affix(prefix, *min, suffix),
            [Any(0), Text(part), Any(0)] => Shape::Contains(part.as_str().into()),
            _ => Shape::Other,
        }
    }
}

fn is_any_char(hir: &Hir) -> bool {
    let HirKind::Class(Class::Unicode(class)) = hir.kind() else { return false };
    matches!(class.ranges(), [all] if (all.start(), all.end()) == ('\0', char::MAX))
}
