//! Hashing passwords: argon2id on a few threads of its own, with a bounded queue before them.
//!
//! A hash costs 7 MiB and some 20 ms on purpose, so it must run neither on the threads that answer requests nor without
//! a bound: whoever sends many sign-ins at once waits, and beyond the queue is asked to come back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use protocol::secret::constant_time_eq;
use tokio::sync::oneshot;

use super::Password;
use crate::random::Random;

/// Of the settings for argon2id that OWASP holds equally strong, the one that takes the least memory and the least of the
/// caches of whatever runs beside it. When it changes, every account is hashed anew at its next sign-in.
const PARAMS: Params = match Params::new(7 * 1024, 5, 1, None) {
    Ok(params) => params,
    Err(_) => Params::DEFAULT,
};

/// A stored hash that asks for more memory than this is not computed (256 MiB).
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// When nobody has signed in for so long, the memory of the last hash goes back to the system.
const IDLE: Duration = Duration::from_secs(5);

/// Blocks of 1 KiB to ask the system for, though only what a hash needs is ever touched: the C library's allocator keeps
/// what is smaller than 32 MiB for itself when it comes back.
const RESERVED: usize = 33 * 1024;

/// How far the threads that hash stand back: where the machine is busy, they get a tenth of what any other thread gets.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// Too many passwords are waiting already.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// A fault of ours.
    #[error("a password could not be hashed")]
    Failed,
}

/// The answer to a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the password is the one.
    pub matches: bool,
    /// Whether the stored hash was made with other parameters than today's.
    pub outdated: bool,
}

/// The pool.
#[derive(Debug)]
pub struct Passwords {
    queue: SyncSender<Job>,
    random: Random,
}

struct Job {
    password: Password,
    task: Task,
}

enum Task {
    Hash { salt: [u8; 16], answer: oneshot::Sender<Result<String, HashingError>> },
    Verify { stored: Option<String>, answer: oneshot::Sender<Result<Verdict, HashingError>> },
}

impl Passwords {
    /// Starts `threads` threads with room for `queue` waiting passwords.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn start(threads: usize, queue: usize, random: Random) -> std::io::Result<Passwords> {
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads {
            let receiver = receiver.clone();
            std::thread::Builder::new().name(format!("passwords-{number}")).spawn(move || work(&receiver))?;
        }
        Ok(Passwords { queue: sender, random })
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// See [`HashingError`].
    pub async fn hash(&self, password: Password) -> Result<String, HashingError> {
        let (answer, receiver) = oneshot::channel();
        self.send(Job { password, task: Task::Hash { salt: self.random.bytes(), answer } })?;
        receiver.await.unwrap_or(Err(HashingError::Failed))
    }

    /// Whether the password is the one that was stored. Where nothing is stored (there is no such account) the same
    /// work is done and the answer is no, so that the time tells nothing.
    ///
    /// # Errors
    /// See [`HashingError`].
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verdict, HashingError> {
        let (answer, receiver) = oneshot::channel();
        self.send(Job { password, task: Task::Verify { stored, answer } })?;
        receiver.await.unwrap_or(Err(HashingError::Failed))
    }

    fn send(&self, job: Job) -> Result<(), HashingError> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => HashingError::Busy,
            TrySendError::Disconnected(_) => HashingError::Failed,
        })
    }
}

/// A thread of the pool: ends when the pool is dropped.
fn work(queue: &Mutex<Receiver<Job>>) {
    stand_back();
    // Kept between hashes: to get them fresh from the system each time costs a quarter of the hash.
    let mut memory = Vec::new();
    loop {
        let Job { password, task } = match next(queue, memory.is_empty()) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                memory = Vec::new();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Whoever stopped waiting needs no answer, before the work or after it.
        match task {
            Task::Hash { salt, answer } if !answer.is_closed() => {
                let _ = answer.send(guarded(|| hash(&password, &salt, &mut memory)));
            }
            Task::Verify { stored, answer } if !answer.is_closed() => {
                let _ = answer.send(guarded(|| verify(&password, stored.as_deref(), &mut memory)));
            }
            Task::Hash { .. } | Task::Verify { .. } => {}
        }
    }
}

/// Lets everything else go first: a sign-in may take a moment longer, a call by an app need not.
fn stand_back() {
    // Linux counts by thread here; elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "hashing takes its turns like everything else");
    }
}

/// Waits for the next job: at most [`IDLE`], or as long as it takes.
fn next(queue: &Mutex<Receiver<Job>>, without_end: bool) -> Result<Job, RecvTimeoutError> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    match without_end {
        true => queue.recv().map_err(RecvTimeoutError::from),
        false => queue.recv_timeout(IDLE),
    }
}

/// A panic is one caller's failure, not the thread's end.
fn guarded<T>(run: impl FnOnce() -> Result<T, HashingError>) -> Result<T, HashingError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(HashingError::Failed))
}

fn hash(password: &Password, salt: &[u8; 16], memory: &mut Vec<Block>) -> Result<String, HashingError> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    compute(password, salt, PARAMS, &mut output, memory)?;
    let failed = |_| HashingError::Failed;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS).map_err(|_| HashingError::Failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(&output).map_err(failed)?),
    };
    Ok(hash.to_string())
}

fn verify(password: &Password, stored: Option<&str>, memory: &mut Vec<Block>) -> Result<Verdict, HashingError> {
    let Some(stored) = stored.and_then(Stored::parse) else {
        compute(password, b"nobody's account", PARAMS, &mut [0; Params::DEFAULT_OUTPUT_LEN], memory)?;
        return Ok(Verdict { matches: false, outdated: false });
    };
    let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    let outdated = costs(&stored.params) != costs(&PARAMS);
    let mut output = vec![0; stored.output.len()];
    compute(password, &stored.salt, stored.params, &mut output, memory)?;
    Ok(Verdict { matches: constant_time_eq(&output, stored.output.as_bytes()), outdated })
}

/// A stored hash, read.
struct Stored {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// Nothing when it is none of ours: no password matches it, and the answer takes as long as any other.
    fn parse(text: &str) -> Option<Stored> {
        let hash = PasswordHash::new(text).ok()?;
        let params = Params::try_from(&hash).ok()?;
        let is_ours = hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
        (is_ours && params.m_cost() <= MAX_MEMORY_KIB).then_some(())?;
        Some(Stored { params, salt: hash.salt?, output: hash.hash? })
    }
}

fn compute(
    password: &Password,
    salt: &[u8],
    params: Params,
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), HashingError> {
    let blocks = params.block_count();
    if memory.capacity() < blocks {
        memory.reserve_exact(blocks.max(RESERVED));
    }
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let memory = memory.get_mut(..blocks).ok_or(HashingError::Failed)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
        .map_err(|_| HashingError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordVerifier as _;

    fn pool(queue: usize) -> Passwords {
        Passwords::start(1, queue, Random::default()).unwrap()
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let pool = pool(4);
        let stored = pool.hash(Password::new("monsoon bus stop")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{stored}");
        let verdict = |text: &str| pool.verify(Password::new(text), Some(stored.clone()));
        assert_eq!(verdict("monsoon bus stop").await, Ok(Verdict { matches: true, outdated: false }));
        assert_eq!(verdict("monsoon bus stops").await, Ok(Verdict { matches: false, outdated: false }));
        assert_eq!(verdict("").await, Ok(Verdict { matches: false, outdated: false }));
        // Another implementation agrees, though the memory was used before.
        assert!(Argon2::default().verify_password(b"monsoon bus stop", stored.as_str()).is_ok());
    }

    #[tokio::test]
    async fn nobodys_password_is_wrong() {
        let verdict = pool(4).verify(Password::new("monsoon bus stop"), None).await;
        assert_eq!(verdict, Ok(Verdict { matches: false, outdated: false }));
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_outdated_and_a_damaged_one_is_no_match() {
        let pool = pool(4);
        let older = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA";
        let mut output = [0; 32];
        compute(
            &Password::new("monsoon bus stop"),
            b"somesaltsomesalt",
            Params::new(64, 1, 1, None).unwrap(),
            &mut output,
            &mut Vec::new(),
        )
        .unwrap();
        let stored = format!("{older}${}", Output::new(&output).unwrap());
        assert_eq!(
            pool.verify(Password::new("monsoon bus stop"), Some(stored)).await,
            Ok(Verdict { matches: true, outdated: true })
        );
        for damaged in
            ["", "monsoon bus stop", older, "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAA"]
        {
            let verdict = pool.verify(Password::new("monsoon bus stop"), Some(damaged.to_owned())).await;
            assert_eq!(verdict, Ok(Verdict { matches: false, outdated: false }), "{damaged}");
        }
    }

    #[tokio::test]
    async fn beyond_the_queue_nobody_waits() {
        let pool = pool(1);
        let many = (0..8).map(|_| pool.verify(Password::new("x"), None));
        let mut busy = 0;
        let mut waiting = Vec::new();
        for one in many {
            let mut one = Box::pin(one);
            match std::future::poll_fn(|context| std::task::Poll::Ready(one.as_mut().poll(context))).await {
                std::task::Poll::Ready(answer) => {
                    assert_eq!(answer, Err(HashingError::Busy));
                    busy += 1;
                }
                std::task::Poll::Pending => waiting.push(one),
            }
        }
        assert!(busy >= 6, "{busy}");
        for one in waiting {
            assert!(one.await.is_ok());
        }
    }
}
