//! Jobs and reports do not touch the user's files.
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{UNLIMITED, row};
use wxlink::Lang;
use wxlink_bulk::{BadRow, BulkError, Job, ResumeMode, Row, Runner, Severity, StopFlag};
use wxlink_testkit::world::World;

/// A folder for one test, removed when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(wxlink_testkit::scratch(&format!("folder-{name}")))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Everything below a folder: each path, with the contents of files and the targets of links.
fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let holds = if kind.is_symlink() {
            let to = fs::read_link(&path).unwrap();
            format!("-> {}", to.display()).into_bytes()
        } else if kind.is_file() {
            fs::read(&path).unwrap()
        } else {
            b"other".to_vec()
        };
        all.push((path.clone(), holds));
        if kind.is_dir() {
            all.extend(tree(&path));
        }
    }
    all
}

fn rows() -> impl Iterator<Item = Result<Row, BadRow>> {
    // The two accounts alternate, so that the rows must be sorted.
    (1..=20).map(|n| Ok(row(n, n as usize % 2 + 1, n as usize)))
}

fn create(dir: &Path) -> Result<Job, BulkError> {
    Job::create(dir, rows())
}

/// Runs a job and writes its report. Returns the job's folder too.
fn run(name: &str) -> (World, PathBuf) {
    let world = World::new(name, 2, 20);
    let dir = world.dir.join("job");
    let job = create(&dir).unwrap();
    work(&job, &world);
    job.report(Lang::En).unwrap();
    (world, dir)
}

fn work(job: &Job, world: &World) {
    let runner = Runner {
        client: &world.client(),
        workers: 2,
        observer: &|_| {},
        stop: &StopFlag::default(),
    };
    job.run(&runner, UNLIMITED).unwrap();
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// Writes a file list that claims that a job wrote a file with the text "mine".
fn plant_list(dir: &Path, id: &str, name: &str) {
    let file = serde_json::json!({"name": name, "size": 4, "crc32": crc32fast::hash(b"mine")});
    let list = serde_json::json!({
        "made_by": "wxlink bulk", "version": 1, "kind": "job", "id": id, "made_folder": false,
        "subject": "", "files": [file],
    });
    fs::write(dir.join("wxlink-files.json"), list.to_string()).unwrap();
}

#[test]
fn no_job_is_created_in_a_folder_with_other_files() {
    type Make = fn(&Path);
    let of_a_job: &[&str] = &[
        "rows.jsonl",
        "job.json",
        "journal.jsonl",
        "lock",
        "rows.new",
        "rows.sorted",
        "job.json.new",
        "ROWS.JSONL",
        ".hidden",
        "wxlink-files.json",
    ];
    let others: &[(&str, Make)] = &[
        ("report", |dir| fs::create_dir(dir.join("report")).unwrap()),
        ("lock", |dir| symlink("nowhere", dir.join("lock")).unwrap()),
        ("wxlink-files.json", |dir| {
            symlink("/dev/null", dir.join("wxlink-files.json")).unwrap();
        }),
        ("journal.jsonl", |dir| pipe(&dir.join("journal.jsonl"))),
        // An empty file list of ours beside another file.
        ("rows.jsonl", |dir| {
            fs::write(dir.join("rows.jsonl"), "mine").unwrap();
            fs::write(dir.join("wxlink-files.json"), "").unwrap();
        }),
        // File lists from a copied folder: one names a file outside, one has an invalid id.
        ("wxlink-files.json", |dir| {
            let victim = dir.with_extension("victim");
            fs::write(&victim, "mine").unwrap();
            let name = format!("../{}", victim.file_name().unwrap().to_str().unwrap());
            plant_list(dir, "0123456789abcdef", &name);
        }),
        ("mine.csv.new", |dir| {
            fs::write(dir.join("mine.csv.new"), "mine").unwrap();
            plant_list(dir, "csv", "mine.csv");
        }),
        // A valid file list from another folder.
        ("rows.jsonl", |dir| {
            let other = dir.with_extension("other");
            drop(create(&other).unwrap());
            fs::copy(
                other.join("wxlink-files.json"),
                dir.join("wxlink-files.json"),
            )
            .unwrap();
            fs::write(dir.join("rows.jsonl"), "mine").unwrap();
        }),
    ];
    let files = of_a_job.iter().map(|name| (*name, None));
    let others = others.iter().map(|(name, make)| (*name, Some(make)));
    for (nth, (name, make)) in files.chain(others).enumerate() {
        let scratch = Scratch::new(&format!("others-{nth}"));
        let dir = scratch.at("job");
        fs::create_dir(&dir).unwrap();
        match make {
            Some(make) => make(&dir),
            None => fs::write(dir.join(name), "mine").unwrap(),
        }
        let before = tree(&dir);
        // By its own name, and through a link.
        let link = scratch.at("link");
        symlink(&dir, &link).unwrap();
        for dir in [&dir, &link, &dir.join("."), &link.join("../job")] {
            let why = create(dir).err().unwrap();
            assert_eq!(why.severity(), Severity::Usage, "{name}: {why}");
            assert!(why.to_string().contains(name), "{name}: {why}");
            assert!(why.to_string().contains("--job"), "{name}: {why}");
            assert!(Job::open(dir, ResumeMode::Failed).is_err(), "{name}");
        }
        let after = tree(&dir);
        // In a folder with a file list of ours, only the lock may be added.
        let added = after.iter().filter(|entry| !before.contains(entry));
        let added: Vec<_> = added.map(|(path, _)| path.file_name().unwrap()).collect();
        let allowed = name == "rows.jsonl" && nth > of_a_job.len();
        assert!(
            added.is_empty() || (allowed && added == ["lock"]),
            "{name}: {added:?}"
        );
        assert!(before.iter().all(|entry| after.contains(entry)), "{name}");
    }
}

#[test]
fn a_path_that_cannot_be_a_folder_is_refused_and_stays() {
    let scratch = Scratch::new("no-folder");
    fs::write(scratch.at("file"), "mine").unwrap();
    symlink("nowhere", scratch.at("dangling")).unwrap();
    symlink("file", scratch.at("to-a-file")).unwrap();
    symlink("loop", scratch.at("loop")).unwrap();
    pipe(&scratch.at("pipe"));
    let before = tree(&scratch.0);
    for name in [
        "file",
        "file/job",
        "dangling",
        "dangling/job",
        "to-a-file",
        "loop",
        "pipe",
        "x/..",
        "x/../y",
    ] {
        let why = create(&scratch.at(name)).err().unwrap();
        assert_eq!(why.severity(), Severity::Usage, "{name}: {why}");
        assert!(
            why.to_string().contains("cannot be a job's folder"),
            "{name}: {why}"
        );
        assert_eq!(tree(&scratch.0), before, "{name}");
    }
}

#[test]
fn a_discarded_job_leaves_everything_unchanged() {
    let scratch = Scratch::new("discard");
    fs::create_dir(scratch.at("empty")).unwrap();
    symlink("empty", scratch.at("link")).unwrap();
    fs::create_dir(scratch.at("begun")).unwrap();
    fs::write(scratch.at("begun/wxlink-files.json"), "").unwrap();
    let before = tree(&scratch.0);
    for name in ["empty", "link", "new", "a/b/c/.", "empty/../other"] {
        let job = create(&scratch.at(name)).unwrap();
        assert!(scratch.at(name).join("rows.jsonl").exists());
        job.discard();
        assert_eq!(tree(&scratch.0), before, "{name}");
        // Nor does a job with an invalid row.
        let bad = |n| {
            Err(BadRow {
                line: n,
                why: "it is bad".into(),
            })
        };
        assert!(Job::create(&scratch.at(name), rows().chain([bad(21)])).is_err());
        assert_eq!(tree(&scratch.0), before, "{name}");
    }
    // An empty file list, left by a process that was killed right after it created it.
    create(&scratch.at("begun")).unwrap().discard();
    assert_eq!(fs::read_dir(scratch.at("begun")).unwrap().count(), 0);

    // Files that were added meanwhile stay.
    let job = create(&scratch.at("new")).unwrap();
    fs::write(scratch.at("new/mine"), "mine").unwrap();
    job.discard();
    assert_eq!(
        tree(&scratch.at("new")),
        [(scratch.at("new/mine"), b"mine".to_vec())]
    );
}

#[test]
fn a_job_that_was_never_run_is_replaced_and_other_files_are_not() {
    let scratch = Scratch::new("room");
    let dir = scratch.at("job");
    drop(create(&dir).unwrap());
    let first = fs::read(dir.join("rows.jsonl")).unwrap();
    let job = Job::create(&dir, rows().take(3)).unwrap();
    assert_eq!(job.rows(), 3);
    drop(job);
    assert_ne!(fs::read(dir.join("rows.jsonl")).unwrap(), first);
    // It can be resumed too.
    assert_eq!(Job::open(&dir, ResumeMode::Pending).unwrap().left(), 3);

    let before = tree(&dir);
    for (name, text) in [
        ("rows.jsonl", "mine"),
        ("notes", "mine"),
        ("job.json", "{}"),
    ] {
        let path = dir.join(name);
        let was = fs::read(&path).ok();
        fs::write(&path, text).unwrap();
        let now = tree(&dir);
        assert_eq!(
            create(&dir).err().unwrap().severity(),
            Severity::Usage,
            "{name}"
        );
        assert_eq!(tree(&dir), now, "{name}");
        match was {
            Some(was) => fs::write(&path, was).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    // A hard link to a file of ours keeps its contents.
    fs::hard_link(dir.join("rows.jsonl"), scratch.at("mine.jsonl")).unwrap();
    let mine = fs::read(scratch.at("mine.jsonl")).unwrap();
    assert_eq!(tree(&dir), before);
    drop(create(&dir).unwrap());
    assert_eq!(fs::read(scratch.at("mine.jsonl")).unwrap(), mine);
}

#[test]
fn a_job_does_not_touch_files_that_replaced_its_own() {
    let (world, dir) = run("foreign");
    let other = world.dir.join("other");
    let hidden = |row: Result<Row, BadRow>| {
        row.map(|row| Row {
            show_profile: false,
            ..row
        })
    };
    let job = Job::create(&other, rows().map(hidden)).unwrap();
    work(&job, &world);
    drop(job);
    let input = world.dir.join("links.csv");
    fs::write(&input, "mine\n").unwrap();
    type Put = fn(&Path, &Path, &Path);
    let cases: &[(&str, &str, Put)] = &[
        ("journal.jsonl", "not a record", |path, other, _| {
            fs::copy(other.join("journal.jsonl"), path).unwrap();
        }),
        ("journal.jsonl", "not a record", |path, _, input| {
            fs::copy(input, path).unwrap();
        }),
        // Its last line has no end, like an incomplete record.
        ("journal.jsonl", "not a record", |path, _, _| {
            fs::write(path, "mine").unwrap();
        }),
        ("journal.jsonl", "not a regular file", |path, _, input| {
            symlink(input, path).unwrap();
        }),
        ("journal.jsonl", "not a regular file", |path, _, _| {
            symlink("nowhere", path).unwrap();
        }),
        ("journal.jsonl", "not a regular file", |path, _, _| {
            pipe(path);
        }),
        ("journal.jsonl", "second name", |path, _, input| {
            fs::hard_link(input, path).unwrap();
        }),
        ("rows.jsonl", "rows.jsonl", |path, _, input| {
            symlink(input, path).unwrap();
        }),
        ("rows.jsonl", "does not belong", |path, _, input| {
            fs::copy(input, path).unwrap();
        }),
        ("rows.jsonl", "not a record", |path, other, _| {
            fs::copy(other.join("rows.jsonl"), path).unwrap();
        }),
        ("job.json", "job.json", |path, _, input| {
            symlink(input, path).unwrap();
        }),
        ("job.json", "does not describe a job", |path, _, input| {
            fs::copy(input, path).unwrap();
        }),
        ("lock", "not a regular file", |path, _, input| {
            symlink(input, path).unwrap();
        }),
        ("lock", "second name", |path, _, input| {
            fs::hard_link(input, path).unwrap();
        }),
    ];
    for (name, expected, put) in cases {
        let path = dir.join(name);
        let kept = world.dir.join("kept");
        fs::rename(&path, &kept).unwrap();
        put(&path, &other, &input);
        let before = tree(&world.dir);
        let why = Job::open(&dir, ResumeMode::Failed).err().unwrap();
        assert!(why.to_string().contains(expected), "{name}: {why}");
        assert!(create(&dir).is_err(), "{name}");
        assert_eq!(tree(&world.dir), before, "{name}: {why}");
        fs::remove_file(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
    }
    assert_eq!(world.received().links, 20);
}

#[test]
fn a_report_replaces_only_files_of_an_earlier_report() {
    let (world, dir) = run("report");
    let report = dir.join("report");
    let csv = report.join("invited.csv");
    let first = fs::read(&csv).unwrap();
    let job = Job::open(&dir, ResumeMode::Pending).unwrap();
    job.report(Lang::En).unwrap();
    assert_eq!(fs::read(&csv).unwrap(), first);

    // Files that the user changed or wrote.
    for (name, text) in [
        ("invited.csv", "mine"),
        ("failed.csv", "mine"),
        ("linked.csv", ""),
    ] {
        let path = report.join(name);
        let was = fs::read(&path).ok();
        fs::write(&path, text).unwrap();
        let before = tree(&world.dir);
        for why in [
            job.report(Lang::En).err().unwrap(),
            job.check_report().err().unwrap(),
        ] {
            assert!(why.to_string().contains(name), "{why}");
        }
        assert_eq!(tree(&world.dir), before, "{name}");
        match was {
            Some(was) => fs::write(&path, was).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    // Other files of the user's do not matter.
    fs::write(report.join("notes.txt"), "mine").unwrap();
    // Nor do incomplete files of a killed process, which the id in their names identifies.
    let list = fs::read_to_string(report.join("wxlink-files.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let begun = report.join(format!("invited.csv.{}.new", list["id"].as_str().unwrap()));
    fs::write(&begun, "half").unwrap();
    // All rows have another outcome now: the job removes its earlier file.
    let journal = dir.join("journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    fs::write(&journal, text.replace("\"invited\"", "\"refused\"")).unwrap();
    job.report(Lang::En).unwrap();
    assert!(!csv.exists() && !begun.exists());
    assert!(report.join("refused.csv").exists() && report.join("notes.txt").exists());
    drop(job);

    // The report's folder is a link to a folder of the user's.
    let mine = world.dir.join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("failed.csv"), "mine").unwrap();
    fs::remove_dir_all(&report).unwrap();
    symlink(&mine, &report).unwrap();
    let before = tree(&mine);
    let job = Job::open(&dir, ResumeMode::Pending).unwrap();
    let why = job.report(Lang::En).err().unwrap();
    assert!(why.to_string().contains("failed.csv"), "{why}");
    assert_eq!(tree(&mine), before);
    drop(job);

    // The report's folder is a link to the report of another job.
    let (second, other) = run("report-2");
    fs::remove_file(&report).unwrap();
    symlink(other.join("report"), &report).unwrap();
    let before = tree(&second.dir);
    let job = Job::open(&dir, ResumeMode::Pending).unwrap();
    assert!(job.report(Lang::En).is_err());
    assert_eq!(tree(&second.dir), before);
}

/// The test below that is a process to be killed.
const KILLED_PROCESS: &str = "creates_jobs_until_killed";

/// Does nothing by itself. The test below starts it as a process that creates jobs.
#[test]
fn creates_jobs_until_killed() {
    let Some(dir) = std::env::var_os("BULK_FOLDER") else {
        return;
    };
    loop {
        create(Path::new(&dir)).unwrap().discard();
    }
}

#[test]
fn whenever_the_creation_of_a_job_is_killed_the_next_one_succeeds() {
    let scratch = Scratch::new("killed");
    let dir = scratch.at("job");
    let mut half_made = 0;
    for nth in 0..150 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", KILLED_PROCESS, "--nocapture"])
            .env("BULK_FOLDER", &dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !dir.exists() {
            assert!(
                process.try_wait().unwrap().is_none(),
                "the process ended by itself"
            );
        }
        // Kill it at a different moment each time.
        for _ in 0..nth * 20 {
            std::hint::black_box(fs::symlink_metadata(&dir).is_ok());
        }
        process.kill().unwrap();
        process.wait().unwrap();
        half_made += u32::from(dir.exists());
        let job = create(&dir).unwrap();
        assert_eq!(job.left(), 20, "{nth}");
        job.discard();
        // The folder may stay if the process was killed before it recorded that it created it.
        if dir.exists() {
            fs::remove_dir(&dir).unwrap();
        }
    }
    assert!(half_made > 0, "no kill came in the middle of a creation");
}
