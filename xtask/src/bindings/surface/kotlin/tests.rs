use super::*;
use crate::bindings::changes::changes;

const SAMPLE: &str = r#"
package dev.sample

import dev.sample.ffi.Door as LowDoor

/** Says { "what": `it` is */
public enum class State(internal val code: Int) {
    OPEN(1), // not "CLOSED,
    /* nor this, */ CLOSED(2) { override fun x() {} },
    ;

    public companion object {
        public const val FIRST: Int = 1
        internal fun of(code: Int): State = entries.first { it.code == code }
    }
}

public data class Status(
    /** The state. */
    val state: State,
    val text: String? = "a, (b",
    private val own: Map<String, Int> = mapOf(),
)

public sealed class Way : AutoCloseable {
    internal abstract fun lower(wiped: MutableList<ByteArray>): LowWay

    public abstract fun name(): String

    public class Pin(digits: CharArray) : Way() {
        private val secret = Secret.pin(digits)

        override fun lower(wiped: MutableList<ByteArray>): LowWay = LowWay.Pin(secret.take().also(wiped::add))

        override fun name(): String =
            open("pin") { "x" }

        override fun close() {
            fun inner() {}
        }
    }

    public data object Ask : Way() {
        override fun lower(wiped: MutableList<ByteArray>): LowWay = LowWay.Ask
        override fun name(): String = "ask"
    }
}

public fun interface Asks {
    public suspend fun ask(
        way: Way,
        atMost: Duration = 2.minutes,
        onBreak: suspend (Exception) -> Unit = { throw it },
    ): List<Status>
}

public class Door internal constructor(internal val low: LowDoor, @Volatile public var label: String) :
    Base<Door>(low, 1), AutoCloseable by low {
    public val isOpen: Boolean get() = low.isOpen()

    public var count: Int = 0
        private set

    public val events: Flow<Event> = flow {
        val stream = low.events()
        emit(stream)
    }

    @Deprecated("go")
    @Throws(IOException::class)
    public operator fun get(at: Int): Door? = null

    public constructor(text: String) : this(LowDoor(text), text)

    init {
        val hidden = 1
    }

    internal class Inner {
        public fun seen() {}
    }
}

public typealias Doors = Map<String, Door>

public suspend inline fun <reified T : Any> List<T>.first(of: Door.Inner): T where T : Way {
    public fun nested() {}
}

public val Door.size: Int by lazy { 1 }

private class Own { public val field: Int = 1 }
internal fun whole() {}
public interface Empty
public class Plain
"#;

fn of(source: &str) -> Vec<String> {
    lines([("", source)]).into_iter().collect()
}

#[test]
fn what_is_public_is_listed_and_nothing_else() {
    let wanted = [
        "dev.sample.Asks.ask: suspend fun ask(way: Way, atMost: Duration = 2.minutes, onBreak: suspend (Exception) -> Unit = { throw it }): List<Status>",
        "dev.sample.Asks: fun interface Asks",
        "dev.sample.Door.<init>: constructor(text: String)",
        "dev.sample.Door.count: var count: Int (not settable)",
        "dev.sample.Door.events: val events: Flow<Event>",
        "dev.sample.Door.get: @Throws(IOException::class) operator fun get(at: Int): Door?",
        "dev.sample.Door.isOpen: val isOpen: Boolean",
        "dev.sample.Door.label: var label: String",
        "dev.sample.Door.size: val Door.size: Int",
        "dev.sample.Door: class Door: Base<Door>, AutoCloseable by low",
        "dev.sample.Doors: typealias Doors = Map<String, Door>",
        "dev.sample.Empty: interface Empty",
        "dev.sample.List<T>.first: suspend inline fun <reified T: Any> List<T>.first(of: Door.Inner): T where T: Way",
        "dev.sample.Plain.<init>: constructor()",
        "dev.sample.Plain: class Plain",
        "dev.sample.State.CLOSED: entry",
        "dev.sample.State.Companion.FIRST: const val FIRST: Int = 1",
        "dev.sample.State.Companion: companion object",
        "dev.sample.State.OPEN: entry",
        "dev.sample.State: enum class State",
        "dev.sample.Status.<init>: constructor(state: State, text: String? = \"a, (b\", own: Map<String, Int> = mapOf())",
        "dev.sample.Status.state: val state: State",
        "dev.sample.Status.text: val text: String?",
        "dev.sample.Status: data class Status",
        "dev.sample.Way.Ask.name: override fun name(): String",
        "dev.sample.Way.Ask: data object Ask: Way",
        "dev.sample.Way.Pin.<init>: constructor(digits: CharArray)",
        "dev.sample.Way.Pin.close: override fun close()",
        "dev.sample.Way.Pin.name: override fun name(): String",
        "dev.sample.Way.Pin: class Pin: Way",
        "dev.sample.Way.name: abstract fun name(): String",
        "dev.sample.Way: sealed class Way: AutoCloseable",
    ];
    let given = of(SAMPLE);
    for (given, wanted) in given.iter().zip(wanted) {
        assert_eq!(given, wanted);
    }
    assert_eq!(given.len(), wanted.len());
}

#[test]
fn each_change_that_apps_see_is_noticed() {
    for (before, after, what) in [
        ("way: Way,", "way: Way?,", "changed; "),
        ("= 2.minutes", "= 3.minutes", "changed; "),
        (": List<Status>", ": Set<Status>", "changed; "),
        ("public suspend fun ask", "public fun ask", "changed; "),
        ("OPEN(1),", "", "gone; "),
        ("val state: State,", "", "gone; "),
        ("val state: State,", "private val state: State,", "gone; "),
        ("val state: State,", "val more: Int = 1, val state: State,", "new; "),
        ("\"a, (b\"", "\"a, (c\"", "changed; "),
        ("public val isOpen", "internal val isOpen", "gone; "),
        ("        private set\n", "", "changed; "),
        ("public fun interface Asks", "public interface Asks", "changed; "),
        ("internal fun whole", "public fun whole", "new; "),
        ("internal abstract fun lower", "public abstract fun lower", "new; "),
        ("Door internal constructor", "Door public constructor", "new; "),
        ("public constructor(text: String)", "private constructor(text: String)", "gone; "),
        ("FIRST: Int = 1", "FIRST: Int = 2", "changed; "),
        ("public companion object", "private companion object", "gone; "),
        (": Way() {\n        private", " {\n        private", "changed; "),
        ("public class Plain", "public class Plain private constructor()", "gone; "),
    ] {
        assert!(SAMPLE.contains(before), "{before}");
        let changed = of(&SAMPLE.replacen(before, after, 1)).join("\n");
        let told = changes(&of(SAMPLE).join("\n"), &changed).unwrap_or_else(|| panic!("{before} -> {after}"));
        assert!(told.contains(what), "{before} -> {after}: {told}");
    }
}

#[test]
fn what_apps_do_not_see_may_change() {
    for (before, after) in [
        ("secret.take()", "secret.copy()"),
        ("private val secret = Secret.pin(digits)", ""),
        ("/** The state. */", "/* public val x: Int */"),
        ("way: Way,\n        atMost", "way: Way, atMost"),
        ("internal val code: Int", "private val number: Int"),
        ("internal fun whole() {}", ""),
        ("fun inner() {}", "public fun inner() {}"),
        ("@Deprecated(\"go\")", ""),
        ("low.isOpen()", "low.isOpen(\"\"\"}\"\"\")"),
    ] {
        assert!(SAMPLE.contains(before), "{before}");
        assert_eq!(of(&SAMPLE.replacen(before, after, 1)), of(SAMPLE), "{before} -> {after}");
    }
}

#[test]
fn where_something_is_to_be_had_is_told() {
    let lines = lines([("(here) ", "package a\npublic fun b() {}"), ("", "package a\npublic fun c() {}")]);
    assert_eq!(Vec::from_iter(lines), ["a.b: (here) fun b()", "a.c: fun c()"]);
}
