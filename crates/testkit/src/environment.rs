//! Where a test runs: constants of the simulator, folders, tools that may be missing, and generated
//! files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// The Official Account that a new simulator contains.
pub const ACCOUNT: &str = "wx0a00000000000001";
/// Its access token.
pub const TOKEN: &str = "SANDBOX-TOKEN";
/// The mini program that a new simulator contains.
pub const APPID: &str = "wx0b00000000000001";

/// The exit code of `tools/need.sh` for a part that may be skipped.
const SKIPPED: i32 = 77;

/// The root folder of the project.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The folder with `libwxlink.so` and `libwxlink.a`: those that were built with this test, unless
/// `WXLINK_LIB_DIR` names another folder.
pub fn lib_dir() -> PathBuf {
    match std::env::var_os("WXLINK_LIB_DIR") {
        Some(dir) => dir.into(),
        None => std::env::current_exe().unwrap().parent().unwrap().into(),
    }
}

/// Creates an empty folder for the files of one test, in cargo's target folder.
pub fn scratch(name: &str) -> PathBuf {
    // A test program is target/PROFILE/deps/NAME.
    let program = std::env::current_exe().unwrap();
    let dir = program.ancestors().nth(3).unwrap().join("tmp").join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Whether a tool is installed. If not, reports with [`skip`] that a part of the tests is skipped.
pub fn have(tool: &str, part: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()));
    if !found {
        skip(part, tool);
    }
    found
}

/// Reports that a part of the tests is skipped because a tool is not installed. `tools/need.sh`
/// prints the report, and decides whether that is a failure: then this panics.
pub fn skip(part: &str, tool: &str) {
    let reason = format!("{tool} is not installed");
    let decided = Command::new("sh")
        .arg(root().join("tools/need.sh"))
        .args(["--skip", part, &reason])
        .status()
        .unwrap_or_else(|e| panic!("tools/need.sh: {e}"));
    assert_eq!(
        decided.code(),
        Some(SKIPPED),
        "{part}: {reason}, and tools/need.sh does not allow to skip it"
    );
}

/// Runs a command and returns its output. Panics with the output if the command fails.
pub fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// The files of the repository, and those that are not added yet.
pub fn files() -> BTreeSet<String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = run(list.current_dir(root())).stdout;
    let listed = String::from_utf8(listed).unwrap();
    listed.lines().map(str::to_owned).collect()
}

/// A short checksum of a page, by which its translation names what it follows.
pub fn revision(page: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, page.as_bytes());
    let bytes = digest.as_ref()[..6].iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that a committed file equals the generated text; with `WXLINK_GENERATE` set (`make
/// generate`), writes it instead.
pub fn check_generated(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("WXLINK_GENERATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let mut lines = std::iter::zip(committed.lines(), text.lines());
    let difference = lines.find(|(old, new)| old != new);
    assert!(
        committed == text,
        "{path} is out of date: run `make generate` and commit it. First difference: \
         {difference:#?}"
    );
}

/// The same for a page in English and in Chinese, which names the revision that it follows.
pub fn check_generated_pages(name: &str, [english, chinese]: &[String; 2]) {
    let page = format!("docs/{name}");
    let first_line = format!("<!-- Follows {page}, {} -->\n", revision(english));
    check_generated(&page, english);
    check_generated(&format!("docs/zh-CN/{name}"), &(first_line + chinese));
}

/// Compares the generated part of a file that is otherwise written by hand, or writes it. The part
/// is between a line with `BEGIN generated: PART` and one with `END generated: PART`.
pub fn check_generated_part(path: &str, part: &str, text: &str) {
    let (begin, end) = (
        format!("BEGIN generated: {part}"),
        format!("END generated: {part}"),
    );
    check_generated_between(path, &begin, &end, text);
}

/// The same for a part between a line that contains `begin` and the next one that contains `end`.
pub fn check_generated_between(path: &str, begin: &str, end: &str, text: &str) {
    // Tests run at the same time: two parts of a file must not overwrite each other.
    static WRITING: Mutex<()> = Mutex::new(());
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let file = std::fs::read_to_string(root().join(path)).unwrap();
    let mut lines = file.split_inclusive('\n');
    let mut before = String::new();
    for line in lines.by_ref() {
        before += line;
        if line.contains(begin) {
            break;
        }
    }
    let after: String = lines.skip_while(|line| !line.contains(end)).collect();
    assert!(
        !after.is_empty(),
        "{path} has no lines {begin:?} and {end:?}"
    );
    check_generated(path, &(before + text + &after));
}
