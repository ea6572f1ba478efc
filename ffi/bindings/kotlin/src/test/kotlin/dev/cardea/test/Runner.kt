package dev.cardea.test

import java.io.File
import kotlin.system.exitProcess
import org.junit.runner.Description
import org.junit.runner.JUnitCore
import org.junit.runner.Request
import org.junit.runner.manipulation.Filter
import org.junit.runner.notification.Failure
import org.junit.runner.notification.RunListener

/**
 * Runs every class below the folder `args[0]` whose name ends with `Test`, or the tests whose name contains `args[1]`, and ends
 * with a line that says how many passed, failed and were skipped.
 */
fun main(args: Array<String>) {
    val folder = File(args[0])
    val classes = folder.walk().filter { it.name.endsWith("Test.class") }.map { it.relativeTo(folder).path }.sorted().map {
        Class.forName(it.removeSuffix(".class").replace(File.separatorChar, '.'))
    }
    val report = Report()
    val core = JUnitCore()
    core.addListener(report)
    val all = Request.classes(*classes.toList().toTypedArray())
    core.run(args.getOrNull(1)?.let { all.filterWith(Named(it)) } ?: all)
    Server.stopShared()
    println("${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped")
    // Not waiting for threads that somebody left.
    exitProcess(if (report.failed == 0 && report.passed > 0) 0 else 1)
}

private class Named(private val part: String) : Filter() {
    override fun shouldRun(test: Description): Boolean =
        if (test.isTest) part in test.displayName else test.children.any(::shouldRun)

    override fun describe(): String = part
}

private class Report : RunListener() {
    var passed = 0
    var failed = 0
    var skipped = 0
    private var broken = false
    private var start = 0L

    override fun testStarted(description: Description) {
        broken = false
        start = System.nanoTime()
    }

    override fun testFailure(failure: Failure) {
        if (!broken) failed += 1
        broken = true
        println("FAILED ${failure.description.displayName}")
        println(failure.trace.lineSequence().take(30).joinToString("\n"))
    }

    override fun testAssumptionFailure(failure: Failure) {
        broken = true
        skipped += 1
        println("skipped ${failure.description.displayName}: ${failure.message}")
    }

    override fun testIgnored(description: Description) {
        skipped += 1
        println("skipped ${description.displayName}")
    }

    override fun testFinished(description: Description) {
        if (broken) return
        passed += 1
        println("ok ${(System.nanoTime() - start) / 1_000_000} ms ${description.displayName}")
    }
}
