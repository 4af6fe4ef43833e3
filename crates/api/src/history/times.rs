//! Milliseconds as people read them.

/// A time in milliseconds, written as RFC 3339.
pub mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes a time.
    ///
    /// # Errors
    /// When the format fails.
    pub fn serialize<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*ms))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(at.as_millisecond())
    }

    /// The time in UTC, to the millisecond where it is not whole.
    #[must_use]
    pub fn text(ms: i64) -> String {
        let at = Timestamp::from_millisecond(ms);
        at.map_or_else(|_| format!("{ms} ms"), |at| at.to_string())
    }

    /// The same for a time that may not be given.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer, de};

        /// Writes a time, or null.
        ///
        /// # Errors
        /// When the format fails.
        pub fn serialize<S: Serializer>(
            ms: &Option<i64>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match ms {
                Some(ms) => super::serialize(ms, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a time, or null.
        ///
        /// # Errors
        /// When it is neither.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<i64>, D::Error> {
            let text = Option::<String>::deserialize(deserializer)?;
            let at = text.map(|text| text.parse::<jiff::Timestamp>()).transpose();
            Ok(at.map_err(de::Error::custom)?.map(jiff::Timestamp::as_millisecond))
        }
    }
}
