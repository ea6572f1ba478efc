//! What is done to links and to the folders of wallets.

use std::fs;
use std::path::Path;

pub(super) fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).expect("a folder can be made");
    for file in fs::read_dir(from).expect("it is there").flatten() {
        fs::copy(file.path(), to.join(file.file_name())).expect("it can be copied");
    }
}

pub(super) fn mangle(link: &str, how: &str) -> String {
    match how {
        "whole" => link.to_owned(),
        "spaced" => format!(" \n{link}\t\r\n"),
        "empty" => String::new(),
        "cut" => link[..link.len() - 8].to_owned(),
        "doubled" => format!("{link}{link}"),
        "flipped" => {
            let (rest, last) = link.split_at(link.len() - 1);
            format!("{rest}{}", if last == "A" { "B" } else { "A" })
        }
        "elsewhere" => "https://id.example/".to_owned(),
        "long" => format!("{link}{}", "A".repeat(100_000)),
        "binary" => format!("{link}\0"),
        other => panic!("no mangling: {other}"),
    }
}

pub(super) fn damage(folder: &Path, how: &str) {
    if how == "no_key" {
        fs::remove_file(folder.join("store.key")).expect("it is there");
        return;
    }
    for path in fs::read_dir(folder).expect("it is there").flatten().map(|file| file.path()) {
        if path.extension().is_some_and(|extension| extension == "token") {
            let mut bytes = fs::read(&path).expect("it can be read");
            let last = bytes.pop().expect("it is not empty");
            match how {
                "cut" => {}
                "flip" => bytes.push(last ^ 1),
                other => panic!("no damage: {other}"),
            }
            fs::write(&path, bytes).expect("it can be written");
        }
    }
}
