package dev.cardea.example

/** The digits that were typed so far. They are never in a `String`, which nobody could overwrite. */
class PinBuffer {
    private val digits = CharArray(LONGEST)

    /** How many there are. */
    var size: Int = 0
        private set

    /** Appends a digit; what is none, or too many, is left out. */
    fun add(digit: Char) {
        if (digit in '0'..'9' && size < LONGEST) digits[size++] = digit
    }

    /** Removes the last digit. */
    fun remove() {
        if (size > 0) digits[--size] = '\u0000'
    }

    /** Hands the digits over and keeps none. */
    fun take(): CharArray {
        val taken = digits.copyOf(size)
        clear()
        return taken
    }

    /** Overwrites the digits. */
    fun clear() {
        digits.fill('\u0000')
        size = 0
    }

    private companion object {
        const val LONGEST = 12
    }
}
