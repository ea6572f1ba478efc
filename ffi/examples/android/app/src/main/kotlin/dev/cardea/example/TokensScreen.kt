package dev.cardea.example

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.key
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import dev.cardea.Confirmation
import dev.cardea.DenyReason
import dev.cardea.State

/** What the PIN that is being typed is for: to open the token, or to approve a text of it. */
private data class Wanted(val token: String, val confirmation: Confirmation? = null)

@Composable
fun TokensScreen(model: TokensModel) {
    val screen by model.screen.collectAsState()
    var wanted by remember { mutableStateOf<Wanted?>(null) }
    Column(Modifier.verticalScroll(rememberScrollState()).padding(16.dp)) {
        screen.message?.let { TextButton(onClick = { model.read() }) { Text(it) } }
        screen.compare?.let { key(it) { Digits(it, model) } }
        screen.invited?.let { key(it.invitation) { Invited(it, screen.busy, model) } }
        for (token in screen.tokens) {
            key(token.id) { TokenCard(token, wanted, { wanted = it }, model) }
        }
        val failure = screen.failure
        when {
            !screen.loading -> if (screen.invited == null && wanted == null) Link(model)
            failure == null -> Text("One moment…")
            else -> {
                Text(failure)
                Wide("Try again", true) { model.again() }
            }
        }
    }
}

@Composable
private fun TokenCard(token: TokensModel.Item, wanted: Wanted?, want: (Wanted?) -> Unit, model: TokensModel) {
    val tries = token.triesLeft?.let { " (tries left: $it)" } ?: ""
    val free = !token.busy
    Text(token.title, style = MaterialTheme.typography.titleLarge)
    if (token.offline) Text("No connection to its server. This is how it was:")
    when (token.state) {
        State.OPEN -> Text(token.remaining?.let { "Open for ${it.inWholeSeconds} seconds" } ?: "Open")
        State.CLOSED -> Text("Closed")
        State.BLOCKED -> Text("Blocked. Ask whoever gave it to you.")
        State.NOT_ENROLLED -> Text("Not enrolled: ask for a new link. If six digits are still to be confirmed on the page, do that first.")
        null -> Text("It is not known whether it is open. If it is, it stays so until its time is over.")
    }
    if (wanted == Wanted(token.id)) {
        PinPad("PIN$tries", free, cancel = { want(null) }) {
            want(null)
            model.open(token.id, it)
        }
    } else if (token.state == State.OPEN || token.state == State.CLOSED || token.state == null) {
        Wide(if (token.state == State.OPEN) "Keep open" else "Open", free) { want(Wanted(token.id)) }
    }
    if (token.state == State.OPEN || token.state == null) Wide("Close", free) { model.close(token.id) }
    if (token.state == State.NOT_ENROLLED) Wide("Remove", free) { model.forget(token.id) }
    TextButton(onClick = { model.refresh(token.id) }, enabled = free) { Text("Refresh") }
    for (confirmation in token.confirmations) {
        key(confirmation.id) {
            // The whole text, as it is: it is what is signed.
            Text(confirmation.text)
            if (wanted == Wanted(token.id, confirmation)) {
                PinPad("PIN to approve this$tries", free, cancel = { want(null) }) {
                    want(null)
                    model.approve(token.id, confirmation, it)
                }
            } else {
                Wide("Approve", free) { want(Wanted(token.id, confirmation)) }
                Wide("Deny", free) { model.deny(token.id, confirmation, null) }
                Wide("Deny: I did not start this", free) { model.deny(token.id, confirmation, DenyReason.NOT_ME) }
            }
        }
    }
}

@Composable
private fun Digits(compare: TokensModel.Compare, model: TokensModel) {
    var differs by remember { mutableStateOf(false) }
    Text("Does the page that the link came from show these digits?")
    Text(compare.digits, style = MaterialTheme.typography.displayMedium)
    if (compare.required) Text("The token cannot be used before you have confirmed them on that page.")
    if (differs) {
        PinPad("Somebody stands in between. Your PIN gives the token up", true, cancel = { differs = false }) {
            differs = false
            model.differ(compare, it)
        }
    } else {
        Wide("They are the same", true) { model.same() }
        Wide("They differ", true) { differs = true }
    }
}

/** To be keyed by the invitation: what was typed for one must not go to another. */
@Composable
private fun Invited(invited: TokensModel.Invited, busy: Boolean, model: TokensModel) {
    var first by remember { mutableStateOf<CharArray?>(null) }
    // What was typed once must not stay when the holder does not type it again.
    DisposableEffect(Unit) { onDispose { first?.fill('\u0000') } }
    Text("Add a token of")
    Text(invited.invitation.preview.let { "${it.host}:${it.port}" }, style = MaterialTheme.typography.displayMedium)
    val policy = invited.policy
    val typed = first
    if (policy == null) {
        Wide("Go on", !busy) { model.consider(invited) }
        Wide("Not now", !busy) { model.decline() }
    } else if (typed == null) {
        val digits = if (policy.pinMin == policy.pinMax) "${policy.pinMin}" else "${policy.pinMin} to ${policy.pinMax}"
        PinPad("Choose a PIN of $digits digits", !busy, cancel = { model.decline() }) { first = it }
    } else {
        PinPad("The same PIN again", !busy, cancel = { model.decline() }) {
            first = null
            model.accept(invited, typed, it)
        }
    }
    if (busy) Text("One moment…")
}

@Composable
private fun Link(model: TokensModel) {
    var text by remember { mutableStateOf("") }
    OutlinedTextField(value = text, onValueChange = { text = it }, label = { Text("Enrollment link") })
    Wide("Add a token", true) {
        model.invite(text)
        text = ""
    }
}

/** As large as every other one: a choice is the holder's. */
@Composable
private fun Wide(text: String, enabled: Boolean, click: () -> Unit) {
    Button(onClick = click, modifier = Modifier.fillMaxWidth(), enabled = enabled) { Text(text) }
}

/** Digits that go straight into a [PinBuffer]: a text field would keep them in memory as text. */
@Composable
private fun PinPad(title: String, enabled: Boolean, cancel: () -> Unit, done: (CharArray) -> Unit) {
    val pin = remember { PinBuffer() }
    DisposableEffect(Unit) { onDispose { pin.clear() } }
    var size by remember { mutableStateOf(0) }
    Text("$title: ${"•".repeat(size)}")
    for (row in listOf("123", "456", "789", "0")) {
        Row {
            for (digit in row) {
                TextButton(onClick = {
                    pin.add(digit)
                    size = pin.size
                }) { Text(digit.toString()) }
            }
        }
    }
    Row {
        TextButton(onClick = {
            pin.remove()
            size = pin.size
        }) { Text("Back") }
        TextButton(onClick = { cancel() }) { Text("Cancel") }
        Button(onClick = {
            size = 0
            done(pin.take())
        }, enabled = enabled) { Text("Enter") }
    }
}
