@file:Suppress("unused")

package android.content

import java.io.File

open class Context(open val noBackupFilesDir: File)

open class Intent {
    var dataString: String? = null
}
