plugins {
    id("com.android.application") version "8.7.3" apply false
    kotlin("android") version "2.1.20" apply false
    kotlin("plugin.compose") version "2.1.20" apply false
}
