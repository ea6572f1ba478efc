import Cardea

func quickstart(_ link: String) async throws {
    let wallet = try await Wallet.open(WalletOptions(folder: "wallet"))
    let invitation = try Invitation.fromText(text: link)
    print("enrolling at \(invitation.preview().host)")
    let token = try await wallet.enroll(invitation, NewPins("274951")).token
    let status = try await token.open(.pin("274951"))
    print("open for \(status.remainingSeconds ?? 0) seconds")
    try await token.close()
}
