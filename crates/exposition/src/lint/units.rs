//! Units in names of metrics.

/// A unit and the base unit to use instead of it.
const UNITS: [(&str, &str); 24] = [
    ("amperes", "amperes"),
    ("bits", "bytes"),
    ("bytes", "bytes"),
    ("calories", "joules"),
    ("celsius", "celsius"),
    ("days", "seconds"),
    ("fahrenheit", "celsius"),
    ("grams", "grams"),
    ("hours", "seconds"),
    ("inches", "meters"),
    ("joules", "joules"),
    ("kelvin", "kelvin"),
    ("kelvins", "kelvin"),
    ("meters", "meters"),
    ("metres", "metres"),
    ("miles", "meters"),
    ("minutes", "seconds"),
    ("ounces", "grams"),
    ("pounds", "grams"),
    ("rankine", "celsius"),
    ("seconds", "seconds"),
    ("volts", "volts"),
    ("weeks", "seconds"),
    ("yards", "meters"),
];

const PREFIXES: [&str; 18] = [
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi", "mega",
    "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
];

/// Units cut short.
pub(super) const ABBREVIATIONS: [&str; 14] =
    ["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"];

/// The first word of a name that is a unit, with or without a prefix, and its base unit.
pub(super) fn find(name: &str) -> Option<(&str, &'static str)> {
    let base_of = |word: &str| UNITS.iter().find(|(unit, _)| *unit == word).map(|(_, base)| *base);
    name.split('_').find_map(|word| {
        let without_prefix = PREFIXES.iter().filter_map(|prefix| word.strip_prefix(prefix));
        let base = base_of(word).or_else(|| without_prefix.into_iter().find_map(base_of))?;
        Some((word, base))
    })
}
