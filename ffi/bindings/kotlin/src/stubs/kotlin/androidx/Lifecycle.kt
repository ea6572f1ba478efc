@file:Suppress("unused", "UNUSED_PARAMETER")

package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

open class ViewModel

open class AndroidViewModel(app: Application) : ViewModel()

val ViewModel.viewModelScope: CoroutineScope get() = throw UnsupportedOperationException("a stand-in")

interface LifecycleOwner

object Lifecycle {
    enum class State { STARTED }
}

val LifecycleOwner.lifecycleScope: CoroutineScope get() = throw UnsupportedOperationException("a stand-in")

suspend fun LifecycleOwner.repeatOnLifecycle(state: Lifecycle.State, block: suspend CoroutineScope.() -> Unit) {}
