package dev.cardea.test

import java.io.File
import kotlinx.coroutines.runBlocking
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Plays the scenarios that all languages play: every page in the folder. */
@RunWith(Parameterized::class)
class ConformanceTest(@Suppress("unused") private val name: String, private val scenario: Scenario) {
    @Test
    fun scenario(): Unit = runBlocking {
        Player(this).use { player ->
            player.begin()
            for (step in scenario.steps) {
                val outcome = player.play(step.words)
                assertTrue(holds(outcome, step.expected), "$step came out as $outcome, not ${step.expected ?: "a success"}")
            }
        }
    }

    companion object {
        @JvmStatic
        @Parameterized.Parameters(name = "{0}")
        fun all(): List<Array<Any>> =
            checkNotNull(File(System.getenv("CARDEA_SCENARIOS")).listFiles { file -> file.name.endsWith(".txt") }).sorted()
                .flatMap(::scenarios).map { arrayOf(it.name, it) }
    }
}

/** Reading the scenarios. */
class ScenarioFileTest {
    @Test
    fun `quoted arguments go on to the last quotation mark`() {
        assertEquals(listOf("ask", "joe", "a \"b\" c", "30"), words("ask joe \"a \"b\" c\" 30"))
        assertEquals(listOf("open", "joe", "274951"), words("open joe 274951"))
    }

    @Test
    fun `steps keep what is expected of them`() {
        val file = File.createTempFile("scenarios", ".txt")
        file.writeText("# comment\n\nscenario one or two\nask joe \"a -> b\" -> ok\ncheck joe -> 2\nopen joe 1\n")
        val (scenario) = scenarios(file)
        file.delete()
        assertEquals("one or two", scenario.name)
        assertEquals(listOf("ok", "2", null), scenario.steps.map { it.expected })
        assertEquals("a -> b", scenario.steps[0].arguments[1])
    }

    @Test
    fun `an error is no success and another number is another outcome`() {
        assertTrue(holds("open", "ok") && holds("open", null) && holds("open", "open"))
        assertTrue(!holds("error 102", "ok") && !holds("error 102", null) && !holds("1", "2"))
    }

    @Test
    fun `objects of an array are told apart, whatever is in them`() {
        val items = listOf("""{"a":"}]\"{"}""", "{}", """{"b":{"c":[1,{}]}}""")
        assertEquals(items, objects("""{"n":1,"items":[${items.joinToString(" , ")}],"more":[{}]}"""))
        assertEquals(emptyList(), objects("""{"items":[]}"""))
    }
}
