@file:Suppress("unused")

package android.system

import java.lang.ref.Cleaner

object SystemCleaner {
    private val cleaner = Cleaner.create()

    @JvmStatic
    fun cleaner(): Cleaner = cleaner
}
