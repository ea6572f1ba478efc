pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}
rootProject.name = "cardea-example"
include(":app")
// The SDK as it is in this repository. An app of its own names `dev.cardea:cardea-android` and leaves this out.
includeBuild("../../bindings/kotlin")
