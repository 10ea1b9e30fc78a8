//! From perf's samples to a table: how much of an operation's CPU went into which part of the work.

use std::path::Path;
use std::process::Command;

use crate::Fallible;

/// A part of the work, and how its samples are known.
struct Part {
    name: &'static str,
    /// The thread's name begins so; empty for any.
    thread: &'static str,
    /// One of the functions of the stack contains one of these; empty for any stack.
    functions: &'static [&'static str],
}

/// In the order in which they are asked: what several could claim belongs to the first.
const PARTS: &[Part] = &[
    Part { name: "the signature", thread: "tokio", functions: &["SigningKey::sign"] },
    Part { name: "copying the log into the database, beside the commits", thread: "sqlite-check", functions: &[] },
    Part { name: "syncing the log to the disk", thread: "sqlite-writer", functions: &["fdatasync"] },
    Part {
        name: "writing the commit's pages into the log",
        thread: "sqlite-writer",
        functions: &["sqlite3PagerCommit", "sqlite3BtreeCommit", "pagerWalFrames"],
    },
    Part {
        name: "the unit of work: its statements and rules",
        thread: "sqlite-writer",
        functions: &["sql::job::Job>::run", "sqlite3_step"],
    },
    Part { name: "taking units and waking those who wait", thread: "sqlite-writer", functions: &[] },
    Part { name: "checking signatures", thread: "tokio", functions: &["VerifyingKey", "Signer::verify"] },
    Part {
        name: "the line in the access log",
        thread: "tokio",
        functions: &["tracing_core::", "tracing_subscriber::"],
    },
    Part {
        name: "sending and receiving: the kernel's TCP",
        thread: "tokio",
        functions: &[
            "tcp_",
            "sock_write_iter",
            "sock_read_iter",
            "__sys_recvfrom",
            "do_writev",
            "__libc_recv",
            "__libc_send",
        ],
    },
    Part { name: "reading the request", thread: "tokio", functions: &["ClientRequest::read"] },
    Part { name: "claims, tokens and JSON of the answer", thread: "tokio", functions: &["Issued::sign"] },
    Part {
        name: "the handler: ids, secrets, the hand-over to the writer",
        thread: "tokio",
        functions: &["jiomeet_oauth::oauth", "jiomeet_oauth::meetings"],
    },
    Part { name: "HTTP: parsing, routing, headers, the pipeline", thread: "tokio", functions: &["hyper", "axum"] },
    Part { name: "waiting for events, going to sleep, being woken", thread: "tokio", functions: &[] },
    Part { name: "passwords", thread: "passwords", functions: &[] },
];

/// What no part claims.
const REST: &str = "everything else";

/// A sample: the thread's name, and the functions of its stack.
struct Sample<'a> {
    thread: &'a str,
    stack: Vec<&'a str>,
}

impl Sample<'_> {
    fn part(&self) -> &'static str {
        let has = |name: &&str| self.stack.iter().any(|function| function.contains(name));
        let fits = |part: &&Part| {
            self.thread.starts_with(part.thread) && (part.functions.is_empty() || part.functions.iter().any(has))
        };
        PARTS.iter().find(fits).map_or(REST, |part| part.name)
    }
}

/// The table, in Markdown: the parts of an operation that costs `cpu_us`, the largest first.
///
/// # Errors
/// When `perf` cannot read its file.
pub fn markdown(samples: &Path, cpu_us: f64) -> Fallible<String> {
    let read = Command::new("perf")
        .args(["script", "--fields", "comm,ip,sym", "--no-inline", "--input"])
        .arg(samples)
        .output()
        .map_err(|error| format!("perf: {error}; install linux-perf"))?;
    let text = String::from_utf8_lossy(&read.stdout);
    let mut counts: Vec<(&str, u32)> = Vec::new();
    for sample in text.split("\n\n").filter_map(parse) {
        let part = sample.part();
        match counts.iter_mut().find(|(name, _)| *name == part) {
            Some((_, count)) => *count += 1,
            None => counts.push((part, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all: u32 = counts.iter().map(|(_, count)| count).sum();
    if all == 0 {
        return Err(format!("{} has no samples", samples.display()).into());
    }
    let mut table = String::from("| where | CPU, µs | share |\n| --- | ---: | ---: |\n");
    for (name, count) in counts {
        let share = f64::from(count) / f64::from(all);
        table.push_str(&format!("| {name} | {:.1} | {:.0} % |\n", share * cpu_us, share * 100.0));
    }
    table.push_str(&format!("\n{all} samples.\n"));
    Ok(table)
}

/// Reads `perf script`'s lines of one sample: the thread, then an address and a function each.
fn parse(text: &str) -> Option<Sample<'_>> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let thread = lines.next()?.trim();
    let stack: Vec<&str> = lines.filter_map(|line| Some(line.trim().split_once(' ')?.1)).collect();
    (!stack.is_empty()).then_some(Sample { thread, stack })
}
