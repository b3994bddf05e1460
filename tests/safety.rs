//! No `unsafe` but at the border to the engine, where each use is explained.

use std::path::{Path, PathBuf};

/// Where the SmartModules meet the engine, which speaks with them by pointer and length.
const BORDER: &str = "smartmodules/abi/src";
/// What puts the engine's entry into a SmartModule, so that its crate cannot forbid `unsafe`.
const ENTRY: &str = "smartmodule_abi::export!";
/// Not ours, or made by a build.
const PASSED_OVER: [&str; 3] = ["vendor", "target", "node_modules"];

/// Every Rust file of the project: its path below the root, and its text.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut directories, mut sources) = (vec![root.to_owned()], Vec::new());
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !name.starts_with('.') && !PASSED_OVER.contains(&name) {
                    directories.push(path);
                }
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push((path.strip_prefix(root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(
        sources.len() > 100,
        "the project has more than {} files",
        sources.len()
    );
    sources
}

/// The lines, counted from 0, with code that is `unsafe`. In a text or a comment the word stands before
/// other things.
fn uses(text: &str) -> Vec<usize> {
    let is_use = |line: &str| {
        let code = line.trim_start();
        !code.starts_with("//")
            && code.match_indices("unsafe").any(|(at, word)| {
                let (before, after) = (&code[..at], &code[at + word.len()..]);
                let in_a_name =
                    before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
                let next = after.trim_start();
                let begins = ["{", "(", "fn ", "extern ", "impl ", "impl<", "trait "];
                !in_a_name
                    && (next.is_empty() || begins.iter().any(|begin| next.starts_with(begin)))
            })
    };
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| is_use(line))
        .map(|(at, _)| at)
        .collect()
}

/// Whether the comments and attributes right above a line tell why it is sound: for a function what its
/// callers owe, for anything else that it holds here.
fn is_explained(text: &str, at: usize) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let owed = lines[at].contains(" fn ");
    let wanted = if owed { "/// # Safety" } else { "// SAFETY: " };
    lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| line.starts_with(wanted))
}

#[test]
fn there_is_no_unsafe_code_but_at_the_border_to_the_engine() {
    let mut at_the_border = 0;
    for (path, text) in sources() {
        let uses = uses(&text);
        if path.starts_with(BORDER) {
            at_the_border += uses.len();
            for at in uses {
                let line = at + 1;
                assert!(
                    is_explained(&text, at),
                    "{}:{line}: why is it sound?",
                    path.display()
                );
            }
        } else {
            assert!(
                uses.is_empty(),
                "{}: `unsafe` on lines {uses:?} (from 0)",
                path.display()
            );
        }
    }
    assert!(at_the_border > 0, "it is looked for where there is some");
}

#[test]
fn every_crate_forbids_it_where_the_engine_does_not_ask_for_it() {
    let mut forbidding = 0;
    for (path, text) in sources() {
        let is_root = ["src/lib.rs", "src/main.rs"]
            .iter()
            .any(|root| path.ends_with(root));
        if !is_root || path.starts_with(BORDER) || text.contains(ENTRY) {
            continue;
        }
        assert!(
            text.contains("#![forbid(unsafe_code)]"),
            "{} does not forbid unsafe code",
            path.display()
        );
        forbidding += 1;
    }
    assert!(forbidding >= 10, "there are more crates than {forbidding}");
}

// `§` is for the word, or this file would be found.
#[test]
fn what_is_unsafe_is_found_and_what_is_not_is_not() {
    for code in [
        "§ { x() }",
        "    let y = § { x() };",
        "pub § fn f() {",
        "§ extern \"C\" {",
        "§ impl Send for S {}",
        "#[§(no_mangle)]",
        "let y = §",
    ] {
        let code = code.replace('§', "unsafe");
        assert_eq!(uses(&code), [0], "{code}");
    }
    for text in [
        "#![forbid(unsafe_code)]",
        "// § { x() }",
        "policy.contains(\"unsafe\")",
        "is_unsafe(x)",
        "'unsafe-inline'",
    ] {
        let text = text.replace('§', "unsafe");
        assert_eq!(uses(&text), [0; 0], "{text}");
    }
    let explained = "// SAFETY: it is.\nx();";
    assert!(is_explained(explained, 1));
    assert!(!is_explained(&explained.replace("SAFETY: ", ""), 1));
    assert!(!is_explained("// SAFETY: it is.\n\nx();", 2));
}
