plugins {
    id("com.android.library") version "8.7.3" apply false
    kotlin("android") version "2.1.20" apply false
}
