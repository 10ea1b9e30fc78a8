//! One connection and the transaction on it.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use tokio::runtime::{self, Runtime};
use tokio_postgres::{
    Client, Error, SimpleQueryMessage,
    binary_copy::BinaryCopyInWriter,
    error::{Severity, SqlState},
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{Target, voice::Voice};
use crate::{
    Cell, DbError, Engine, Row, Statement, Value,
    follow::Following,
    job::Access,
    tx::{self, OnRow, RowOf, Rows},
};

type BoxedError = Box<dyn std::error::Error + Sync + Send>;

/// How much longer than the server's own bound we wait for its answer.
const SLACK: Duration = Duration::from_secs(2);

/// How long the server may be silent, to this session and to the one that listens, before it is given up: a statement may
/// take longer, but then the other one hears.
const SILENCE: Duration = Duration::from_secs(3);

/// How long a connection that may be lost has to show that it is not.
const DOUBT: Duration = Duration::from_secs(1);

/// How often a session looks at that, and a connecting one at what else there is to do.
const LOOK: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(50);

/// How long one step of a migration may take, its turn included.
const MIGRATION: Duration = Duration::from_secs(3600);

/// How the transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// None is open.
    Idle,
    /// None is open; this text, sent along with the first statement, begins one.
    Pending(&'static str),
    Open,
    /// Nothing but its end is missing, and nobody waits for that.
    Read,
}

pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    voice: Arc<Voice>,
    /// Who knows whether the server is silent to all.
    following: Option<Arc<Following>>,
    /// When this connection was last known to stand.
    sure_at: Instant,
    /// By the address of the text, which is a constant.
    prepared: HashMap<(usize, usize), tokio_postgres::Statement>,
    state: State,
    access: Access,
    usual: Duration,
    patience: Duration,
    lost: bool,
    /// Whether the last failure was one after which the same unit may succeed at once.
    transient: bool,
}

impl Session {
    /// Connects, with an event loop of its own; does something else every now and then, for it may take a while.
    pub fn connect(
        target: &Target,
        following: Option<Arc<Following>>,
        meanwhile: impl Fn(),
    ) -> Result<Session, DbError> {
        let no_runtime = |error| DbError::unavailable(format!("no event loop for a connection: {error}"));
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
        let voice = Arc::new(Voice::default());
        let client = runtime.block_on(async {
            let mut connecting = pin!(target.connect(&voice));
            loop {
                match tokio::time::timeout(TICK, &mut connecting).await {
                    Ok(connected) => return connected,
                    Err(_) => meanwhile(),
                }
            }
        })?;
        let usual = target.statement_timeout + SLACK;
        let (prepared, state) = (HashMap::new(), State::Idle);
        let (access, patience) = (Access::Read, usual);
        let (lost, transient) = (false, false);
        Ok(Session {
            runtime,
            client,
            voice,
            following,
            sure_at: Instant::now(),
            prepared,
            state,
            access,
            usual,
            patience,
            lost,
            transient,
        })
    }

    /// What the server says unasked.
    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Runs other work on the session's event loop, so that what the server says unasked is heard meanwhile.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// One trip outside of any transaction, for at most `patience`.
    pub fn command(&mut self, sql: &'static str, patience: Duration) -> Result<(), DbError> {
        let command = self.client.batch_execute(sql);
        let bounds = Bounds { patience, silent: None };
        trip(&self.runtime, bounds, None, command, &self.client).map_err(|failure| self.failed(failure))
    }

    /// One trip outside of any transaction: the first cell of the answer, for at most `patience`.
    pub fn ask(&mut self, sql: &'static str, patience: Duration) -> Result<Option<String>, DbError> {
        let question = self.client.simple_query(sql);
        let bounds = Bounds { patience, silent: None };
        let answer = trip(&self.runtime, bounds, None, question, &self.client);
        let answer = answer.map_err(|failure| self.failed(failure))?;
        Ok(answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }

    /// Whether a trigger has announced something since the transaction began.
    pub fn has_announced(&self) -> bool {
        self.voice.has_announced()
    }

    /// Makes sure that the connection stands, where another one was lost since it was last known to.
    pub fn make_sure(&mut self) -> Result<(), DbError> {
        let is_doubtful = self.following.as_deref().is_some_and(|f| f.was_disturbed_since(self.sure_at));
        if !is_doubtful {
            return Ok(());
        }
        let asked_at = Instant::now();
        self.command("SELECT 1", DOUBT)?;
        self.sure_at = asked_at;
        Ok(())
    }

    pub fn is_lost(&self) -> bool {
        self.lost || self.client.is_closed()
    }

    /// Whether the unit that has just failed may be run once more.
    pub fn is_transient(&self) -> bool {
        self.transient
    }

    /// Promises a transaction: `BEGIN` travels with the unit's first statement and costs no trip of
    /// its own. Should it fail, the statement behind it finds a session that is read-only by default.
    pub fn begin(&mut self, access: Access) {
        self.transient = false;
        self.access = access;
        self.voice.begin();
        self.patience = self.usual;
        self.state = State::Pending(match (self.state, access) {
            (State::Read, Access::Write) => "COMMIT; BEGIN READ WRITE",
            (State::Read, Access::Read) => "COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ",
            (_, Access::Write) => "BEGIN READ WRITE",
            (_, Access::Read) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        });
    }

    /// Makes what was written durable.
    pub fn commit(&mut self) -> Result<(), DbError> {
        match self.state {
            State::Open => {}
            State::Pending(text) => return self.abandon(text),
            State::Idle | State::Read => return Ok(()),
        }
        self.state = State::Idle;
        let commit = self.client.batch_execute("COMMIT");
        match trip(&self.runtime, self.bounds(), None, commit, &self.client) {
            // Durable on this server, and maybe not on the one that takes over should it die now.
            Ok(()) if self.voice.has_warned() => Err(DbError::OutcomeUnknown),
            Ok(()) => Ok(()),
            Err(failure) => {
                let error = self.failed(failure);
                // An answer from a living session is a refusal; without one nobody knows.
                if self.lost { Err(DbError::OutcomeUnknown) } else { Err(error) }
            }
        }
    }

    /// Leaves the end of a transaction that has only read to the next unit's first statement.
    pub fn commit_later(&mut self) -> Result<(), DbError> {
        match self.state {
            State::Open => self.state = State::Read,
            State::Pending(text) => return self.abandon(text),
            State::Idle | State::Read => {}
        }
        Ok(())
    }

    /// Ends what [`Session::commit_later`] has left.
    pub fn settle(&mut self) {
        if self.state == State::Read {
            self.state = State::Open;
            self.roll_back();
        }
    }

    /// Undoes the transaction. Where that fails the session is given up, which undoes it too.
    pub fn roll_back(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Idle);
        if self.lost {
            return;
        }
        let outcome = match state {
            State::Open | State::Read => {
                let roll_back = self.client.batch_execute("ROLLBACK");
                trip(&self.runtime, self.bounds(), None, roll_back, &self.client)
                    .map_err(|failure| self.failed(failure))
            }
            State::Pending(text) => self.abandon(text),
            State::Idle => Ok(()),
        };
        self.lost |= outcome.is_err();
    }

    /// A unit without a statement: what stays open is at most the transaction before it.
    fn abandon(&mut self, text: &'static str) -> Result<(), DbError> {
        self.state = if text.starts_with("COMMIT") { State::Read } else { State::Idle };
        self.settle();
        Ok(())
    }

    /// Says good-bye, for a moment at most.
    pub fn close(self) {
        let Session { runtime, client, .. } = self;
        drop(client);
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
    }

    fn prepare(&mut self, statement: &Statement, params: usize) -> Result<tokio_postgres::Statement, DbError> {
        let text = statement.text(Engine::Postgres);
        let key = (text.as_ptr().addr(), text.len());
        let prepared = match self.prepared.get(&key) {
            Some(prepared) => prepared.clone(),
            None => {
                let first = self.first();
                let prepared = trip(&self.runtime, self.bounds(), first, self.client.prepare(text), &self.client)
                    .map_err(|failure| self.failed(failure))?;
                self.prepared.insert(key, prepared.clone());
                prepared
            }
        };
        let wanted = prepared.params().len();
        if wanted == params {
            return Ok(prepared);
        }
        Err(DbError::Broken(format!("{params} parameters given, the statement's highest is ${wanted}")))
    }

    /// How long a trip may take.
    fn bounds(&self) -> Bounds<'_> {
        let silent = self.following.as_deref().filter(|_| self.patience == self.usual);
        Bounds { patience: self.patience, silent: silent.map(|following| (following, self.sure_at)) }
    }

    /// The text that begins the transaction, when this is its first trip.
    fn first(&mut self) -> Option<&'static str> {
        match std::mem::replace(&mut self.state, State::Open) {
            State::Pending(text) => Some(text),
            State::Idle | State::Open | State::Read => None,
        }
    }

    /// What a failure means for the unit and the session.
    fn failed(&mut self, failure: Failure) -> DbError {
        let error = match failure {
            Failure::Silence => {
                self.lost = true;
                return DbError::unavailable("PostgreSQL does not answer");
            }
            Failure::Server(error) => error,
        };
        let Some(answer) = error.as_db_error() else {
            let broken = error.is_closed()
                || std::error::Error::source(&error).is_some_and(|cause| cause.is::<std::io::Error>());
            self.lost |= broken;
            self.transient = broken;
            return if broken {
                DbError::unavailable(format!("the connection to PostgreSQL was lost: {error}"))
            } else {
                DbError::Broken(describe(&error))
            };
        };
        if matches!(answer.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
            self.lost = true;
            self.transient = true;
        }
        let code = answer.code();
        if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED {
            self.transient = true;
            return DbError::Contended(answer.message().to_owned());
        }
        // A standby. Its primary is elsewhere, or it will be one in a moment. (In a unit that may only read, a fault.)
        if *code == SqlState::READ_ONLY_SQL_TRANSACTION && self.access == Access::Write {
            self.lost = true;
            self.transient = true;
            return DbError::unavailable(format!("this PostgreSQL server takes no writes: {}", answer.message()));
        }
        // A plan that a newer node's migration has outdated, or a statement that a pooler forgot.
        if *code == SqlState::FEATURE_NOT_SUPPORTED || *code == SqlState::INVALID_SQL_STATEMENT_NAME {
            self.lost = true;
            self.transient = true;
        }
        meaning(answer)
    }
}

/// Why a trip brought nothing home.
enum Failure {
    Server(Error),
    Silence,
}

/// How long a trip may take.
#[derive(Clone, Copy)]
struct Bounds<'s> {
    patience: Duration,
    /// Where the server is asked all the time, and when this connection was last known to stand: should the server be
    /// silent there too, or the other connection have been lost since, this one is given up earlier.
    silent: Option<(&'s Following, Instant)>,
}

/// One trip to the server and back, `first` travelling ahead without a wait of its own.
fn trip<T>(
    runtime: &Runtime,
    bounds: Bounds<'_>,
    first: Option<&'static str>,
    work: impl Future<Output = Result<T, Error>>,
    client: &Client,
) -> Result<T, Failure> {
    let both = async {
        let Some(first) = first else {
            return work.await;
        };
        let (begun, done) = tokio::join!(biased; client.batch_execute(first), work);
        begun?;
        done
    };
    runtime.block_on(async {
        let begun = Instant::now();
        let mut both = pin!(both);
        loop {
            let left = bounds.patience.saturating_sub(begun.elapsed());
            let look = if bounds.silent.is_some() { LOOK.min(left) } else { left };
            if let Ok(answer) = tokio::time::timeout(look, &mut both).await {
                return answer.map_err(Failure::Server);
            }
            let is_silent = begun.elapsed() >= SILENCE
                && bounds.silent.is_some_and(|(following, sure_at)| {
                    following.silence() >= SILENCE || following.was_disturbed_since(sure_at)
                });
            if is_silent || begun.elapsed() >= bounds.patience {
                return Err(Failure::Silence);
            }
        }
    })
}

fn meaning(answer: &tokio_postgres::error::DbError) -> DbError {
    let code = answer.code();
    let text = answer.message().to_owned();
    match code.code() {
        "23505" => DbError::Unique { key: unique_key(answer) },
        "23503" => DbError::ForeignKey(answer.constraint().unwrap_or(&text).to_owned()),
        "55P03" => DbError::Contended(text),
        "57014" => DbError::TimedOut("a statement".into()),
        "53100" => DbError::DiskFull,
        // Resources, operator's intervention, connection, a server that is not the primary.
        other if ["53", "57", "08", "58"].contains(&&other[..2]) => DbError::unavailable(text),
        other => DbError::Broken(format!("{text} ({other})")),
    }
}

/// `table.column, table.column` as SQLite says it, or the index's name when it is on expressions.
/// The columns stand in the detail, `Key (a, b)=(…)`, in whatever language the words are.
fn unique_key(answer: &tokio_postgres::error::DbError) -> String {
    let detail = answer.detail().and_then(|detail| detail.split_once('(')?.1.split_once(")=("));
    match (answer.table(), detail) {
        (Some(table), Some((columns, _))) if !columns.contains(['(', ':', '\'']) => {
            let columns: Vec<_> = columns.split(", ").map(|column| format!("{table}.{column}")).collect();
            columns.join(", ")
        }
        _ => answer.constraint().unwrap_or("key").to_owned(),
    }
}

fn describe(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl tx::Session for Session {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn execute(&mut self, statement: &Statement, params: &[Value<'_>]) -> Result<u64, DbError> {
        let prepared = self.prepare(statement, params.len())?;
        if !prepared.columns().is_empty() {
            // As SQLite does, so that a test on either engine finds it.
            return Err(DbError::Broken("it answers rows: ask with find, one or list".into()));
        }
        let first = self.first();
        let execute = async { self.client.execute(&prepared, &bound(params)).await };
        trip(&self.runtime, self.bounds(), first, execute, &self.client).map_err(|failure| self.failed(failure))
    }

    fn each(&mut self, statement: &Statement, params: &[Value<'_>], on_row: OnRow<'_>) -> Result<(), DbError> {
        let prepared = self.prepare(statement, params.len())?;
        let first = self.first();
        let query = async { self.client.query(&prepared, &bound(params)).await };
        let rows = trip(&self.runtime, self.bounds(), first, query, &self.client);
        let rows = rows.map_err(|failure| self.failed(failure))?;
        rows.iter().try_for_each(|row| on_row(&Row(RowOf::Postgres(row))))
    }

    fn load(&mut self, insert: &Statement, copy: &Statement, rows: Rows<'_>) -> Result<(), DbError> {
        let mut rows = rows.peekable();
        let Some(width) = rows.peek().map(Vec::len) else { return Ok(()) };
        // What its parameters are, the columns are.
        let prepared = self.prepare(insert, width)?;
        let first = self.first();
        let load = async {
            let sink = self.client.copy_in(copy.text(Engine::Postgres)).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, prepared.params()));
            for row in rows {
                writer.as_mut().write_raw(&row).await?;
            }
            writer.finish().await.map(drop)
        };
        trip(&self.runtime, self.bounds(), first, load, &self.client).map_err(|failure| self.failed(failure))
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        let first = self.first();
        let batch = self.client.batch_execute(sql);
        trip(&self.runtime, self.bounds(), first, batch, &self.client).map_err(|failure| self.failed(failure))
    }

    fn be_patient(&mut self) -> Result<(), DbError> {
        self.patience = MIGRATION + SLACK;
        let limit = MIGRATION.as_millis();
        self.batch(&format!(
            "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; \
             SET LOCAL idle_in_transaction_session_timeout = {limit}"
        ))
    }
}

fn bound<'v>(params: &'v [Value<'v>]) -> Vec<&'v (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxedError> {
        match (*self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(int), &Type::INT8) => int.to_sql(ty, out),
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::NAME) => text.to_sql(ty, out),
            (Value::Blob(blob), &Type::BYTEA) => blob.to_sql(ty, out),
            (value, ty) => Err(format!("a parameter is {value:?}, the statement wants {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

struct Read<'r>(Cell<'r>);

impl<'r> FromSql<'r> for Read<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, BoxedError> {
        Ok(Read(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            // SQLite says 1 and 0 for what a comparison or EXISTS answers.
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::NAME => Value::Text(<&str>::from_sql(ty, raw)?),
            Type::BYTEA => Value::Blob(raw),
            _ => return Err(format!("a column of type {ty}; cast it to BIGINT or TEXT").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxedError> {
        Ok(Read(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The cell of a row, whatever it holds.
pub(crate) fn cell(row: &tokio_postgres::Row, index: usize) -> Result<Cell<'_>, DbError> {
    row.try_get::<_, Read<'_>>(index).map(|Read(cell)| cell).map_err(|error| DbError::Broken(describe(&error)))
}
