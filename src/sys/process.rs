//! Runs a shell command and collects what it prints.
//!
//! The command runs in a process group of its own, so that at the limit all its processes are
//! killed and not only the shell. The library waits for its end with a pidfd, which never refers to
//! another process after the command ended. It does not wait for the end of the output, which a
//! background process may hold open.

use std::ffi::{CStr, CString};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};

use super::background;
use super::os::above_stdio;
use crate::model::message::{Message, message};

/// How often a command is polled on kernels without pidfd (before Linux 5.3).
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a call waits for a killed command, which may hang in the kernel. Then a thread waits
/// for it.
const KILL_WAIT: Duration = Duration::from_secs(1);

/// Copies the environment of this process for the commands. It is not read later, when the calling
/// program could be changing it.
pub(crate) fn environment() -> Vec<CString> {
    std::env::vars_os()
        .filter_map(|(key, value)| {
            let mut entry = key.into_vec();
            entry.push(b'=');
            entry.extend(value.into_vec());
            CString::new(entry).ok()
        })
        .collect()
}

/// Runs `line` with `/bin/sh` until it ends, and returns what it printed.
///
/// Its standard input is `input`; its standard error is discarded. Processes that it leaves in the
/// background continue, and their output is ignored.
///
/// # Errors
/// A clause whose subject is the program. It cannot be started, exits with a status other than 0,
/// still runs at `limit`, or prints more than `max_output` bytes; in the last two cases its process
/// group is killed. If the calling program ignores SIGCHLD or reaps all its children, the status is
/// unknown and not checked.
pub(crate) fn run(
    line: &str,
    environment: &[CString],
    input: &[u8],
    limit: Instant,
    max_output: usize,
) -> Result<Vec<u8>, Message> {
    let no_pipe = |e: io::Error| {
        Message::from(e).after(
            "could not be started, because no pipe could be made for it",
            "无法启动，因为不能为其创建管道",
        )
    };
    let (stdout, its_stdout) = pipe().map_err(no_pipe)?;
    ioctl_fionbio(&stdout, true).map_err(|e| no_pipe(e.into()))?;
    let stdin = input_of(input).map_err(no_pipe)?;
    let child = Child::spawn(line, environment, stdin.as_fd(), its_stdout.as_fd());
    let child = child.map_err(|e| Message::from(e).after("could not be started", "无法启动"))?;
    drop((stdin, its_stdout));
    finish(child, stdout, limit, max_output)
}

/// Waits for the command, or kills it.
fn finish(
    mut child: Child,
    stdout: OwnedFd,
    limit: Instant,
    max_output: usize,
) -> Result<Vec<u8>, Message> {
    let mut printed = Vec::new();
    match collect(&child, stdout, &mut printed, limit, max_output) {
        Ok(()) => match child.reap() {
            Some(status) if status.exit_status() != Some(0) => Err(describe(&status)),
            _ => Ok(printed),
        },
        Err(why) => {
            child.kill();
            Err(why)
        }
    }
}

/// Reads the output until the command has ended.
fn collect(
    child: &Child,
    stdout: OwnedFd,
    printed: &mut Vec<u8>,
    limit: Instant,
    max_output: usize,
) -> Result<(), Message> {
    let mut stdout = Some(std::fs::File::from(stdout));
    loop {
        // Checked first: if it has ended, everything it printed can be read below.
        let has_ended = child.has_ended();
        if let Some(open) = &mut stdout {
            if !read_available(open, printed, max_output)? {
                stdout = None;
            }
        }
        if has_ended {
            return Ok(());
        }
        let left = limit.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Message::new(
                "took longer than timeout_ms and was killed",
                "运行超过 timeout_ms，已被终止",
            ));
        }
        child
            .wait_for_news(stdout.as_ref().map(AsFd::as_fd), left)
            .map_err(|e| {
                let why = Message::from(io::Error::from(e));
                why.after("could not be waited for", "无法等待其结束")
            })?;
    }
}

/// Reads the available output. Returns `false` at its end.
fn read_available(
    from: &mut impl Read,
    printed: &mut Vec<u8>,
    max_output: usize,
) -> Result<bool, Message> {
    let mut part = [0; 1024];
    loop {
        match from.read(&mut part) {
            Ok(0) => return Ok(false),
            Ok(n) => printed.extend_from_slice(&part[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(e) => {
                return Err(Message::from(e).after("could not be read from", "的输出无法读取"));
            }
        }
        if printed.len() > max_output {
            return Err(message!(
                "printed more than {max_output} bytes and was stopped",
                "输出超过 {max_output} 字节，已被终止"
            ));
        }
    }
}

/// The reading end and the writing end of a new pipe, which other programs do not inherit.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((above_stdio(reader)?, above_stdio(writer)?))
}

/// A pipe that contains `input` and has no writer. Nothing is written after the command has
/// started, so a command that does not read its input causes no SIGPIPE in this process.
fn input_of(input: &[u8]) -> io::Result<OwnedFd> {
    let (reader, writer) = pipe()?;
    ioctl_fionbio(&writer, true)?;
    std::fs::File::from(writer).write_all(input)?;
    Ok(reader)
}

/// Describes how a command failed.
fn describe(status: &WaitIdStatus) -> Message {
    let (how, zh) = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (
            format!("exit status: {code}"),
            format!("以退出状态 {code} 结束"),
        ),
        (None, Some(signal)) => (format!("signal: {signal}"), format!("被信号 {signal} 终止")),
        (None, None) => ("an unknown status".into(), "以未知状态结束".into()),
    };
    // Its output is not repeated: it may contain a token.
    message!(
        "ended with {how}; run it by hand to see why",
        "{zh}；请手动运行以查明原因"
    )
}

/// A running command, the leader of its process group.
struct Child {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    /// It has ended and its id may belong to another process: no signal may be sent to it.
    is_gone: bool,
}

impl Child {
    fn spawn(
        line: &str,
        environment: &[CString],
        stdin: BorrowedFd<'_>,
        stdout: BorrowedFd<'_>,
    ) -> io::Result<Child> {
        let pid = posix_spawn::shell(&CString::new(line)?, environment, stdin, stdout)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty());
        let mut child = Child {
            pid,
            is_gone: matches!(pidfd, Err(Errno::SRCH)),
            pidfd: pidfd.ok().and_then(|fd| above_stdio(fd).ok()),
        };
        // If the calling program ignores SIGCHLD, or reaps all its children, the id may have been
        // reused before the pidfd was opened: then the pidfd does not refer to our command.
        child.is_gone |= matches!(child.peek(), Err(Errno::CHILD));
        Ok(child)
    }

    fn id(&self) -> WaitId<'_> {
        match &self.pidfd {
            Some(pidfd) => WaitId::PidFd(pidfd.as_fd()),
            None => WaitId::Pid(self.pid),
        }
    }

    /// How it ended, without reaping it; `None` while it runs.
    fn peek(&self) -> Result<Option<WaitIdStatus>, Errno> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        retry(|| waitid(self.id(), options))
    }

    /// Whether the command has ended, even if the calling program has reaped it.
    fn has_ended(&self) -> bool {
        let Some(pidfd) = &self.pidfd else {
            return self.is_gone || !matches!(self.peek(), Ok(None));
        };
        let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
        let without_waiting = Timespec::default();
        self.is_gone || !matches!(retry(|| poll(&mut fds, Some(&without_waiting))), Ok(0))
    }

    /// Waits until the command ends or prints something, for `left` at most.
    fn wait_for_news(&self, stdout: Option<BorrowedFd<'_>>, left: Duration) -> Result<(), Errno> {
        let wait = match self.pidfd {
            Some(_) => left,
            None => left.min(POLL_INTERVAL),
        };
        let timeout = Timespec {
            tv_sec: wait.as_secs() as _,
            tv_nsec: wait.subsec_nanos() as _,
        };
        let pidfd = self.pidfd.as_ref().map(AsFd::as_fd);
        let mut fds: Vec<_> = { [pidfd, stdout].into_iter().flatten() }
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        retry(|| poll(&mut fds, Some(&timeout))).map(drop)
    }

    /// Reaps the command; `None` if its status is unknown.
    fn reap(&mut self) -> Option<WaitIdStatus> {
        if self.is_gone {
            return None;
        }
        self.is_gone = true;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        retry(|| waitid(self.id(), options)).ok().flatten()
    }

    /// Kills the command with its whole process group, and reaps it.
    fn kill(mut self) {
        if self.is_gone {
            return;
        }
        let by_pidfd = self
            .pidfd
            .as_ref()
            .map(|fd| posix_spawn::kill_group(fd.as_fd()));
        // Until the command is reaped no other process or group can have its id. If the group is
        // empty by then, there is nothing to kill.
        if !matches!(by_pidfd, Some(Ok(()) | Err(Errno::SRCH))) && self.peek().is_ok() {
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        if let Some(pidfd) = &self.pidfd {
            // In case it has moved to another group.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        let until = Instant::now() + KILL_WAIT;
        while !self.has_ended() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.wait_for_news(None, left).is_err() {
                let _ = background::spawn("wxlink-reaper", move || {
                    let _ = retry(|| waitid(self.id(), WaitIdOptions::EXITED));
                });
                return;
            }
        }
        self.reap();
    }
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// The two system interfaces that have no safe wrapper.
///
/// The standard library starts programs with the signal mask of the calling thread. Our threads
/// block all signals, so the command could not be interrupted or terminated; and if they were
/// unblocked for a moment, signals for the calling program could arrive in our thread.
#[allow(unsafe_code)]
mod posix_spawn {
    use super::*;
    use std::mem::MaybeUninit;
    use std::ptr;

    /// Sends a signal to all processes of the group (since Linux 6.9).
    const PIDFD_SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;

    struct Actions(libc::posix_spawn_file_actions_t);

    impl Actions {
        fn new() -> io::Result<Actions> {
            let mut actions = MaybeUninit::uninit();
            // SAFETY: the argument is valid for writing, and initialised if 0 is returned.
            check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
            // SAFETY: initialised above.
            Ok(Actions(unsafe { actions.assume_init() }))
        }

        fn dup2(&mut self, from: BorrowedFd<'_>, to: i32) -> io::Result<()> {
            // SAFETY: the actions are initialised; the descriptor is open until the spawn is over.
            check(unsafe {
                libc::posix_spawn_file_actions_adddup2(&mut self.0, from.as_raw_fd(), to)
            })
        }

        fn open(&mut self, to: i32, path: &CStr, flags: i32) -> io::Result<()> {
            // SAFETY: the actions are initialised; the path ends with a NUL and is copied.
            check(unsafe {
                libc::posix_spawn_file_actions_addopen(&mut self.0, to, path.as_ptr(), flags, 0)
            })
        }
    }

    impl Drop for Actions {
        fn drop(&mut self) {
            // SAFETY: initialised, and destroyed once.
            unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
        }
    }

    struct Attributes(libc::posix_spawnattr_t);

    impl Attributes {
        /// A process group of its own, no blocked signals, and the default action for the two
        /// signals that would disturb a shell and its pipelines if they were ignored.
        fn new() -> io::Result<Attributes> {
            let mut attributes = MaybeUninit::uninit();
            // SAFETY: the argument is valid for writing, and initialised if 0 is returned.
            check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
            // SAFETY: initialised above.
            let mut attributes = Attributes(unsafe { attributes.assume_init() });
            let mut none = MaybeUninit::<libc::sigset_t>::uninit();
            let mut reset = MaybeUninit::<libc::sigset_t>::uninit();
            let flags = libc::POSIX_SPAWN_SETPGROUP
                | libc::POSIX_SPAWN_SETSIGMASK
                | libc::POSIX_SPAWN_SETSIGDEF;
            // SAFETY: sigemptyset initialises both sets before they are used; the attributes are
            // initialised, and copy the sets.
            unsafe {
                libc::sigemptyset(none.as_mut_ptr());
                libc::sigemptyset(reset.as_mut_ptr());
                libc::sigaddset(reset.as_mut_ptr(), libc::SIGPIPE);
                libc::sigaddset(reset.as_mut_ptr(), libc::SIGCHLD);
                let to = &mut attributes.0;
                check(libc::posix_spawnattr_setflags(to, flags as _))?;
                check(libc::posix_spawnattr_setpgroup(to, 0))?;
                check(libc::posix_spawnattr_setsigmask(to, none.as_ptr()))?;
                check(libc::posix_spawnattr_setsigdefault(to, reset.as_ptr()))?;
            }
            Ok(attributes)
        }
    }

    impl Drop for Attributes {
        fn drop(&mut self) {
            // SAFETY: initialised, and destroyed once.
            unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
        }
    }

    fn check(code: i32) -> io::Result<()> {
        match code {
            0 => Ok(()),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Starts `/bin/sh -c line`, the leader of a new process group.
    pub(super) fn shell(
        line: &CStr,
        environment: &[CString],
        stdin: BorrowedFd<'_>,
        stdout: BorrowedFd<'_>,
    ) -> io::Result<Pid> {
        let mut actions = Actions::new()?;
        actions.dup2(stdin, 0)?;
        actions.dup2(stdout, 1)?;
        actions.open(2, c"/dev/null", libc::O_WRONLY)?;
        let attributes = Attributes::new()?;
        let pointers = |texts: &[&CStr]| -> Vec<*mut libc::c_char> {
            let texts = texts.iter().map(|text| text.as_ptr().cast_mut());
            texts.chain([ptr::null_mut()]).collect()
        };
        let arguments = pointers(&[c"/bin/sh", c"-c", line]);
        let environment: Vec<&CStr> = environment.iter().map(CString::as_c_str).collect();
        let environment = pointers(&environment);
        let mut pid = 0;
        // SAFETY: actions and attributes are initialised; both lists end with a null pointer, and
        // what they point to ends with a NUL and outlives the call, which does not change it.
        check(unsafe {
            libc::posix_spawn(
                &mut pid,
                c"/bin/sh".as_ptr(),
                &actions.0,
                &attributes.0,
                arguments.as_ptr(),
                environment.as_ptr(),
            )
        })?;
        Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process id"))
    }

    /// Kills the process group that the process leads, even if the process has ended. Cannot hit
    /// another group. Fails on kernels before Linux 6.9.
    pub(super) fn kill_group(leader: BorrowedFd<'_>) -> Result<(), Errno> {
        // SAFETY: without a siginfo the system call reads none of our memory.
        let sent = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                leader.as_raw_fd(),
                libc::SIGKILL,
                ptr::null::<libc::siginfo_t>(),
                PIDFD_SIGNAL_PROCESS_GROUP,
            )
        };
        match sent {
            0 => Ok(()),
            _ => {
                let code = io::Error::last_os_error().raw_os_error();
                Err(code.map_or(Errno::IO, Errno::from_raw_os_error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::path::{Path, PathBuf};
    use std::process::{Command, exit};
    use std::sync::mpsc::channel;

    const AMPLE_LIMIT: Duration = Duration::from_secs(60);
    const SHORT_LIMIT: Duration = Duration::from_millis(300);
    const MAX_OUTPUT_BYTES: usize = 4096;

    fn run_for(line: &str, limit: Duration) -> Result<String, String> {
        let limit = Instant::now() + limit;
        let printed = run(line, &environment(), b"input\n", limit, MAX_OUTPUT_BYTES);
        let printed = printed.map_err(|why| why.to_string())?;
        Ok(String::from_utf8(printed).unwrap())
    }

    /// The same on a kernel without pidfd.
    fn run_without_pidfd(line: &str, limit: Duration) -> Result<String, String> {
        let (stdout, its_stdout) = pipe().unwrap();
        ioctl_fionbio(&stdout, true).unwrap();
        let stdin = input_of(b"").unwrap();
        let mut child =
            Child::spawn(line, &environment(), stdin.as_fd(), its_stdout.as_fd()).unwrap();
        drop(its_stdout);
        child.pidfd = None;
        let printed = finish(child, stdout, Instant::now() + limit, MAX_OUTPUT_BYTES);
        let printed = printed.map_err(|why| why.to_string())?;
        Ok(String::from_utf8(printed).unwrap())
    }

    type Run = fn(&str, Duration) -> Result<String, String>;
    const WAYS: [(&str, Run); 2] = [("pidfd", run_for), ("no-pidfd", run_without_pidfd)];

    /// A file for what a command notes about itself.
    fn note(name: &str) -> PathBuf {
        let name = format!("wxlink-process-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        path
    }

    fn noted(path: &Path) -> i32 {
        let text = std::fs::read_to_string(path).unwrap();
        std::fs::remove_file(path).unwrap();
        text.trim().parse().unwrap()
    }

    /// The living processes whose number, or whose process group (if `by_group`), this is.
    fn living(number: i32, by_group: bool) -> usize {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let stats = processes.filter_map(|p| std::fs::read_to_string(p.path().join("stat")).ok());
        stats
            .filter(|stat| {
                // pid (name) state ppid pgrp …
                let pid = stat.split(' ').next().unwrap();
                let rest = stat.rsplit_once(") ").unwrap().1;
                let fields: Vec<&str> = rest.split(' ').collect();
                let found = if by_group { fields[2] } else { pid };
                found.parse() == Ok(number) && !["Z", "X"].contains(&fields[0])
            })
            .count()
    }

    fn assert_dies(group: i32) {
        let until = Instant::now() + AMPLE_LIMIT;
        while living(group, true) > 0 {
            assert!(Instant::now() < until, "processes of group {group} live on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Runs a command that has to be killed, and returns its error and its process group.
    fn killed(way: (&str, Run), name: &str, rest: &str) -> (String, i32) {
        let file = note(&format!("{}-{name}", way.0));
        let line = format!("echo $$ > {}; {rest}", file.display());
        // On a busy machine the command may need longer to write its notes.
        let mut limit = SHORT_LIMIT;
        loop {
            let error = way.1(&line, limit).unwrap_err();
            if file.exists() {
                return (error, noted(&file));
            }
            limit *= 2;
        }
    }

    /// Runs the body in a process of its own, because it changes what belongs to the whole process.
    fn alone(test: &str, body: impl FnOnce() -> bool) {
        const ALONE: &str = "WXLINK_TEST_ALONE";
        const PASSED: i32 = 40;
        if std::env::var(ALONE).as_deref() == Ok(test) {
            exit(if body() { PASSED } else { 1 });
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("sys::process::tests::{test}")])
            .args(["--nocapture", "--test-threads=1"])
            .env(ALONE, test)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(PASSED), "{status}");
    }

    #[test]
    fn what_it_prints_counts_when_it_has_ended() {
        for (way, run) in WAYS {
            let file = note(way);
            let line = format!("echo T; sleep 1000 & echo $! > {}", file.display());
            assert_eq!(run(&line, AMPLE_LIMIT).as_deref(), Ok("T\n"), "{way}");
            // The background process was neither awaited nor killed.
            let sleeper = noted(&file);
            assert_eq!(living(sleeper, false), 1, "{way}");
            let _ = rustix::process::kill_process(Pid::from_raw(sleeper).unwrap(), Signal::KILL);
            let failed = run("echo T; exit 7", AMPLE_LIMIT).unwrap_err();
            assert!(failed.contains("exit status: 7"), "{way}: {failed}");
        }
    }

    #[test]
    fn at_the_limit_the_whole_process_group_is_killed() {
        for way in WAYS {
            for (n, rest) in [
                "sleep 1000 | cat",
                "sleep 1000",
                "echo T; exec >/dev/null; sleep 1000",
                "trap '' TERM INT HUP; sleep 1000 & wait",
                "cat; kill -STOP $$",
            ]
            .into_iter()
            .enumerate()
            {
                let (error, group) = killed(way, &n.to_string(), rest);
                assert!(error.contains("timeout_ms"), "{} {rest}: {error}", way.0);
                assert_dies(group);
            }
        }
    }

    #[test]
    fn too_much_output_kills_the_whole_process_group() {
        for (way, run) in WAYS {
            let file = note(&format!("{way}-much"));
            let line = format!("echo $$ > {}; yes | cat", file.display());
            let much = run(&line, AMPLE_LIMIT).unwrap_err();
            assert!(much.contains("more than 4096 bytes"), "{way}: {much}");
            assert_dies(noted(&file));
        }
    }

    #[test]
    fn its_signals_are_not_those_of_the_thread_that_starts_it() {
        let (send, results) = channel();
        background::spawn("wxlink-test", move || {
            let blocked = run_for("grep SigBlk /proc/self/status", AMPLE_LIMIT);
            let killed = run_for("kill -TERM $$; echo survived", AMPLE_LIMIT);
            send.send((blocked, killed)).unwrap();
        })
        .unwrap();
        let (blocked, killed) = results.recv().unwrap();
        assert_eq!(blocked.unwrap().trim(), "SigBlk:\t0000000000000000");
        assert!(killed.unwrap_err().contains("signal: 15"));
    }

    #[test]
    fn it_gets_the_environment_of_the_time_it_was_configured() {
        let environment = [c"A=1".to_owned(), c"B=two words".to_owned()];
        let limit = Instant::now() + AMPLE_LIMIT;
        let printed = run(
            "echo \"$A$B$HOME\"; cat",
            &environment,
            b"in",
            limit,
            MAX_OUTPUT_BYTES,
        );
        assert_eq!(printed.as_deref(), Ok(&b"1two words\nin"[..]));
    }

    #[test]
    fn a_program_that_does_not_read_its_input_harms_nothing() {
        let input = vec![b'x'; 5000];
        let limit = Instant::now() + AMPLE_LIMIT;
        let printed = run(
            "exec 0<&-; echo T",
            &environment(),
            &input,
            limit,
            MAX_OUTPUT_BYTES,
        );
        assert_eq!(printed.as_deref(), Ok(&b"T\n"[..]));
    }

    /// Has the kernel reap children by itself.
    #[allow(unsafe_code)]
    fn ignore_sigchld() {
        // SAFETY: no handler is installed; the process runs this test alone.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    }

    #[test]
    fn a_program_that_ignores_sigchld_gets_the_output() {
        alone("a_program_that_ignores_sigchld_gets_the_output", || {
            ignore_sigchld();
            WAYS.into_iter().all(|way| {
                // A shell that inherits the ignored signal could not tell how its commands end.
                let output = way.1("sh -c 'exit 3'; echo T$?", AMPLE_LIMIT);
                let unknown = way.1("echo T; exit 3", AMPLE_LIMIT);
                let (late, group) = killed(way, "ignored", "sleep 1000 | cat");
                assert_dies(group);
                output.as_deref() == Ok("T3\n")
                    && unknown.as_deref() == Ok("T\n")
                    && late.contains("timeout_ms")
            })
        });
    }

    /// A process of this host that has nothing to do with the command; killed in the end.
    struct Innocent(std::process::Child);

    impl Innocent {
        fn start() -> Innocent {
            let mut sleep = Command::new("sleep");
            let sleep = sleep.arg("1000").stdout(std::process::Stdio::null());
            Innocent(sleep.process_group(0).spawn().unwrap())
        }
    }

    impl Drop for Innocent {
        fn drop(&mut self) {
            let _ = self.0.kill();
        }
    }

    #[test]
    fn a_number_that_was_given_away_is_not_killed() {
        alone("a_number_that_was_given_away_is_not_killed", || {
            ignore_sigchld();
            let (stdin, stdout) = pipe().unwrap();
            let innocent = Innocent::start();
            let mut child =
                Child::spawn("exit", &environment(), stdin.as_fd(), stdout.as_fd()).unwrap();
            // Until the kernel has reaped it.
            let until = Instant::now() + AMPLE_LIMIT;
            while child.peek().is_ok() && Instant::now() < until {
                child.wait_for_news(None, AMPLE_LIMIT).unwrap();
            }
            assert_eq!(child.peek().err(), Some(Errno::CHILD));
            assert!(child.has_ended());
            // As if its number had been given to another process meanwhile.
            child.pid = Pid::from_child(&innocent.0);
            child.kill();
            living(innocent.0.id() as i32, false) == 1
        });
    }

    #[test]
    fn a_program_without_standard_streams_gets_the_output() {
        alone("a_program_without_standard_streams_gets_the_output", || {
            for fd in 0..3 {
                #[allow(unsafe_code)]
                // SAFETY: the process runs this test alone and prints nothing more.
                unsafe {
                    libc::close(fd);
                }
            }
            run_for("cat; echo T; echo lost >&2", AMPLE_LIMIT).as_deref() == Ok("input\nT\n")
        });
    }
}
