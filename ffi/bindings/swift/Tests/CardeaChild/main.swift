// A program of its own that the tests start, kill and run beside others. Every line that it prints is something that it did.
import Cardea
import Foundation

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

/// The one token of the wallet in a folder.
func only(in folder: String) async throws -> Token {
    let wallet = try await Wallet.open(
        WalletOptions(folder: folder, allowTestArgon2: true, recoverInBackground: false, transport: .tcp))
    guard let token = try await wallet.tokens().first else { throw CancellationError() }
    return token
}

let arguments = Array(CommandLine.arguments.dropFirst())
let token = try await only(in: arguments[1])
switch arguments[0] {
case "rounds":
    // Opens and closes it so many times.
    for _ in 0..<(Int(arguments[2]) ?? 0) {
        say("\(try await token.open(.pin("274951")).state)")
        say("\(try await token.close().state)")
    }
case "open": say("\(try await token.open(.pin("274951")).state)")
case "close": say("\(try await token.close().state)")
case "change": say("\(try await token.changePin(.pin("274951"), to: NewPins("274951")).state)")
default: fatalError("nothing is named \(arguments[0])")
}
