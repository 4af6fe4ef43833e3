//! Which series of a block satisfy matchers.

use super::index::{Index, Name};
use super::postings::Postings;
use crate::codec::DecodeError;
use model::{MatchOp, Matcher};
use roaring::RoaringBitmap;

/// The series that satisfy all matchers; ascending numbers are label order.
pub(super) fn select(index: &Index, matchers: &[Matcher]) -> Result<RoaringBitmap, DecodeError> {
    let mut selected: Option<RoaringBitmap> = None;
    // What includes comes first: it is cheaper to take away from few series than from all.
    let (excluding, including): (Vec<_>, Vec<_>) =
        matchers.iter().partition(|matcher| matcher.matches(""));
    for matcher in including {
        let series = union(index, matcher, true)?;
        match &mut selected {
            None => selected = Some(series),
            Some(selected) => *selected &= series,
        }
        if selected.as_ref().is_some_and(RoaringBitmap::is_empty) {
            return Ok(RoaringBitmap::new());
        }
    }
    let mut selected = selected.unwrap_or_else(|| {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..index.num_series());
        all
    });
    for matcher in excluding {
        if selected.is_empty() {
            break;
        }
        selected -= union(index, matcher, false)?;
    }
    Ok(selected)
}

/// The series whose value of the matcher's label is there and satisfies it (or, if not `wanted`, does
/// not).
fn union(index: &Index, matcher: &Matcher, wanted: bool) -> Result<RoaringBitmap, DecodeError> {
    let mut series = RoaringBitmap::new();
    let Some(name) = index.name(matcher.name()) else { return Ok(series) };
    let texts = match (matcher.op(), matcher.regex()) {
        // `!=""` and `=""`: every series that has the label.
        (MatchOp::Equal | MatchOp::NotEqual, _) if matcher.value().is_empty() => {
            index.with_name(name)?.add_to(&mut series);
            return Ok(series);
        }
        (MatchOp::Equal | MatchOp::NotEqual, _) => Some(vec![matcher.value()]),
        (MatchOp::Regex | MatchOp::NotRegex, Some(regex)) => {
            regex.set_matches().map(|texts| texts.iter().map(String::as_str).collect())
        }
        (MatchOp::Regex | MatchOp::NotRegex, None) => None,
    };
    let dictionary = index.values(name)?;
    if let Some(texts) = texts
        && texts.iter().all(|text| matcher.matches(text) == wanted)
    {
        for text in texts {
            if let Ok(rank) = dictionary.find(text.as_bytes())? {
                index.postings(name, rank)?.add_to(&mut series);
            }
        }
        return Ok(series);
    }
    // Values with the prefix are one range of ranks, if it is those that are looked for.
    let prefix = match (matcher.op(), matcher.regex()) {
        (MatchOp::Regex, Some(regex)) if wanted => regex.prefix(),
        (MatchOp::NotRegex, Some(regex)) if !wanted => regex.prefix(),
        _ => "",
    };
    let (Ok(from) | Err(from)) = dictionary.find(prefix.as_bytes())?;
    let mut few = Vec::new();
    dictionary.for_each(from, |rank, text| {
        if !text.starts_with(prefix) {
            return Ok(false);
        }
        if matcher.matches(text) == wanted {
            match index.postings(name, rank)? {
                Postings::Few(series, count) => few.extend_from_slice(&series[..count]),
                many @ Postings::Many(_) => many.add_to(&mut series),
            }
        }
        Ok(true)
    })?;
    few.sort_unstable();
    series |= few.into_iter().collect::<RoaringBitmap>();
    Ok(series)
}

/// Calls `each` with the values of a name that some of the series have, in byte order, while it says
/// so; all values if `series` is none.
pub(super) fn for_each_value(
    index: &Index,
    name: &Name,
    series: Option<&RoaringBitmap>,
    mut each: impl FnMut(&str) -> bool,
) -> Result<(), DecodeError> {
    index.values(name)?.for_each(0, |rank, text| {
        let there = match series {
            None => true,
            Some(series) => index.postings(name, rank)?.meets(series),
        };
        Ok(!there || each(text))
    })
}
