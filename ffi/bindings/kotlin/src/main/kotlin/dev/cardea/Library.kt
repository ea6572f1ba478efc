package dev.cardea

import com.sun.jna.NativeLibrary
import java.io.File
import java.lang.ref.WeakReference

/**
 * One library file serves one class loader. Two that share a file would share the functions through which the library calls
 * back, and one program's secrets and approvals would be asked of the other one.
 *
 * From the jar each class loader gets a file of its own. The same file comes about with `jna.library.path`, or with a library
 * that lies unpacked on the class path.
 */
internal object Library {
    private val claimed: Unit by lazy {
        val loader: ClassLoader = Library::class.java.classLoader
        val file: File? = NativeLibrary.getInstance("cardea_ffi", loader).file
        claim("dev.cardea.library:" + (file?.canonicalPath ?: "cardea_ffi"), loader)
    }

    /** Returns if the library is this class loader's, and loads it if need be. */
    fun own() {
        claimed
    }

    /** The system's properties are what all class loaders see. */
    private fun claim(name: String, loader: ClassLoader) = synchronized(System.getProperties()) {
        val owner = (System.getProperties()[name] as? WeakReference<*>)?.get()
        check(owner == null || owner === loader) {
            "another class loader uses this very library file: load the library from the jar, not by jna.library.path"
        }
        System.getProperties()[name] = WeakReference(loader)
    }
}
