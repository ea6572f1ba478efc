//! What is in an AAR.

use anyhow::{Context as _, Result};

use crate::alignment::zip;

/// Where the names of R8 rules begin.
const KEEP: &str = "-keep class dev.cardea.";

/// The manifest as it travels in an AAR. In the source the build names the package and the oldest Android.
///
/// # Errors
///
/// It is no manifest.
pub(super) fn manifest(source: &str, oldest: &str) -> Result<String> {
    let (head, body) = source.split_once("<manifest ").context("no manifest")?;
    let (attributes, body) = body.split_once(">\n").context("a manifest without an end")?;
    let sdk = format!("    <uses-sdk android:minSdkVersion=\"{oldest}\" />\n");
    Ok(format!("{head}<manifest {attributes} package=\"dev.cardea\">\n{sdk}{body}"))
}

/// What is wrong with an AAR, apart from the libraries, which the check of their alignment looks at.
///
/// # Errors
///
/// It cannot be read.
pub(super) fn wrong(aar: &[u8]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let outer = zip::contents(aar, |_| true)?;
    let file = |name: &str| outer.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes.as_slice());
    for (name, _) in &outer {
        let is_known = ["AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt"].contains(&name.as_str());
        if !is_known && !name.starts_with("jni/") {
            wrong.push(format!("{name} has no place in it"));
        }
    }
    let text = |name: &str| file(name).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    let manifest = text("AndroidManifest.xml");
    for part in ["package=\"dev.cardea\"", "android:minSdkVersion=\"", "android.permission.INTERNET"] {
        if !manifest.contains(part) {
            wrong.push(format!("the manifest is without {part}"));
        }
    }
    let classes = match file("classes.jar") {
        Some(jar) => zip::contents(jar, |name| name.ends_with(".class"))?,
        None => Vec::new(),
    };
    let has = |name: &str| classes.iter().any(|(class, _)| class == name);
    for name in ["Wallet", "ffi/Wallet", "android/CardeaAndroid", "android/KeystoreKeys"] {
        if !has(&format!("dev/cardea/{name}.class")) {
            wrong.push(format!("the class {name} is missing"));
        }
    }
    // Those of Android are on the phone, and those of larger libraries would not find their functions.
    for (name, _) in &classes {
        let is_full = ["RelyingParty", "Pictures", "Codes", "Keyring"].iter().any(|class| name.contains(class));
        // What comes out of it as an error is known everywhere.
        if !name.starts_with("dev/cardea/") || is_full && !name.contains("Exception$RelyingParty") {
            wrong.push(format!("{name} does not belong in it"));
        }
    }
    let rules = text("proguard.txt");
    let kept: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix(KEEP)).collect();
    if kept.is_empty() {
        wrong.push("R8 is not told what to keep".to_owned());
    }
    for name in kept {
        let package = name.split_once("**").map_or(name, |(package, _)| package).replace('.', "/");
        if !classes.iter().any(|(class, _)| class.starts_with(&format!("dev/cardea/{package}"))) {
            wrong.push(format!("R8 is told to keep dev.cardea.{name}, which is not there"));
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alignment::tests::zip as archive;

    const SOURCE: &str = "<?xml version=\"1.0\"?>\n<manifest xmlns:android=\"x\">\n    <uses-permission \
                          android:name=\"android.permission.INTERNET\" />\n</manifest>\n";
    const RULES: &str = "# rules\n-keep class com.sun.jna.** { *; }\n-keep class dev.cardea.ffi.** { *; }\n";
    const CLASSES: [&str; 5] = [
        "dev/cardea/Wallet.class",
        "dev/cardea/ffi/Wallet.class",
        "dev/cardea/android/CardeaAndroid.class",
        "dev/cardea/android/KeystoreKeys.class",
        "dev/cardea/CardeaException$RelyingParty.class",
    ];

    fn jar(classes: &[&str]) -> Vec<u8> {
        archive(&classes.iter().map(|name| (*name, b"class".as_slice())).collect::<Vec<_>>())
    }

    fn found(files: &[(&str, &[u8])]) -> String {
        wrong(&archive(files)).unwrap().join("; ")
    }

    #[test]
    fn the_manifest_says_whose_it_is_and_for_which_android() {
        let made = manifest(SOURCE, "24").unwrap();
        assert!(made.contains("<manifest xmlns:android=\"x\" package=\"dev.cardea\">\n"), "{made}");
        assert!(made.contains("minSdkVersion=\"24\"") && made.ends_with("</manifest>\n"), "{made}");
        assert!(manifest("<nothing>", "24").is_err());
    }

    #[test]
    fn what_is_missing_or_does_not_belong_in_an_aar_is_named() {
        let (manifest, classes) = (manifest(SOURCE, "24").unwrap(), jar(&CLASSES));
        let good = [
            ("AndroidManifest.xml", manifest.as_bytes()),
            ("classes.jar", classes.as_slice()),
            ("proguard.txt", RULES.as_bytes()),
            ("R.txt", b"".as_slice()),
            ("jni/x86_64/libcardea_ffi.so", b"library"),
        ];
        assert_eq!(found(&good), "");
        for (index, word) in [(0, "manifest"), (1, "class Wallet is missing"), (2, "R8")] {
            let mut less = good.to_vec();
            less.remove(index);
            assert!(found(&less).contains(word), "{}", found(&less));
        }
        let with = |classes: &[u8]| found(&[good[0], ("classes.jar", classes), good[2], ("META-INF/x", b"")]);
        let stubs = with(&jar(&[CLASSES.as_slice(), &["android/os/Build.class"]].concat()));
        assert!(stubs.contains("android/os/Build.class does not belong"), "{stubs}");
        assert!(stubs.contains("META-INF/x has no place"), "{stubs}");
        let full = with(&jar(&[CLASSES.as_slice(), &["dev/cardea/RelyingParty.class"]].concat()));
        assert!(full.contains("dev/cardea/RelyingParty.class does not belong"), "{full}");
        let renamed = with(&jar(&[CLASSES[0]]));
        assert!(renamed.contains("keep dev.cardea.ffi.** { *; }, which is not there"), "{renamed}");
        assert!(wrong(b"no archive").is_err());
    }
}
