// swift-tools-version: 6.0
import PackageDescription

// The library itself: on Apple systems the XCFramework that `cargo xtask package swift` makes, elsewhere a shared library
// that the linker is told about.
#if os(Linux)
let library = Target.systemLibrary(name: "CardeaFFI", path: "Sources/CardeaFFI")
#else
let library = Target.binaryTarget(name: "CardeaFFI", path: "CardeaFFI.xcframework")
#endif

let package = Package(
    name: "Cardea",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Cardea", targets: ["Cardea"])],
    targets: [
        library,
        // Generated from the library; what UniFFI writes is not clean in the mode of Swift 6.
        .target(
            name: "CardeaGenerated",
            dependencies: ["CardeaFFI"],
            swiftSettings: [.swiftLanguageMode(.v5)]
        ),
        .target(name: "Cardea", dependencies: ["CardeaGenerated"]),
        .testTarget(name: "CardeaTests", dependencies: ["Cardea"]),
    ],
    swiftLanguageModes: [.v6]
)
