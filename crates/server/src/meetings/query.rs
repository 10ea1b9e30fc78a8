//! The query of the list: `past`, `limit`, `offset`.

use super::faults::Faults;

/// How many rows a page has at most. It is the default too: a client that knows only the published description,
/// which has no `limit`, gets as much as there can be.
pub const MOST_ROWS: usize = 100;

/// Which rows of the list are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListQuery {
    /// What is over, rather than what runs or comes.
    pub past: bool,
    /// How many rows: 1 to [`MOST_ROWS`].
    pub limit: usize,
    /// How many rows to leave out at the beginning.
    pub offset: u64,
}

impl ListQuery {
    /// Reads a query string. An empty value is as good as none, unknown parameters are ignored.
    ///
    /// # Errors
    /// Every fault in it.
    pub fn read(query: &str) -> Result<ListQuery, Faults> {
        let mut faults = Faults::default();
        let (mut past, mut limit, mut offset) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "past" => &mut past,
                "limit" => &mut limit,
                "offset" => &mut offset,
                _ => continue,
            };
            if slot.is_some() {
                faults.add(&name, "is there more than once");
            }
            *slot = Some(value.into_owned()).filter(|value| !value.is_empty()).or(slot.take());
        }
        let past = match past.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                faults.add("past", "must be true or false");
                false
            }
        };
        let limit = limit.map_or(Some(MOST_ROWS), |text| number(&text)).filter(|limit| (1..=MOST_ROWS).contains(limit));
        if limit.is_none() {
            faults.add("limit", format_args!("must be a whole number from 1 to {MOST_ROWS}"));
        }
        let offset = offset.map_or(Some(0), |text| number::<u32>(&text).map(u64::from));
        if offset.is_none() {
            faults.add("offset", "must be a whole number, 0 or more");
        }
        faults.or(ListQuery { past, limit: limit.unwrap_or(MOST_ROWS), offset: offset.unwrap_or(0) })
    }
}

/// Digits alone: no sign, no space.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default() {
        for query in ["", "past=", "past=false", "past=false&limit=&offset=", "colour=red", "offset=0&limit=100"] {
            assert_eq!(
                ListQuery::read(query).unwrap(),
                ListQuery { past: false, limit: MOST_ROWS, offset: 0 },
                "{query}"
            );
        }
        let full = ListQuery::read("past=true&limit=1&offset=4000000000").unwrap();
        assert_eq!(full, ListQuery { past: true, limit: 1, offset: 4_000_000_000 });
    }

    #[test]
    fn every_fault_is_named() {
        for (query, properties) in [
            ("past=yes", vec!["past"]),
            ("past=true&past=true", vec!["past"]),
            ("limit=0", vec!["limit"]),
            ("limit=101", vec!["limit"]),
            ("limit=-1&offset=-1", vec!["limit", "offset"]),
            ("limit=ten&offset=1.5&past=1", vec!["past", "limit", "offset"]),
            ("limit=+5", vec!["limit"]),
            ("offset=99999999999999999999", vec!["offset"]),
            ("offset=%FF", vec!["offset"]),
        ] {
            assert_eq!(ListQuery::read(query).unwrap_err().properties(), properties, "{query}");
        }
    }
}
