//! What is wrong with a request's fields: all of it at once, each fault at its property.

use std::fmt::Display;

/// Faults in the order of the fields; a fault's property is a path such as `repeatOptions.daysOfWeek[3]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// A single fault.
    pub fn one(property: &str, problem: impl Display) -> Faults {
        let mut faults = Faults::default();
        faults.add(property, problem);
        faults
    }

    /// Adds one; its message is the property and the problem, so that it stands alone.
    pub fn add(&mut self, property: &str, problem: impl Display) {
        self.0.push((property.to_owned(), format!("{property} {problem}.")));
    }

    /// The value, unless there are faults.
    ///
    /// # Errors
    /// These faults.
    pub fn or<T>(self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Pairs of property and message, for the answer's `errorsArray`.
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    #[cfg(test)]
    pub(super) fn properties(&self) -> Vec<&str> {
        self.0.iter().map(|(property, _)| property.as_str()).collect()
    }
}
