package dev.cardea.example

import android.app.Application
import android.content.Intent
import android.os.Bundle
import android.os.SystemClock
import android.view.WindowManager
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.viewModels
import androidx.lifecycle.AndroidViewModel
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.lifecycleScope
import androidx.lifecycle.repeatOnLifecycle
import androidx.lifecycle.viewModelScope
import dev.cardea.android.CardeaAndroid
import kotlin.time.AbstractLongTimeSource
import kotlin.time.DurationUnit
import kotlinx.coroutines.launch

/** Goes on while the phone sleeps, as openings do; the usual monotonic time stands still then. */
private object SinceBoot : AbstractLongTimeSource(DurationUnit.NANOSECONDS) {
    override fun read(): Long = SystemClock.elapsedRealtimeNanos()
}

/** Keeps the model while the activity comes and goes. */
class TokensViewModel(app: Application) : AndroidViewModel(app) {
    val model = TokensModel(viewModelScope, SinceBoot) { CardeaAndroid.openWallet(app) }
}

/** The one screen. Enrollment links lead here (see the manifest). */
class MainActivity : ComponentActivity() {
    private val tokens: TokensViewModel by viewModels()

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        // No PIN pad in screenshots, or in the list of recent apps.
        window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
        if (savedInstanceState == null) follow(intent)
        lifecycleScope.launch { repeatOnLifecycle(Lifecycle.State.STARTED) { tokens.model.watch() } }
        setContent { TokensScreen(tokens.model) }
    }

    override fun onNewIntent(intent: Intent) {
        super.onNewIntent(intent)
        follow(intent)
    }

    private fun follow(intent: Intent?) {
        intent?.dataString?.let(tokens.model::invite)
    }
}
