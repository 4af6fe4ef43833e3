//! Sections of the config file that share keys: each [`Part`] of a section knows some of them.
//!
//! The keys of an HTTP client stand inline in a dozen sections, and those of discovery in three.
//! `serde(flatten)` would read them through a buffer, which forgets where a value stood and lets
//! unknown keys pass. [`section!`](crate::section!) declares a struct with keys of its own and parts,
//! and reads it strictly, each value straight from the file.
//!
//! ```ignore
//! client::section! {
//!     /// One `scrape_config`.
//!     #[derive(Clone, Debug, PartialEq)]
//!     pub(crate) struct Written {
//!         keys {
//!             pub(crate) job_name: Option<String>,
//!         }
//!         parts {
//!             pub(crate) http: client::HttpKeys,
//!         }
//!     }
//! }
//! ```

use serde::de::{DeserializeSeed, Error, Visitor};
use serde_saphyr::Spanned;
use std::fmt;
use std::marker::PhantomData;

/// Some keys of a section, and their values.
pub trait Part: Default {
    /// The name of each key.
    fn names(names: &mut Vec<&'static str>);

    /// The key as [`names`](Part::names) has it, when it is one of them.
    fn known(key: &str) -> Option<&'static str>;

    /// Reads the value of a known key; one without a value counts as left out.
    ///
    /// # Errors
    /// When the value is not what the key takes.
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
    ) -> Result<(), A::Error>;

    /// Hears where a known key stands, before its value is taken.
    fn stands_at(&mut self, _key: &'static str, _place: Location) {}
}

/// Reads a whole section, which may have no keys but its part's.
///
/// # Errors
/// At an unknown key, and when a value is not what its key takes.
pub fn deserialize<'de, P: Part, D: Deserializer<'de>>(deserializer: D) -> Result<P, D::Error> {
    deserializer.deserialize_struct("section", &[], SectionVisitor(PhantomData))
}

struct SectionVisitor<P>(PhantomData<P>);

impl<'de, P: Part> Visitor<'de> for SectionVisitor<P> {
    type Value = P;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a section with keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<P, A::Error> {
        let mut part = P::default();
        while let Some((key, place)) = map.next_key_seed(Key(PhantomData::<P>))? {
            part.stands_at(key, place);
            part.take(key, &mut map)?;
        }
        Ok(part)
    }
}

/// Takes known keys only, so that an unknown one is refused at its place.
struct Key<P>(PhantomData<P>);

impl<'de, P: Part> DeserializeSeed<'de> for Key<P> {
    type Value = (&'static str, Location);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let key = Spanned::<String>::deserialize(deserializer)?;
        let known = P::known(&key.value).ok_or_else(|| {
            let mut names = Vec::new();
            P::names(&mut names);
            let (key, names) = (&key.value, names.join("`, `"));
            D::Error::custom(format_args!("unknown field `{key}`, expected one of `{names}`"))
        })?;
        Ok((known, key.referenced))
    }
}

/// Declares a section: a struct with keys of its own and parts that bring theirs. The struct gets
/// `Default`, `Deserialize` and [`Part`](crate::section::Part); see [the module](mod@crate::section).
#[macro_export]
macro_rules! section {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            keys { $( $(#[$key_meta:meta])* $key_vis:vis $key:ident: $key_type:ty, )* }
            $( parts { $( $(#[$part_meta:meta])* $part_vis:vis $part:ident: $part_type:ty, )* } )?
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name {
            $( $(#[$key_meta])* $key_vis $key: $key_type, )*
            $( $( $(#[$part_meta])* $part_vis $part: $part_type, )* )?
        }

        impl $crate::section::Part for $name {
            fn names(names: &mut Vec<&'static str>) {
                names.extend([$( stringify!($key) ),*] as [&'static str; _]);
                $( $( <$part_type as $crate::section::Part>::names(names); )* )?
            }

            fn known(key: &str) -> Option<&'static str> {
                $( if key == stringify!($key) { return Some(stringify!($key)); } )*
                $( $(
                    if let Some(key) = <$part_type as $crate::section::Part>::known(key) {
                        return Some(key);
                    }
                )* )?
                None
            }

            fn take<'de, A: $crate::section::MapAccess<'de>>(
                &mut self,
                key: &'static str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                $(
                    if key == stringify!($key) {
                        self.$key = map.next_value::<Option<$key_type>>()?.unwrap_or_default();
                        return Ok(());
                    }
                )*
                $( $(
                    if <$part_type as $crate::section::Part>::known(key).is_some() {
                        return self.$part.take(key, map);
                    }
                )* )?
                unreachable!("a key that no part knows: {key}")
            }

            fn stands_at(&mut self, key: &'static str, place: $crate::section::Location) {
                $( $(
                    if <$part_type as $crate::section::Part>::known(key).is_some() {
                        return self.$part.stands_at(key, place);
                    }
                )* )?
                let _ = (key, place);
            }
        }

        impl<'de> $crate::section::Deserialize<'de> for $name {
            fn deserialize<D: $crate::section::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::section::deserialize(deserializer)
            }
        }
    };
}

// What the macro names, so that a crate that uses it needs no serde of its own.
#[doc(hidden)]
pub use serde::de::MapAccess;
#[doc(hidden)]
pub use serde::{Deserialize, Deserializer};
#[doc(hidden)]
pub use serde_saphyr::Location;

#[cfg(test)]
mod tests {
    crate::section! {
        #[derive(Debug, PartialEq)]
        struct Shared {
            keys { url: Option<String>, limit: u64, }
        }
    }

    crate::section! {
        #[derive(Debug, PartialEq)]
        struct Whole {
            keys { name: String, }
            parts { shared: Shared, }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, Option<&str>, u64), &[&str]>) {
        match (serde_saphyr::from_str::<Whole>(text), expected) {
            (Ok(got), Ok((name, url, limit))) => {
                let shared = Shared { url: url.map(str::to_owned), limit };
                assert_eq!(got, Whole { name: name.into(), shared });
            }
            (Err(error), Err(parts)) => {
                let error = error.to_string();
                assert!(parts.iter().all(|part| error.contains(part)), "{error}: {parts:?}");
            }
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn keys_of_all_parts_strictly_and_with_places() {
        check("name: a\nurl: b\nlimit: 3", Ok(("a", Some("b"), 3)));
        check("limit: 3\nname: a", Ok(("a", None, 3)));
        check("name:\nurl:\nlimit:", Ok(("", None, 0)));
        check("{}", Ok(("", None, 0)));
        let unknown = "unknown field `nam`, expected one of `name`, `url`, `limit`";
        check("url: a\nnam: b", Err(&[unknown, "line 2 column 1"]));
        check("name: a\nlimit: [1]", Err(&["line 2 column 8"]));
        check("url: a\nurl: b", Err(&["duplicate", "line 2 column 1"]));
    }
}
