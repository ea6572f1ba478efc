package dev.cardea.test

import java.io.File

/** A step: a verb, its arguments, and what it has to come out as (none: it has to succeed). */
class Step(val line: Int, val words: List<String>, val expected: String?) {
    val verb: String get() = words[0]
    val arguments: List<String> get() = words.drop(1)

    override fun toString(): String = "line $line: ${words.joinToString(" ")}"
}

class Scenario(val name: String, val steps: List<Step>)

/** Reads scenarios in the form that `ffi/conformance/README.md` describes. */
fun scenarios(file: File): List<Scenario> {
    val found = mutableListOf<Pair<String, MutableList<Step>>>()
    file.readLines().forEachIndexed { index, line ->
        when {
            line.isBlank() || line.startsWith("#") -> {}
            line.startsWith("scenario ") -> found += line.removePrefix("scenario ") to mutableListOf()
            else -> {
                val (name, steps) = checkNotNull(found.lastOrNull()) { "line ${index + 1}: a step before any scenario" }
                check(name.isNotBlank()) { "line ${index + 1}: a scenario without a name" }
                val arrow = line.lastIndexOf(" -> ")
                val step = if (arrow < 0) line else line.substring(0, arrow)
                steps += Step(index + 1, words(step), if (arrow < 0) null else line.substring(arrow + 4))
            }
        }
    }
    return found.map { (name, steps) -> Scenario(name, steps) }
}

/** Words with one space between; one that begins with a quotation mark goes on to the last one. */
fun words(line: String): List<String> {
    val quote = line.indexOf(" \"")
    if (quote < 0) return line.split(" ")
    val end = line.lastIndexOf('"')
    check(end > quote + 1) { "no second quotation mark: $line" }
    val after = line.substring(end + 1).trim()
    return line.substring(0, quote).split(" ") + line.substring(quote + 2, end) + if (after.isEmpty()) emptyList() else after.split(" ")
}
