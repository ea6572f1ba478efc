package dev.cardea.example

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Button
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.collectAsState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.unit.dp
import dev.cardea.Confirmation
import dev.cardea.DenyReason
import dev.cardea.State
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.delay

/** What the PIN that is being typed is for. */
private sealed interface Wanted {
    data class Open(val id: String) : Wanted

    data class Approve(val id: String, val confirmation: Confirmation) : Wanted
}

@Composable
fun TokensScreen(model: TokensModel) {
    val screen by model.screen.collectAsState()
    var wanted by remember { mutableStateOf<Wanted?>(null) }
    LaunchedEffect(Unit) {
        while (true) {
            delay(1.seconds)
            model.tick()
        }
    }
    Column(Modifier.padding(16.dp)) {
        screen.message?.let { TextButton(onClick = { model.read() }) { Text(it) } }
        screen.compare?.let { digits ->
            Text("Compare with the page that you enroll at:")
            Text(digits, style = MaterialTheme.typography.displayMedium)
            Button(onClick = { model.compared() }) { Text("They are the same") }
        }
        screen.invited?.let { Invited(model, "${it.host}:${it.port}", screen.busy) }
        for (token in screen.tokens) {
            TokenCard(token, screen.busy, model) { wanted = it }
        }
        wanted?.let { asked ->
            PinPad("PIN", cancel = { wanted = null }) { pin ->
                wanted = null
                when (asked) {
                    is Wanted.Open -> model.open(asked.id, pin)
                    is Wanted.Approve -> model.approve(asked.id, asked.confirmation, pin)
                }
            }
        }
        if (screen.invited == null && wanted == null) Link(model)
    }
}

@Composable
private fun TokenCard(token: TokensModel.Item, busy: Boolean, model: TokensModel, want: (Wanted) -> Unit) {
    Text(token.title, style = MaterialTheme.typography.titleLarge)
    if (token.offline) Text("No connection to its server")
    when (token.state) {
        State.OPEN -> {
            Text("Open for ${token.remaining?.inWholeSeconds ?: "?"} seconds")
            Row {
                Button(onClick = { model.close(token.id) }, enabled = !busy) { Text("Close") }
                TextButton(onClick = { want(Wanted.Open(token.id)) }, enabled = !busy) { Text("Keep open") }
            }
        }
        State.CLOSED, null -> Button(onClick = { want(Wanted.Open(token.id)) }, enabled = !busy) { Text("Open") }
        State.BLOCKED -> Text("Blocked: ask who gave you this token")
        State.NOT_ENROLLED -> {
            Text("Not enrolled any more: ask for a new link")
            Button(onClick = { model.forget(token.id) }, enabled = !busy) { Text("Remove") }
        }
    }
    TextButton(onClick = { model.refresh(token.id) }, enabled = !busy) { Text("Refresh") }
    for (confirmation in token.confirmations) {
        // The whole text, as it is: it is what is signed.
        Text(confirmation.text)
        Row {
            Button(onClick = { want(Wanted.Approve(token.id, confirmation)) }, enabled = !busy) { Text("Approve") }
            TextButton(onClick = { model.deny(token.id, confirmation, null) }, enabled = !busy) { Text("Deny") }
            TextButton(onClick = { model.deny(token.id, confirmation, DenyReason.NOT_ME) }, enabled = !busy) { Text("It was not me") }
        }
    }
}

@Composable
private fun Invited(model: TokensModel, host: String, busy: Boolean) {
    var first by remember { mutableStateOf<CharArray?>(null) }
    // What was typed once must not stay when the holder does not type it again.
    DisposableEffect(Unit) { onDispose { first?.fill('\u0000') } }
    Text("Enroll at $host?")
    val typed = first
    if (typed == null) {
        PinPad("Choose a PIN", cancel = { model.decline() }) { first = it }
    } else {
        PinPad("The same PIN again", cancel = { model.decline() }) { repeated ->
            first = null
            model.accept(typed, repeated)
        }
    }
    if (busy) Text("…")
}

@Composable
private fun Link(model: TokensModel) {
    var text by remember { mutableStateOf("") }
    OutlinedTextField(value = text, onValueChange = { text = it }, label = { Text("Enrollment link") })
    Button(onClick = {
        model.invite(text)
        text = ""
    }) { Text("Add a token") }
}

/** Digits that go straight into a [PinBuffer]: a text field would keep them in memory as text. */
@Composable
private fun PinPad(title: String, cancel: () -> Unit, done: (CharArray) -> Unit) {
    val pin = remember { PinBuffer() }
    DisposableEffect(Unit) { onDispose { pin.clear() } }
    var size by remember { mutableStateOf(0) }
    Text("$title ${"•".repeat(size)}")
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
        }) { Text("Done") }
    }
}
