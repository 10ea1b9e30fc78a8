//! Statements on an SQLite connection.

use std::time::Duration;

use rusqlite::{
    CachedStatement, ToSql,
    types::{ToSqlOutput, ValueRef},
};

use super::connection::Connection;
use crate::{
    Cell, DbError, Engine, Row, Statement, Value,
    tx::{self, OnRow, RowOf, Rows},
};

/// How long one step of a migration may take.
const MIGRATION: Duration = Duration::from_secs(3600);

pub(super) struct Session<'c>(pub &'c Connection);

impl<'c> Session<'c> {
    fn bind(&self, statement: &Statement, params: &[Value<'_>]) -> Result<CachedStatement<'c>, DbError> {
        let Session(connection) = *self;
        let text = statement.text(Engine::Sqlite);
        let mut prepared = connection.raw.prepare_cached(text).map_err(|error| connection.error(error))?;
        if !prepared.readonly() {
            connection.mark_written();
        }
        let mut highest = 0;
        for index in 1..=prepared.parameter_count() {
            // SQLite takes `$2` for a name and numbers names as they come: bind by the digits.
            let digits = prepared.parameter_name(index).and_then(|name| name.strip_prefix('$'));
            let number: usize = digits.and_then(|digits| digits.parse().ok()).unwrap_or(0);
            let value = number.checked_sub(1).and_then(|place| params.get(place));
            let value = value.ok_or_else(|| wrong_count(params, number))?;
            prepared.raw_bind_parameter(index, Bound(*value)).map_err(|error| connection.error(error))?;
            highest = highest.max(number);
        }
        if highest == params.len() { Ok(prepared) } else { Err(wrong_count(params, highest)) }
    }
}

fn wrong_count(params: &[Value<'_>], highest: usize) -> DbError {
    DbError::Broken(format!("{} parameters given, the statement's highest is ${highest}", params.len()))
}

impl tx::Session for Session<'_> {
    fn engine(&self) -> Engine {
        Engine::Sqlite
    }

    fn execute(&mut self, statement: &Statement, params: &[Value<'_>]) -> Result<u64, DbError> {
        let mut prepared = self.bind(statement, params)?;
        prepared.raw_execute().map(|count| count as u64).map_err(|error| self.0.error(error))
    }

    fn each(&mut self, statement: &Statement, params: &[Value<'_>], on_row: OnRow<'_>) -> Result<(), DbError> {
        let mut prepared = self.bind(statement, params)?;
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().map_err(|error| self.0.error(error))? {
            on_row(&Row(RowOf::Sqlite(row)))?;
        }
        Ok(())
    }

    fn load(&mut self, insert: &Statement, _copy: &Statement, rows: Rows<'_>) -> Result<(), DbError> {
        for row in rows {
            self.execute(insert, &row)?;
        }
        Ok(())
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        self.0.mark_written();
        self.0.raw.execute_batch(sql).map_err(|error| self.0.error(error))
    }

    fn be_patient(&mut self) -> Result<(), DbError> {
        self.0.allow(MIGRATION);
        Ok(())
    }
}

struct Bound<'a>(Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(int) => ValueRef::Integer(int),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

/// The cell of a row, whatever it holds.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Cell<'r>, DbError> {
    let value = row.get_ref(index).map_err(|error| DbError::Broken(error.to_string()))?;
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(int) => Ok(Value::Int(int)),
        ValueRef::Blob(blob) => Ok(Value::Blob(blob)),
        ValueRef::Text(text) => {
            std::str::from_utf8(text).map(Value::Text).map_err(|_| DbError::Broken("text that is not UTF-8".into()))
        }
        ValueRef::Real(_) => Err(DbError::Broken("a floating-point number; cast it to BIGINT".into())),
    }
}
