package dev.cardea.example

import dev.cardea.CardeaException

/** What the holder is told when something does not succeed. Here an app has the holder's language. */
fun words(error: CardeaException): String = when (error) {
    is CardeaException.PinRejected -> when (error.triesLeft) {
        0 -> "The PIN is wrong, and the token is blocked now. Ask whoever gave it to you."
        else -> "The PIN is wrong. Tries left: ${error.triesLeft}."
    }
    is CardeaException.Wait ->
        "Too many wrong PINs: wait ${error.wait.inWholeSeconds} seconds. Tries left: ${error.triesLeft}."
    is CardeaException.Blocked ->
        error.wait?.let { "The token is blocked for ${it.inWholeSeconds} seconds." }
            ?: "The token is blocked. Ask whoever gave it to you."
    is CardeaException.NotEnrolled -> "The service does not know this device any more. Ask for a new link."
    is CardeaException.InvitationRejected -> when (error.code) {
        122 -> "Another server answered than the one that invited you. Do not go on, and report it."
        else -> "This link is none, was used or has expired. Ask for a new one."
    }
    is CardeaException.ConfirmationOver -> "This does not wait for an answer any more."
    is CardeaException.NotConfirmed -> "There was no answer: it is not known whether this was done."
    is CardeaException.Offline -> "The server cannot be reached. Nothing was done."
    is CardeaException.Busy -> "The token is in use by another program. Try again when that is done."
    is CardeaException.Refused -> when (error.code) {
        7 -> "The server speaks another version. Update this app."
        13 -> "The service does not allow this."
        16 -> "The clocks do not agree. Set the clock of this phone."
        else -> "The server refused. Try again later."
    }
    // Which rule a PIN breaks, what is wrong with the phone's storage; the rest is the app's own mistake.
    else -> error.message
}
