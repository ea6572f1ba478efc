@file:Suppress("unused", "UNUSED_PARAMETER")

package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

open class ViewModel

open class AndroidViewModel(app: Application) : ViewModel()

val ViewModel.viewModelScope: CoroutineScope get() = throw UnsupportedOperationException("a stand-in")
