//! What a blocklist costs: `cargo run --release -p screening --example blocklist_cost [ENTRIES]`.
//!
//! Prints the memory of the process before and after importing a made-up hosts file (Linux), and the time of a
//! look-up that hits and of one that misses.

use std::io::{BufReader, Read};
use std::time::Instant;

use screening::blocklist::Blocklist;
use url::Url;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let entries: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let before = resident_kib();
    let start = Instant::now();
    let list = Blocklist::read("made up", None, BufReader::new(Lines::new(entries)))?;
    let imported = start.elapsed();
    let after = resident_kib();
    println!("entries: {}, import: {imported:.2?}", list.summary().entries);
    println!("list: {:.1} MB", list.bytes() as f64 / 1e6);
    if let (Some(before), Some(after)) = (before, after) {
        println!("resident memory: {:.1} MB more than before", (after - before) as f64 * 1024.0 / 1e6);
    }
    for (what, host) in [("hit", host(entries / 2)), ("miss", "www.some-honest-site.example.com".to_owned())] {
        let url = Url::parse(&format!("https://{host}/path"))?;
        const ROUNDS: u32 = 200_000;
        let start = Instant::now();
        let hits = (0..ROUNDS).filter(|_| list.find(std::hint::black_box(&url)).is_some()).count();
        println!("look-up, {what}: {:?} ({hits} of {ROUNDS} found)", start.elapsed() / ROUNDS);
    }
    Ok(())
}

/// About as long as the names on real lists.
fn host(number: u64) -> String {
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    format!("{scattered:x}.track{number}.example.net")
}

/// A hosts file that is made up as it is read, so that it takes no memory itself.
struct Lines {
    next: u64,
    entries: u64,
    rest: Vec<u8>,
}

impl Lines {
    fn new(entries: u64) -> Self {
        Self { next: 0, entries, rest: Vec::new() }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.rest.is_empty() && self.next < self.entries {
            self.rest = format!("0.0.0.0 {}\n", host(self.next)).into_bytes();
            self.next += 1;
        }
        let length = self.rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.rest.drain(..length)) {
            *to = from;
        }
        Ok(length)
    }
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
