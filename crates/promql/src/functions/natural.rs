//! Natural order of texts: runs of digits compare as numbers.

use std::cmp::Ordering;

/// Compares two texts run by run: two runs of digits by value, other runs byte by byte.
pub(crate) fn compare(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (left, right) = (take_run(&mut a), take_run(&mut b));
        let order = match (left, right) {
            ("", _) | (_, "") => return left.len().cmp(&right.len()),
            _ if is_number(left) && is_number(right) => {
                let trim = |digits: &str| digits.trim_start_matches('0').to_owned();
                let (left, right) = (trim(left), trim(right));
                left.len().cmp(&right.len()).then_with(|| left.cmp(&right))
            }
            _ => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_number(run: &str) -> bool {
    run.as_bytes()[0].is_ascii_digit()
}

/// Splits off the longest prefix of only digits or only others.
fn take_run<'a>(rest: &mut &'a str) -> &'a str {
    let digits = rest.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let end = rest.bytes().position(|b| b.is_ascii_digit() != digits).unwrap_or(rest.len());
    let (run, tail) = rest.split_at(end);
    *rest = tail;
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_of_texts_compare_by_value() {
        let check = |a: &str, b: &str, expected| assert_eq!(compare(a, b), expected, "{a} {b}");
        check("a2", "a10", Ordering::Less);
        check("2", "10", Ordering::Less);
        check("4m5", "4m600", Ordering::Less);
        check("a", "a1", Ordering::Less);
        check("", "a", Ordering::Less);
        check("007", "7", Ordering::Equal);
        check("b1", "a2", Ordering::Greater);
        check("é2", "é1", Ordering::Greater);
        check("99999999999999999999998", "99999999999999999999999", Ordering::Less);
    }
}
