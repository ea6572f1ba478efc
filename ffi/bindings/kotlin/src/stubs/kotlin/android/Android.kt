// Stand-ins for the few classes of Android that the Android sources use, so that the compiler and the tests here see
// them. They are in no package that ships. Signatures as in the documentation of Android.
@file:Suppress("unused", "UNUSED_PARAMETER")

package android.os

object Build {
    object VERSION {
        /** A test may be an older device. */
        @JvmField
        var SDK_INT: Int = 35
    }

    object VERSION_CODES {
        const val P = 28
        const val R = 30
        const val UPSIDE_DOWN_CAKE = 34
    }
}

class Bundle

object SystemClock {
    /** Here nothing sleeps deeply. */
    @JvmStatic
    fun elapsedRealtimeNanos(): Long = System.nanoTime()
}
