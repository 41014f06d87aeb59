//! The processes of this machine: for the test that needs a Lambda to die, and those that a job is to be dead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Peer;

/// How often a socket is looked for: the kernel's table is no snapshot, and may lack a row that is there.
const LOOKS: u32 = 10;

/// Kills the Lambda that is at the other end of a connection; how many that were, none or one.
pub fn kill_lambda_behind(peer: Peer) -> u32 {
    let lambda = lambda_behind(peer);
    // The shell's own, since not every machine has the program. It fails where the process is gone already.
    let kill = |id| Command::new("sh").args(["-c", "kill -KILL \"$0\""]).arg(id).status().expect("a shell").success();
    u32::from(lambda.as_deref().and_then(Path::file_name).is_some_and(kill))
}

/// Whether the Lambda that is at the other end of a connection has a variable with its value, `NAME=value`.
pub fn lambda_behind_has(peer: Peer, variable: &str) -> bool {
    lambda_behind(peer).is_some_and(|process| has(&process, variable))
}

/// The folder in `/proc` of the Lambda that is at the other end of a connection.
fn lambda_behind(peer: Peer) -> Option<PathBuf> {
    let socket = format!("socket:[{}]", (0..LOOKS).find_map(|_| inode(peer))?);
    let holds = |process: &PathBuf| {
        let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
        descriptors.filter_map(|one| fs::read_link(one.path()).ok()).any(|link| link.as_os_str() == socket.as_str())
    };
    let is_lambda = |process: &PathBuf| fs::read_link(process.join("exe")).is_ok_and(|exe| exe.ends_with("bootstrap"));
    let mut processes = fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    processes.find(|process| is_lambda(process) && holds(process))
}

/// The command lines of the processes that have a variable with its value, `NAME=value`, in their environment.
pub fn running_with(variable: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten().map(|entry| entry.path());
    processes
        .filter(|process| has(process, variable))
        .map(|process| String::from_utf8_lossy(&fs::read(process.join("cmdline")).unwrap_or_default()).into())
        .collect()
}

fn has(process: &Path, variable: &str) -> bool {
    let environment = fs::read(process.join("environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

/// The inode of the socket at the other end of a connection.
fn inode(peer: Peer) -> Option<String> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let is_at = |end: Option<&&str>, port: u16| end.is_some_and(|end| end.ends_with(&format!(":{port:04X}")));
    let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| is_at(row.get(1), peer.theirs) && is_at(row.get(2), peer.ours))?;
    row.get(9).map(|inode| (*inode).to_owned())
}
