@file:Suppress("unused", "UNUSED_PARAMETER")

package androidx.activity

import android.content.Intent
import android.os.Bundle
import android.view.Window
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ViewModel

open class ComponentActivity : LifecycleOwner {
    val intent: Intent? = null

    val window: Window = Window()

    open fun onCreate(savedInstanceState: Bundle?) {}

    open fun onNewIntent(intent: Intent) {}
}

fun <T : ViewModel> ComponentActivity.viewModels(): Lazy<T> = throw UnsupportedOperationException("a stand-in")
