// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Measure",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "Cardea", path: "..")],
    targets: [
        .executableTarget(name: "Measure", dependencies: [.product(name: "Cardea", package: "Cardea")])
    ],
    swiftLanguageModes: [.v6]
)
