//! What another process costs: its CPU time and its memory, as the kernel counts them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Fallible;

/// CPU time that the threads of a process have used, in nanoseconds.
///
/// `/proc/PID/task/*/schedstat` is exact to the nanosecond where `/proc/PID/stat` counts ticks of 10 ms. A thread that
/// ended between two readings takes its time with it; then the ticks, which keep it, are the better figure.
#[derive(Debug, Clone)]
pub struct CpuReading {
    threads: HashMap<u64, u64>,
    ticks_ns: u64,
    /// Of the children that ended and were waited for, with theirs.
    ended_ns: u64,
}

/// Nanoseconds in a tick of `/proc/PID/stat`, which is 1/100 s on every Linux that people run.
const TICK_NS: u64 = 10_000_000;

impl CpuReading {
    /// Reads a process.
    pub fn of(pid: u32) -> Fallible<CpuReading> {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let path = entry?.path();
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(path.join("schedstat")) else { continue };
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            let used = text.split(' ').next().and_then(|field| field.parse().ok());
            if let (Some(id), Some(used)) = (id, used) {
                threads.insert(id, used);
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in parentheses, may hold anything; the fields after it begin with the third.
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        let fields: Vec<&str> = after.split(' ').collect();
        let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
        let sum = |first: usize| field(first).zip(field(first + 1)).map(|(user, system)| (user + system) * TICK_NS);
        let (ticks_ns, ended_ns) =
            sum(14).zip(sum(16)).ok_or_else(|| format!("/proc/{pid}/stat cannot be read: {stat}"))?;
        Ok(CpuReading { threads, ticks_ns, ended_ns })
    }

    fn total(&self) -> u64 {
        self.threads.values().sum::<u64>().max(self.ticks_ns)
    }

    /// Nanoseconds used since an earlier reading of the same process.
    pub fn since(&self, earlier: &CpuReading) -> u64 {
        if earlier.threads.keys().any(|id| !self.threads.contains_key(id)) {
            return self.ticks_ns.saturating_sub(earlier.ticks_ns);
        }
        let used = |(id, used): (&u64, &u64)| used.saturating_sub(earlier.threads.get(id).copied().unwrap_or(0));
        self.threads.iter().map(used).sum()
    }
}

/// A process and all that descend from it: the workers of a server, the backends of a database.
#[derive(Debug)]
pub struct Tree {
    processes: HashMap<u32, CpuReading>,
}

impl Tree {
    /// Reads the processes below `root`, and itself.
    pub fn of(root: u32) -> Fallible<Tree> {
        let mut processes = HashMap::new();
        for pid in descendants(root)? {
            match CpuReading::of(pid) {
                Ok(reading) => drop(processes.insert(pid, reading)),
                // A child may end between the listing and the reading.
                Err(error) if pid == root => return Err(error),
                Err(_) => {}
            }
        }
        Ok(Tree { processes })
    }

    /// Nanoseconds used since an earlier reading, by whom is there now and whom ended since.
    pub fn since(&self, earlier: &Tree) -> u64 {
        let mut sum = 0;
        let mut ended = 0_u64;
        for (pid, now) in &self.processes {
            match earlier.processes.get(pid) {
                Some(then) => {
                    sum += now.since(then);
                    ended += now.ended_ns.saturating_sub(then.ended_ns);
                }
                None => sum += now.total(),
            }
        }
        // Whoever ended is counted whole by its parent: what it had used before is not of this time.
        let gone = earlier.processes.iter().filter(|(pid, _)| !self.processes.contains_key(pid));
        sum + ended.saturating_sub(gone.map(|(_, then)| then.total() + then.ended_ns).sum())
    }

    /// What they hold in memory, in KiB: one process its own, several each its share of what they have in common.
    pub fn memory(&self) -> Fallible<Memory> {
        let mut sum = 0;
        for &pid in self.processes.keys() {
            match (self.processes.len(), proportional_kib(pid)) {
                (1, _) => return Memory::of(pid),
                (_, Ok(kib)) => sum += kib,
                (_, Err(_)) => {}
            }
        }
        Ok(Memory { resident_kib: sum, peak_kib: sum })
    }
}

/// The process and all below it.
pub fn descendants(root: u32) -> Fallible<Vec<u32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit_once(") ").and_then(|(_, after)| after.split(' ').nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (pid, parent)));
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    Ok(found)
}

fn proportional_kib(pid: u32) -> Fallible<u64> {
    field_of(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// A number of a file of lines such as `Name:   12 kB`.
fn field_of(file: &str, name: &str) -> Fallible<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse().ok());
    number.ok_or_else(|| format!("{file} has no {name}").into())
}

/// Resident memory of a process, in KiB.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Now (`VmRSS`).
    pub resident_kib: u64,
    /// The most it ever was, or was since [`forget_peak`] (`VmHWM`).
    pub peak_kib: u64,
}

impl Memory {
    /// Reads a process.
    pub fn of(pid: u32) -> Fallible<Memory> {
        let file = format!("/proc/{pid}/status");
        Ok(Memory { resident_kib: field_of(&file, "VmRSS:")?, peak_kib: field_of(&file, "VmHWM:")? })
    }
}

/// Lets the peak begin anew at what is resident now, so that the hashing of a password at sign-in, which takes 12 MiB for
/// a moment, does not hide what comes after.
pub fn forget_peak(pid: u32) -> Fallible<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Counts the syncs of a process that was started with [`SyncCounter::environment`].
#[derive(Debug, Clone)]
pub struct SyncCounter {
    library: PathBuf,
    counts: PathBuf,
}

/// How many syncs there were.
#[derive(Debug, Clone, Copy)]
pub struct Syncs {
    /// All.
    pub all: u64,
    /// Those of the thread that commits.
    pub committing: u64,
}

impl SyncCounter {
    /// Compiles the counter into a folder.
    ///
    /// # Errors
    /// Without a C compiler, which building the embedded database needs too.
    pub fn make(folder: &Path) -> Fallible<SyncCounter> {
        let source = folder.join("count-syncs.c");
        fs::write(&source, include_str!("../count-syncs.c"))?;
        let library = folder.join("count-syncs.so");
        let compiled = std::process::Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status()?;
        if !compiled.success() {
            return Err("cc could not compile bench/count-syncs.c".into());
        }
        let counts = folder.join("syncs");
        fs::write(&counts, [0; 16])?;
        Ok(SyncCounter { library, counts })
    }

    /// What the process must be started with.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("BENCH_SYNC_COUNTS", &self.counts)]
    }

    /// The count so far.
    pub fn read(&self) -> Fallible<Syncs> {
        let bytes: [u8; 16] = fs::read(&self.counts)?.try_into().map_err(|_| "the file of sync counts was changed")?;
        let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
        Ok(Syncs { all: number(0), committing: number(8) })
    }
}
