// swift-tools-version: 6.0
import PackageDescription

#if canImport(AppleProductTypes)
import AppleProductTypes

let app: [Product] = [
    .iOSApplication(
        name: "Tokens",
        targets: ["AppModule"],
        bundleIdentifier: "dev.cardea.example",
        displayVersion: "1.0",
        bundleVersion: "1",
        supportedDeviceFamilies: [.phone, .pad],
        supportedInterfaceOrientations: [.portrait]
    )
]
let screens: [Target] = [.executableTarget(name: "AppModule", dependencies: ["TokensModel"], path: "App")]
#elseif os(Linux)
// Where there is no SwiftUI, the screens are compiled with stand-ins for what they use of it.
let app: [Product] = []
let screens: [Target] = [
    .target(name: "SwiftUI", dependencies: [.product(name: "Cardea", package: "Cardea")], path: "Stubs/SwiftUI"),
    .executableTarget(name: "AppModule", dependencies: ["TokensModel", "SwiftUI"], path: "App"),
]
#else
let app: [Product] = []
let screens: [Target] = []
#endif

let package = Package(
    name: "Tokens",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: app,
    dependencies: [.package(name: "Cardea", path: "../../bindings/swift")],
    targets: screens + [
        .target(name: "TokensModel", dependencies: [.product(name: "Cardea", package: "Cardea")]),
        .testTarget(name: "TokensModelTests", dependencies: ["TokensModel"]),
    ],
    swiftLanguageModes: [.v6]
)
