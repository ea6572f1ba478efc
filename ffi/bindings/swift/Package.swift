// swift-tools-version: 6.0
import Foundation
import PackageDescription

/// Whether the package has this folder or file. What is shipped has no tests, and with the library for phones not what its
/// features would bring.
func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: Context.packageDirectory + "/" + path)
}

// The library itself: on Apple systems the XCFramework that `cargo xtask package swift` makes, elsewhere a shared library
// that the linker finds by pkg-config or is told about.
#if os(Linux)
let library = Target.systemLibrary(name: "CardeaFFI", path: "Sources/CardeaFFI", pkgConfig: "cardea_ffi")
#else
let library = Target.binaryTarget(name: "CardeaFFI", path: "CardeaFFI.xcframework")
#endif

var products: [Product] = [.library(name: "Cardea", targets: ["Cardea"])]
var targets: [Target] = [
    library,
    // Generated from the library; what UniFFI writes is not clean in the mode of Swift 6.
    .target(name: "CardeaGenerated", dependencies: ["CardeaFFI"], swiftSettings: [.swiftLanguageMode(.v5)]),
    .target(name: "Cardea", dependencies: ["CardeaGenerated"]),
]
if has("Sources/CardeaFull") {
    products.append(.library(name: "CardeaFull", targets: ["CardeaFull"]))
    targets.append(.target(name: "CardeaFull", dependencies: ["Cardea"]))
}
if has("Tests") {
    targets += [
        // A program of its own, for what happens between programs.
        .executableTarget(name: "CardeaChild", dependencies: ["Cardea"], path: "Tests/CardeaChild"),
        .testTarget(name: "CardeaTests", dependencies: ["CardeaFull", "CardeaChild", "CardeaFFI"]),
    ]
}

let package = Package(
    name: "Cardea",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: products,
    targets: targets,
    swiftLanguageModes: [.v6]
)
