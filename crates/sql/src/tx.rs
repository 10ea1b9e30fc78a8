//! The transaction that a unit of work sees.

use crate::{DbError, Engine, FromValue, Statement, Value};

/// What an engine does for a transaction.
pub(crate) trait Session {
    fn engine(&self) -> Engine;
    fn execute(&mut self, statement: &Statement, params: &[Value<'_>]) -> Result<u64, DbError>;
    fn each(&mut self, statement: &Statement, params: &[Value<'_>], on_row: OnRow<'_>) -> Result<(), DbError>;
    /// Writes rows of one table, as fast as the engine takes them: by `insert`, which takes one, or by `copy`, which takes
    /// them from the connection.
    fn load(&mut self, insert: &Statement, copy: &Statement, rows: Rows<'_>) -> Result<(), DbError>;
    /// Runs several statements at once: a migration.
    fn batch(&mut self, sql: &str) -> Result<(), DbError>;
    /// Lifts the bound on a statement's time: migrations may build an index.
    fn be_patient(&mut self) -> Result<(), DbError>;
}

pub(crate) type Rows<'r> = &'r mut dyn Iterator<Item = Vec<Value<'r>>>;
pub(crate) type OnRow<'f> = &'f mut dyn FnMut(&Row<'_>) -> Result<(), DbError>;

/// A transaction, handed to a unit of work.
///
/// Any error from it poisons the unit: later statements are refused with [`DbError::Poisoned`] and
/// nothing of the unit is saved, whatever it answers. A conflict that is expected is written
/// `ON CONFLICT DO NOTHING` and read from the number of rows.
pub struct Tx<'a> {
    session: &'a mut dyn Session,
    /// The error of the first statement that failed.
    failure: Option<DbError>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(session: &'a mut dyn Session) -> Self {
        Tx { session, failure: None }
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.failure.is_some()
    }

    pub(crate) fn into_failure(self) -> Option<DbError> {
        self.failure
    }

    /// The engine behind this transaction.
    pub fn engine(&self) -> Engine {
        self.session.engine()
    }

    /// Runs a statement that answers no rows.
    ///
    /// # Errors
    /// Any [`DbError`]; the unit is then poisoned.
    pub fn execute(&mut self, statement: &Statement, params: &[Value<'_>]) -> Result<u64, DbError> {
        self.guard(statement, |session| session.execute(statement, params))
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// Any [`DbError`], and [`DbError::Broken`] at a second row; the unit is then poisoned.
    pub fn find<T>(
        &mut self,
        statement: &Statement,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        let mut found = None;
        self.each(statement, params, &mut |row| match found {
            None => map(row).map(|value| found = Some(value)),
            Some(_) => Err(DbError::Broken("more than one row".into())),
        })?;
        Ok(found)
    }

    /// The only row.
    ///
    /// # Errors
    /// Any [`DbError`], and [`DbError::Broken`] when there is no row or a second one; the unit is
    /// then poisoned.
    pub fn one<T>(
        &mut self,
        statement: &Statement,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let found = self.find(statement, params, map)?;
        self.guard(statement, |_| found.ok_or_else(|| DbError::Broken("no row".into())))
    }

    /// Every row, in the statement's order. The statement bounds their number by its `LIMIT`.
    ///
    /// # Errors
    /// Any [`DbError`]; the unit is then poisoned.
    pub fn list<T>(
        &mut self,
        statement: &Statement,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut rows = Vec::new();
        self.each(statement, params, &mut |row| map(row).map(|value| rows.push(value)))?;
        Ok(rows)
    }

    pub(crate) fn load(&mut self, insert: &Statement, copy: &Statement, rows: Rows<'_>) -> Result<(), DbError> {
        self.guard(insert, |session| session.load(insert, copy, rows))
    }

    pub(crate) fn batch(&mut self, name: &'static str, sql: &str) -> Result<(), DbError> {
        self.guard(&Statement::new(name, ""), |session| session.batch(sql))
    }

    pub(crate) fn be_patient(&mut self) -> Result<(), DbError> {
        self.session.be_patient()
    }

    fn each(&mut self, statement: &Statement, params: &[Value<'_>], on_row: OnRow<'_>) -> Result<(), DbError> {
        self.guard(statement, |session| session.each(statement, params, on_row))
    }

    fn guard<T>(
        &mut self,
        statement: &Statement,
        run: impl FnOnce(&mut dyn Session) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        if self.failure.is_some() {
            return Err(DbError::Poisoned);
        }
        // Set before the call, so that a panic in a row's mapping poisons too.
        self.failure = Some(DbError::Panicked);
        let answer = run(self.session).map_err(|error| error.within(statement.name()));
        self.failure = answer.as_ref().err().cloned();
        answer
    }
}

/// A row of an answer.
pub struct Row<'a>(pub(crate) RowOf<'a>);

pub(crate) enum RowOf<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at that index, counted from 0 in the order of the `SELECT`.
    ///
    /// # Errors
    /// [`DbError::Broken`] when there is no such column or it holds another kind of value.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T, DbError> {
        let cell = match self.0 {
            RowOf::Sqlite(row) => crate::sqlite::cell(row, index),
            RowOf::Postgres(row) => crate::postgres::cell(row, index),
        };
        cell.and_then(T::from_cell).map_err(|error| error.within(&format!("column {index}")))
    }
}
