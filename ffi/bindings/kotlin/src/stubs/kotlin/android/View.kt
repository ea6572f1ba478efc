@file:Suppress("unused", "UNUSED_PARAMETER")

package android.view

class Window {
    fun addFlags(flags: Int) {}
}

interface WindowManager {
    object LayoutParams {
        const val FLAG_SECURE: Int = 0x2000
    }
}
