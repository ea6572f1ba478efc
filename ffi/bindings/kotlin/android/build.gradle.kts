plugins {
    id("com.android.library")
    kotlin("android")
    `maven-publish`
}

group = "dev.cardea"
version = "0.1.0"

// `cargo xtask package kotlin` generates the Kotlin and builds the libraries before it calls Gradle.
val built = rootDir.resolve("../../../target/jvm")

android {
    namespace = "dev.cardea"
    compileSdk = 35
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("../src/android/consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    sourceSets["main"].apply {
        manifest.srcFile("../src/android/AndroidManifest.xml")
        kotlin.srcDirs("../src/main/kotlin", "../src/android/kotlin", built.resolve("generated-android"))
        jniLibs.srcDir(built.resolve("jniLibs"))
    }
    publishing { singleVariant("release") { withSourcesJar() } }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    // Older versions than 5.17 do not load where memory pages have 16 KiB.
    implementation("net.java.dev.jna:jna:5.17.0@aar")
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.8.0")
    implementation("androidx.annotation:annotation:1.9.1")
}

publishing {
    publications {
        register<MavenPublication>("release") {
            artifactId = "cardea-android"
            afterEvaluate { from(components["release"]) }
        }
    }
}
