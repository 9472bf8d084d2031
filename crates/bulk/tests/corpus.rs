//! Runs the fuzzer's check of rows on the inputs in `fuzz/corpus/rows`.

#[path = "../../../fuzz/rows.rs"]
mod rows;

#[test]
fn rows_of_the_corpus() {
    let folder = wxlink_testkit::root().join("fuzz/corpus/rows");
    let mut replayed = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // The test runner shows the file if the check fails.
        println!("{}", path.display());
        rows::rows(&std::fs::read(path).unwrap());
        replayed += 1;
    }
    assert_ne!(replayed, 0, "the corpus is empty");
}
