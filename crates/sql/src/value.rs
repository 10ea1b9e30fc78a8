//! What goes into a statement and what comes out of a row: four kinds, the same on both engines.

use std::fmt;

use crate::DbError;

/// A parameter of a statement, or a cell of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL `NULL`.
    Null,
    /// A 64-bit integer; times are integers too, in milliseconds.
    Int(i64),
    /// UTF-8 text without U+0000.
    Text(&'a str),
    /// Bytes: hashes, sealed keys.
    Blob(&'a [u8]),
}

/// A cell of a row, as [`FromValue::from_cell`] gets it.
pub type Cell<'a> = Value<'a>;

/// Says what kind of value it is, never the value: parameters may be secrets.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Int(_) => f.write_str("an integer"),
            Value::Text(text) => write!(f, "a text of {} bytes", text.len()),
            Value::Blob(blob) => write!(f, "a blob of {} bytes", blob.len()),
        }
    }
}

impl<'a> Value<'a> {
    /// The integer in this cell.
    ///
    /// # Errors
    /// [`DbError::Broken`] when it holds something else.
    pub fn int(self) -> Result<i64, DbError> {
        match self {
            Value::Int(int) => Ok(int),
            other => Err(unexpected("an integer", other)),
        }
    }

    /// The text in this cell.
    ///
    /// # Errors
    /// [`DbError::Broken`] when it holds something else.
    pub fn text(self) -> Result<&'a str, DbError> {
        match self {
            Value::Text(text) => Ok(text),
            other => Err(unexpected("text", other)),
        }
    }

    /// The bytes in this cell.
    ///
    /// # Errors
    /// [`DbError::Broken`] when it holds something else.
    pub fn blob(self) -> Result<&'a [u8], DbError> {
        match self {
            Value::Blob(blob) => Ok(blob),
            other => Err(unexpected("a blob", other)),
        }
    }
}

fn unexpected(wanted: &str, got: Value<'_>) -> DbError {
    DbError::Broken(format!("expected {wanted}, found {got:?}"))
}

/// A type that can be a parameter; implement it for ids and other newtypes.
pub trait ToValue {
    /// The value to bind, borrowed from `self`.
    fn to_value(&self) -> Value<'_>;
}

/// A type that can be read from a cell; implement it for ids and other newtypes.
pub trait FromValue: Sized {
    /// Reads the cell.
    ///
    /// # Errors
    /// [`DbError::Broken`] when the cell holds another kind of value, or one that this type refuses.
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        match cell {
            Value::Null => Ok(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

macro_rules! to_value {
    ($($type:ty, $self:ident => $value:expr;)*) => {
        $(impl ToValue for $type {
            fn to_value(&$self) -> Value<'_> {
                $value
            }
        })*
    };
}

to_value! {
    Value<'_>, self => *self;
    i64, self => Value::Int(*self);
    i32, self => Value::Int(i64::from(*self));
    u32, self => Value::Int(i64::from(*self));
    str, self => Value::Text(self);
    String, self => Value::Text(self);
    [u8], self => Value::Blob(self);
    Vec<u8>, self => Value::Blob(self);
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<'a, T: ToValue + ?Sized> From<&'a T> for Value<'a> {
    fn from(value: &'a T) -> Self {
        value.to_value()
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl FromValue for i64 {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        cell.int()
    }
}

impl FromValue for u32 {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        let int = cell.int()?;
        u32::try_from(int).map_err(|_| DbError::Broken("integer outside 0 to 4294967295".into()))
    }
}

impl FromValue for String {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        cell.text().map(str::to_owned)
    }
}

impl FromValue for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        cell.blob().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_cell(cell: Cell<'_>) -> Result<Self, DbError> {
        let blob = cell.blob()?;
        blob.try_into().map_err(|_| DbError::Broken(format!("expected {N} bytes, found {}", blob.len())))
    }
}
