//! What Maven and Gradle read of a package.

/// A package, and what it needs beside it.
pub(super) struct Package {
    /// Its name within the group `dev.cardea`.
    artifact: &'static str,
    /// `jar` or `aar`.
    packaging: &'static str,
    /// Group, name, version, kind.
    needs: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

/// The standard library of the compiler that makes the classes, and the coroutines that the tests run with.
const STDLIB: (&str, &str, &str, &str) = ("org.jetbrains.kotlin", "kotlin-stdlib", "2.4.20", "jar");
const COROUTINES: &str = "1.8.0";
/// Older ones do not load where memory pages have 16 KiB.
const JNA: &str = "5.17.0";

pub(super) const JAR: Package = Package {
    artifact: "cardea",
    packaging: "jar",
    needs: &[
        STDLIB,
        ("org.jetbrains.kotlinx", "kotlinx-coroutines-core-jvm", COROUTINES, "jar"),
        ("net.java.dev.jna", "jna", JNA, "jar"),
    ],
};

pub(super) const AAR: Package = Package {
    artifact: "cardea-android",
    packaging: "aar",
    needs: &[
        STDLIB,
        ("org.jetbrains.kotlinx", "kotlinx-coroutines-core-jvm", COROUTINES, "jar"),
        // With its native part for Android, which the jar is without.
        ("net.java.dev.jna", "jna", JNA, "aar"),
        ("androidx.annotation", "annotation-jvm", "1.9.1", "jar"),
    ],
};

/// The POM of a package in a version.
pub(super) fn of(package: &Package, version: &str) -> String {
    let dependencies: String = package
        .needs
        .iter()
        .map(|(group, artifact, version, kind)| {
            let kind = if *kind == "jar" { String::new() } else { format!("      <type>{kind}</type>\n") };
            format!(
                "    <dependency>\n      <groupId>{group}</groupId>\n      <artifactId>{artifact}</artifactId>\n      \
                 <version>{version}</version>\n{kind}      <scope>compile</scope>\n    </dependency>\n"
            )
        })
        .collect();
    let Package { artifact, packaging, .. } = package;
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.cardea</groupId>
  <artifactId>{artifact}</artifactId>
  <version>{version}</version>
  <packaging>{packaging}</packaging>
  <name>Cardea</name>
  <description>Tokens that their holder opens and closes</description>
  <licenses>
    <license>
      <name>Apache-2.0</name>
    </license>
    <license>
      <name>MIT</name>
    </license>
  </licenses>
  <dependencies>
{dependencies}  </dependencies>
</project>
"#
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::jvm::FOLDER;

    #[test]
    fn the_pom_names_everything_that_the_package_needs() {
        for package in [JAR, AAR] {
            let pom = of(&package, "1.2.3");
            for (group, artifact, version, kind) in package.needs {
                let named = format!(
                    "<groupId>{group}</groupId>\n      <artifactId>{artifact}</artifactId>\n      <version>{version}<"
                );
                assert!(pom.contains(&named), "{pom}");
                assert!(*kind == "jar" || pom.contains(&format!("<type>{kind}</type>")), "{pom}");
            }
            let named = format!("<artifactId>{}</artifactId>\n  <version>1.2.3</version>", package.artifact);
            assert!(pom.contains(&named), "{pom}");
            let opened = pom.matches('<').count() - 1;
            assert_eq!(opened % 2, 0, "every element is closed: {pom}");
        }
    }

    #[test]
    fn the_standard_library_is_that_of_the_compiler_and_gradle_asks_for_the_same_versions() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
        let compiler = fs::read_to_string(folder.join("toolchain/package.json")).unwrap();
        assert!(compiler.contains(&format!("\"kotlin-compiler\": \"{}\"", STDLIB.2)), "{compiler}");
        let gradle = fs::read_to_string(folder.join("android/build.gradle.kts")).unwrap();
        for named in [format!("jna:{JNA}@aar"), format!("kotlinx-coroutines-core:{COROUTINES}")] {
            assert!(gradle.contains(&named), "{named}");
        }
        for (_, _, version, _) in AAR.needs.iter().filter(|(group, ..)| group.starts_with("androidx")) {
            assert!(gradle.contains(&format!("annotation:{version}")), "{version}");
        }
    }
}
