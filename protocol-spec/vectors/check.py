#!/usr/bin/env python3
"""A second implementation of what the vectors need, in Python and without any library.

Runs every file of this folder but the Argon2id of chapter 5 (its output is in the file) and says what it compared.
Slow, not constant-time, and good for nothing but this.
"""

import base64
import hashlib
import hmac as hmac_module
import json
import os
import struct
import sys
import unicodedata

FOLDER = os.path.dirname(os.path.abspath(__file__))
compared = 0


def same(made, expected, what):
    global compared
    compared += 1
    if made != expected:
        show = lambda value: value.hex() if isinstance(value, bytes) else repr(value)
        sys.exit(f"{what}: made {show(made)}, expected {show(expected)}")


# --- primitives ---

P = 2**255 - 19


def x25519(secret, public):
    k = int.from_bytes(secret, "little") & ~7 & ~(128 << 248) | 64 << 248
    u = int.from_bytes(public, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    out = (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")
    if out == bytes(32):
        raise ValueError("all-zero result")
    return out


def x_public(secret):
    return x25519(secret, (9).to_bytes(32, "little"))


D = -121665 * pow(121666, P - 2, P) % P
L = 2**252 + 27742317777372353535851937790883648493
I = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * I % P
    if (x * x - xx) % P or (x == 0 and sign):
        raise ValueError("no point")
    return P - x if x & 1 != sign else x


BY = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BY, 0), BY, 1, recover_x(BY, 0) * BY % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def compress(p):
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(data):
    value = int.from_bytes(data, "little")
    y, sign = value & (2**255 - 1), value >> 255
    x = recover_x(y, sign)
    return x, y, 1, x * y % P


def sha512(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def expand(seed):
    digest = hashlib.sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & ~7 & (2**254 - 1) | 2**254, digest[32:]


def ed_public(seed):
    return compress(multiply(expand(seed)[0], BASE))


def sign(seed, message):
    a, prefix = expand(seed)
    r = sha512(prefix, message) % L
    point = compress(multiply(r, BASE))
    k = sha512(point, ed_public(seed), message) % L
    return point + ((r + k * a) % L).to_bytes(32, "little")


def verify(public, message, signature):
    try:
        r, a = decompress(signature[:32]), decompress(public)
    except ValueError:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = sha512(signature[:32], public, message) % L
    return s < L and compress(multiply(s, BASE)) == compress(add(r, multiply(k, a)))


def chacha_block(key, counter, nonce):
    start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    s = list(start)

    def quarter(a, b, c, d):
        for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = s[x] + s[y] & 0xFFFFFFFF
            v = s[z] ^ s[x]
            s[z] = (v << by | v >> 32 - by) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *(a + b & 0xFFFFFFFF for a, b in zip(s, start)))


def stream(key, nonce, data):
    out = b""
    for i in range(0, len(data), 64):
        block = chacha_block(key, 1 + i // 64, nonce)
        out += bytes(a ^ b for a, b in zip(data[i : i + 64], block))
    return out


def poly1305(key, nonce, ad, text):
    block = chacha_block(key, 0, nonce)
    r = int.from_bytes(block[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    pad = lambda data: data + bytes(-len(data) % 16)
    message = pad(ad) + pad(text) + struct.pack("<QQ", len(ad), len(text))
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i : i + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(block[16:32], "little")) % 2**128).to_bytes(16, "little")


def seal(key, n, ad, text):
    nonce = bytes(4) + struct.pack("<Q", n)
    sealed = stream(key, nonce, text)
    return sealed + poly1305(key, nonce, ad, sealed)


def open_(key, n, ad, data):
    nonce = bytes(4) + struct.pack("<Q", n)
    if len(data) < 16 or poly1305(key, nonce, ad, data[:-16]) != data[-16:]:
        raise ValueError("does not authenticate")
    return stream(key, nonce, data[:-16])


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac(key, *parts):
    return hmac_module.new(key, b"".join(parts), hashlib.sha256).digest()


def derive(salt, input_, info):
    return hmac(hmac(salt or bytes(32), input_), info, b"\x01")


# --- chapter 1 ---

PATTERNS = {
    "Noise_KKpsk0_25519_ChaChaPoly_SHA256": ("both", [["psk", "e", "es", "ss"], ["e", "ee", "se"]]),
    "Noise_IK_25519_ChaChaPoly_SHA256": ("server", [["e", "es", "s", "ss"], ["e", "ee", "se"]]),
    "Noise_XKpsk3_25519_ChaChaPoly_SHA256": ("server", [["e", "es"], ["e", "ee"], ["s", "se", "psk"]]),
}


class Noise:
    def __init__(self, name, prologue, device, s=None, e=None, rs=None, psk=None):
        self.pre, self.messages = PATTERNS[name]
        self.device, self.s, self.e, self.rs, self.re, self.psk = device, s, e, rs, None, psk
        self.with_psk = "psk" in name
        name = name.encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else sha(name)
        self.ck, self.k, self.n, self.at = self.h, None, 0, 0
        self.mix_hash(prologue)
        mine = x_public(s) if s else None
        if self.pre == "both":
            self.mix_hash(mine if device else rs)
        self.mix_hash(rs if device else mine)

    def mix_hash(self, data):
        self.h = sha(self.h, data)

    def hkdf(self, input_, count):
        prk, out = hmac(self.ck, input_), [b""]
        for i in range(count):
            out.append(hmac(prk, out[-1], bytes([i + 1])))
        return out[1:]

    def mix_key(self, input_):
        (self.ck, self.k), self.n = self.hkdf(input_, 2), 0

    def token(self, token):
        if token == "psk":
            self.ck, t, self.k = self.hkdf(self.psk, 3)
            self.mix_hash(t)
            self.n = 0
        else:
            # First letter: the device's key, second: the server's.
            own = token[0] if self.device else token[1]
            other = token[1] if self.device else token[0]
            self.mix_key(x25519(self.s if own == "s" else self.e, self.rs if other == "s" else self.re))

    def encrypt(self, text):
        out = seal(self.k, self.n, self.h, text) if self.k else text
        self.n += 1
        self.mix_hash(out)
        return out

    def decrypt(self, data):
        text = open_(self.k, self.n, self.h, data) if self.k else data
        self.n += 1
        self.mix_hash(data)
        return text

    def ephemeral(self, public):
        self.mix_hash(public)
        if self.with_psk:
            self.mix_key(public)

    def write(self, payload):
        out = b""
        for token in self.messages[self.at]:
            if token == "e":
                out += x_public(self.e)
                self.ephemeral(x_public(self.e))
            elif token == "s":
                out += self.encrypt(x_public(self.s))
            else:
                self.token(token)
        self.at += 1
        return out + self.encrypt(payload)

    def read(self, message):
        for token in self.messages[self.at]:
            if token == "e":
                self.re, message = message[:32], message[32:]
                self.ephemeral(self.re)
            elif token == "s":
                self.rs, message = self.decrypt(message[:48]), message[48:]
            else:
                self.token(token)
        self.at += 1
        return self.decrypt(message)

    def split(self):
        return self.hkdf(b"", 2)


KK, IK, XK = PATTERNS


def unhex(value):
    return bytes.fromhex(value)


def load(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def chapter_1():
    data = load("01-noise.json")
    for case in data["handshakes"]:
        get = lambda name: unhex(case[name]) if case[name] else None
        common = get("prologue")
        known = case["name"] == KK
        device = Noise(case["name"], common, True, get("device_static_secret"), get("device_ephemeral_secret"),
                       get("server_static"), get("psk"))
        server = Noise(case["name"], common, False, get("server_static_secret"), get("server_ephemeral_secret"),
                       get("device_static") if known else None, get("psk"))
        for index, message in enumerate(case["messages"]):
            writer, reader = (device, server) if index % 2 == 0 else (server, device)
            made = writer.write(unhex(message["payload"]))
            same(made, unhex(message["message"]), f"{case['name']} message {index + 1}")
            same(reader.read(made), unhex(message["payload"]), "payload")
            same(reader.h, unhex(message["hash_after"]), "hash")
        k1, k2 = device.split()
        same(k1, get("device_to_server_key"), "key")
        same(k2, get("server_to_device_key"), "key")
        for line in case["transport"]:
            key = k1 if line["direction"] == "to server" else k2
            same(seal(key, line["nonce"], b"", unhex(line["plaintext"])), unhex(line["message"]), "transport")
    for point in data["refused_public_keys"]:
        try:
            x25519(b"\x01" * 32, unhex(point))
        except ValueError:
            same(True, True, "small order")
        else:
            sys.exit("a point of small order was accepted")


# --- chapters 2, 3, 4, 8 ---

OPS = {}


def chapter_10():
    data = load("10-codes.json")
    OPS.update({op["op"]: op for op in data["operations"]})
    same([code["code"] for code in data["codes"]], list(range(17)), "codes")
    same([code["code"] for code in data["codes"] if code["plain"]], [5, 6, 7, 9, 10], "plain codes")
    same([s["status"] for s in data["statuses"] if s["device_may_see"]], [0, 1, 2, 4], "statuses")


def chapter_2():
    data = load("02-frames.json")
    for case in data["first_frames"]:
        frame = unhex(case["frame"])
        if not frame:
            is_ = "length"
        elif frame[0] >> 4 != 1:
            is_ = "version"
        else:
            name, length = {0x11: ("C1", 128), 0x12: ("R1", 176), 0x13: ("E1", 58)}.get(frame[0], ("kind", len(frame)))
            is_ = name if len(frame) == length else "length"
        same(is_, case["is"], "first frame")
    for case in data["plain_frames"]:
        frame = unhex(case["frame"])
        same(len(frame) == 63 and frame[0] - 0x80 in (5, 6, 7, 9, 10), case["valid"], "plain frame")


def request_valid(cell):
    if len(cell) != 70 or cell[0] not in OPS or not OPS[cell[0]]["small_request"]:
        return False
    name, win, rest = OPS[cell[0]]["name"], cell[1], cell[6:]
    fits = {"Open": win <= 31, "Subscribe": win < 8, "Confirm": win < 3, "Deny": win & 15 < 3,
            "History": True, "Receipts": True}.get(name, win == 0)
    if name == "Recover":
        return fits and cell[2:6] == bytes(4) and not any(cell[38:])
    return fits and (OPS[cell[0]]["signer"] != "Nobody" or not any(rest))


def chapter_3():
    data = load("03-cells.json")
    for case in data["requests"]:
        cell, f = unhex(case["cell"]), case["fields"]
        made = struct.pack("<BBI", f["op"], f["win"], f["time"]) + unhex(f["signature"])
        same(made, cell, "request")
        same(request_valid(cell), True, "request")
    for case in data["invalid_requests"]:
        same(request_valid(unhex(case["cell"])), False, case["why"])
    for case in data["replies"]:
        f = case["fields"]
        made = struct.pack("<BBBBIIH", f["op"], f["status"], f["code"], f["tries"], f["server_time"], f["until"], f["aux"])
        same(made, unhex(case["cell"]), "reply")
    for case in data["invalid_replies"]:
        cell = unhex(case["cell"])
        good = len(cell) == 14 and cell[0] in OPS and cell[1] in (0, 1, 2, 4) and cell[2] < 17
        same(good, False, case["why"])
    for group in ("requests", "replies", "pushes", "invalid"):
        for case in data["large"][group]:
            same(len(unhex(case["cell"])), 238, "large cell")
    for case in data["policies"]:
        short = {"Off": 0, "Shown": 4, "Required": 12}[case["short_string"]]
        flags = case["duress"] | case["biometric"] << 1 | short
        made = bytes([case["argon2"], case["pin_min"], case["pin_max"], flags, case["version_min"], case["version_max"],
                      case["keepalive"]]) + bytes(5)
        same(made, unhex(case["bytes"]), "policy")
    for case in data["device_infos"]:
        made = bytes([case["platform"], *case["sdk_version"], case["emulated"] | case["biometric"] << 1]) + bytes(11)
        same(made, unhex(case["bytes"]), "device information")


def chapter_4():
    data = load("04-enrollment-link-and-code.json")
    for case in data["links"]:
        host = case["host"].encode()
        payload = bytes([1, case["epoch"]]) + unhex(case["id"]) + unhex(case["code"]) + unhex(case["server_key"])
        payload += struct.pack("<HB", case["port"], len(host)) + host
        text = base64.urlsafe_b64encode(payload).decode().rstrip("=")
        same("cardea:" + text, case["uri"], "link")
        same(case["https"].split("/e#")[1], text, "link")
        same(derive(b"", unhex(case["code"]), b"cardea1 enroll"), unhex(case["psk"]), "link psk")
    for case in data["codes"]:
        text = "".join(c for c in case["typed"].upper() if c not in " -").translate(str.maketrans("OIL", "011"))
        same(text[:4] + "-" + text[4:], case["text"], "code")
        same(text[:4].encode() + bytes(4), unhex(case["id"]), "code id")
        same(derive(b"", text[4:].encode(), b"cardea1 code"), unhex(case["psk"]), "code psk")


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(before + (x != y), row[j] + 1, row[j - 1] + 1)
    return row[-1]


COMMON = "121212 123123 112233 123321 654123 159753 147258 101010 131313 232323 12341234 11223344".split()


def common(pin):
    steps = {(int(b) - int(a)) % 10 for a, b in zip(pin, pin[1:])}
    return pin in COMMON or steps in ({0}, {1}, {9})


def chapter_5():
    data = load("05-pin.json")
    for case in data["keys"]:
        seed = derive(b"", unhex(case["argon2id"]), b"cardea1 pin" + unhex(case["token"]) + unhex(case["device"]))
        same(seed, unhex(case["seed"]), "PIN seed")
        same(ed_public(seed), unhex(case["key"]), "PIN key")
    for case in data["sets"]:
        pins = [case["normal"], *case["duress_pins"]]
        bad = (len(pins) > 1 and not case["duress"]) or len(pins) > 4
        bad = bad or not case["pin_min"] <= len(pins[0]) <= case["pin_max"]
        bad = bad or any(common(pin) or len(pin) != len(pins[0]) for pin in pins)
        bad = bad or any(distance(a, b) < 2 for i, a in enumerate(pins) for b in pins[i + 1 :])
        same(bad, case["refused"] is not None, f"set {pins}")
    for text in data["not_pins"]:
        same(6 <= len(text) <= 12 and all(c in "0123456789" for c in text), False, "no PIN")
    for case in load("05-biometric.json")["keys"]:
        label = b"cardea1 biometric"
        seed = derive(b"", unhex(case["secret"]), label + unhex(case["token"]) + unhex(case["device"]))
        same(seed, unhex(case["seed"]), "biometric seed")
        same(ed_public(seed), unhex(case["key"]), "biometric key")


def statement(op, win, time, generation, sequence, token, device, bind, extension=b""):
    head = b"cardea1 stmt" + struct.pack("<BBIQI", op, win, time, generation, sequence)
    return head + token + device + bind + extension


def chapter_6():
    data = load("06-statements.json")
    generation, sequence = int(data["generation"], 16), int(data["sequence"], 16)
    token, device, bind = (unhex(data[name]) for name in ("token", "device", "bind"))
    seed = unhex(data["signing_seed"])
    same(ed_public(seed), unhex(data["verification_key"]), "signing key")
    for case in data["statements"]:
        of = case["extension"]
        extension = b""
        if "text" in of:
            extension = unhex(of["confirmation_id"]) + sha(of["text"].encode())
        elif "entries" in of:
            extension = sha(unhex(of["entries"]))
        elif of:
            extension = unhex(of.get("key") or of["device"])
        made = statement(case["op"], case["win"], case["time"], generation, sequence, token, device, bind, extension)
        same(made, unhex(case["statement"]), "statement")
        same(sign(seed, made), unhex(case["signature"]), "signature")
        same(sha(made, unhex(case["signature"])), unhex(case["attempt_key"]), "attempt key")
    for case in data["operation_ids"]:
        made = sha(b"cardea1 op", unhex(case["handshake_hash"]), struct.pack("<Q", case["nonce"]))
        same(made, unhex(case["id"]), "operation id")


def showable(text):
    ranges = [(0xAD, 0xAD), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E),
              (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F)]
    return not any(unicodedata.category(c) == "Cc" or any(a <= ord(c) <= b for a, b in ranges) for c in text)


def chapter_3_7():
    data = load("11-confirmations.json")
    for case in data["texts"]:
        same(showable(unhex(case["text"]).decode()), case["showable"], case["text"])
    for case in data["replies"]:
        cell = unhex(case["cell"])
        same(struct.unpack("<H", cell[12:])[0], case["aux"], "aux")
        silent = cell[0] in (0x08, 0x1F, 0x41, 0x42, 0x43, 0x44)
        same(0 if silent else case["aux"] >> 8 & 7, case["waiting"], "what waits")
    for case in data["pushes"]:
        text = case["text"].encode()
        made = struct.pack("<B8sIIBB", 0x41, unhex(case["id"]), case["expires_at"], case["relying_party"],
                           case["index"], len(text)) + text
        same(made.ljust(238, b"\0"), unhex(case["cell"]), "push")


def record_valid(record, identity):
    if len(record) != 105:
        return False
    start, end = struct.unpack("<II", record[33:41])
    return end > start and verify(identity, b"cardea1 key" + record[:41], record[41:])


def chapter_8():
    data = load("08-key-records.json")
    seed = unhex(data["identity_seed"])
    identity = ed_public(seed)
    same(identity, unhex(data["identity"]), "identity")
    for case in data["records"]:
        body = bytes([case["epoch"]]) + unhex(case["key"]) + struct.pack("<II", case["not_before"], case["not_after"])
        same(body + sign(seed, b"cardea1 key" + body), unhex(case["record"]), "key record")
    for case in data["invalid"]:
        same(record_valid(unhex(case["record"]), identity), False, case["why"])
    for case in data["newer"]:
        same(1 <= (case["this"] - case["other"]) % 256 <= 127, case["newer"], "newer")


# --- chapter 9 ---


def enrollment(case):
    """Both sides of an enrollment; returns what they go on with."""
    get = lambda name: unhex(case[name])
    id_, psk = get("enrollment_id"), get("psk")
    prologue = b"cardea1\x13" + id_
    device = Noise(XK, prologue, True, get("device_static_secret"), get("device_ephemeral_secret"), get("server_static"), psk)
    server = Noise(XK, prologue, False, get("server_static_secret"), get("server_ephemeral_secret"), None, psk)
    e1 = b"\x13" + id_ + device.write(b"\x01")
    same(e1, get("e1"), "E1")
    server.read(e1[9:])
    offer = get("identity") + get("key_record") + get("token") + get("device") + get("policy")
    e2 = b"\0" + server.write(offer)
    same(e2, get("e2"), "E2")
    device.read(e2[1:])
    same(record_valid(get("key_record"), get("identity")), True, "key record")
    offered, static = device.h, x_public(device.s)
    e3 = get("e3")
    keys = server.read(e3)
    names = [keys[i * 32 : i * 32 + 32] for i in range(5)]
    same([name.hex() for name in names[:4]], case["verification_keys"], "verification keys")
    same(names[4], ed_public(get("device_key_seed")), "device key")
    proof = lambda slot: b"cardea1 proof" + bytes([slot]) + offered + static
    for i, slot in enumerate((0, 1, 2, 3, 255)):
        same(verify(names[i], proof(slot), keys[160 + 64 * i : 224 + 64 * i]), True, "proof")
    for i, seed in enumerate(reversed(case["random_slot_seeds"])):
        same(sign(unhex(seed), proof(3 - i)), keys[160 + 64 * (3 - i) : 224 + 64 * (3 - i)], "proof of a random slot")
    same(keys[480:], get("device_info"), "device information")
    same(device.write(keys), e3, "E3")
    k1, k2 = device.split()
    receipt = sign(get("identity_seed"), b"cardea1 receipt" + device.h + get("token") + get("device"))
    same(seal(k2, 0, b"", receipt), get("e4"), "E4")
    root = derive(b"", k1 + k2, b"cardea1 root" + offered + get("token"))
    same(root, get("root_psk"), "root")
    same(hint(root), get("hint"), "hint")
    digits = int.from_bytes(derive(b"", device.h, b"cardea1 short")[:4], "little") % 1000000
    same(f"{digits:06}", case["short_string"], "short string")
    return root, names


def hint(psk):
    return derive(b"", psk, b"cardea1 hint")[:8]


def chapter_9():
    data = load("09-enrollment.json")
    case = data["enrollment"]
    enrollment(case)
    psk = unhex(case["wrong_code"]["psk"])
    id_ = unhex(case["enrollment_id"])
    server = Noise(XK, b"cardea1\x13" + id_, False, unhex(case["server_static_secret"]),
                   unhex(case["server_ephemeral_secret"]), None, psk)
    server.read(unhex(case["e1"])[9:])
    server.write(unhex(case["e2"])[1:][32:-16] and unhex(case["identity"]) + unhex(case["key_record"])
                 + unhex(case["token"]) + unhex(case["device"]) + unhex(case["policy"]))
    try:
        server.read(unhex(case["e3"]))
    except ValueError:
        same(True, True, "wrong code")
    else:
        sys.exit("E3 opened with the secret of another code")


# --- chapter 7 ---


def chapter_7():
    data = load("07-ratchet.json")
    enrolled = data["enrollment"]
    psk, keys = enrollment(enrolled)
    static, token, device_id = (unhex(enrolled[n]) for n in ("device_static_secret", "token", "device"))
    servers = {7: unhex(enrolled["server_static_secret"])}
    sent, before, warm, resync = {}, None, None, None
    for step in data["steps"]:
        name, device, server = step["step"], step["device"], step["server"]
        if "server_static_secret" in step:
            servers[8] = unhex(step["server_static_secret"])
        same(hint(unhex(device["psk"])), unhex(device["hint"]), name)
        if before is None:
            same(unhex(device["psk"]), psk, name)
        if "op" in step:
            # The device makes a cold request, at the key that it had.
            seed = step.get("device_ephemeral_secret") or device["seed"]
            frame = unhex(step["sends"])
            sent[frame] = (unhex(before["device"]["psk"]), unhex(seed), frame[1], before["device"]["generation"])
            expected = x_public(unhex(seed)) if device["pend"] == 1 else unhex(device["declared"])
            if device["pend"] == 1:
                same(unhex(device["declared"]), expected, name)
            same(frame[:10], bytes([0x11, frame[1]]) + hint(sent[frame][0]), name)
            same(frame[10:42], x_public(unhex(seed)), name)
        if "server_ephemeral_secret" in step and "receives" in step:
            accept(step, before, sent, servers, static, token, device_id, keys, resync)
        if "verdict" in step:
            judged(step, before)
        if "cell" in step or "outcome" in step:
            k = heard[unhex(step["receives"])]
            cell, next_psk, session = k
            same(unhex(device["psk"]), next_psk, name + ": next key")
            same((device["pend"], device["declared"], device["seed"]), (0, None, None), name)
            if "cell" in step:
                same(cell, unhex(step["cell"]), name)
            else:
                aux = struct.unpack("<H", cell[12:])[0]
                same(None if aux == 0 else aux - 0x100, step["outcome"], name)
            warm = [session, 0, before["device"]["generation"] + 1]
        if name.startswith("warm: open") or name.startswith("warm: close"):
            (k1, k2, h), n, generation = warm
            cell = open_(k1, n, b"", unhex(step["sends"]))
            same(sha(b"cardea1 op", h, struct.pack("<Q", n)), unhex(step["operation_id"]), name)
            made = statement(cell[0], cell[1], struct.unpack("<I", cell[2:6])[0], generation, n, token, device_id, h)
            same(verify(keys[0] if cell[0] == 1 else keys[4], made, cell[6:]), True, name)
            if "answers" in step:
                same(made, unhex(step["statement"]), name)
                same(len(open_(k2, n, b"", unhex(step["answers"]))), 14, name)
            warm[1] += 1
        if name == "resync: allowed":
            resync = resynced(step, before, servers[8], static, token, device_id, keys[4])
        if name == "resync: confirmed":
            (k1, k2), candidate, generation = resync
            same(open_(k1, 0, b"", unhex(step["sends"])), bytes(70), name)
            same(open_(k2, 0, b"", unhex(step["answers"]))[2], 0, name)
            same((unhex(device["psk"]), device["generation"]), (candidate, generation), name)
            same((unhex(server["current"]), server["marker"], server["previous"]), (candidate, 2, None), name)
        before = step


heard = {}


def accept(step, before, sent, servers, static, token, device_id, keys, resync):
    name, row, old = step["step"], step["server"], before["server"]
    frame = unhex(step["receives"])
    psk, seed, epoch, generation = sent[frame]
    secret = servers[epoch]
    fork = hint(unhex(old["current"])) != frame[2:10]
    base = unhex(old["previous"] if fork else old["current"])
    same(base, psk, name + ": key")
    prologue = b"cardea1" + frame[:10]
    server = Noise(KK, prologue, False, secret, unhex(step["server_ephemeral_secret"]), x_public(static), psk)
    cell = server.read(frame[10:])
    device = Noise(KK, prologue, True, static, seed, x_public(secret), psk)
    same(device.write(cell), frame[10:], name + ": request")
    recovery = cell[0] == 8
    if recovery:
        same(cell[6:38].hex(), row["dead"], name + ": declared")
        same(step["statement"], None, name)
    else:
        bind = sha(prologue, x_public(secret), x_public(static), frame[10:42])
        made = statement(cell[0], cell[1], struct.unpack("<I", cell[2:6])[0], generation, 0, token, device_id, bind)
        same(made, unhex(step["statement"]), name + ": statement")
        if cell[0] in (1, 2):
            code = row["last"]["code"]
            good = any(verify(key, made, cell[6:]) for key in (keys[:4] if cell[0] == 1 else keys[4:]))
            same(good, code == 0, name + ": signature")
        same(row["last"]["id"], frame[10:42].hex(), name)
    answer = unhex(step["answers"])
    reply = device.read(answer[1:])
    same(b"\0" + server.write(reply), answer, name + ": answer")
    same(device.h, server.h, name)
    k1, k2 = device.split()
    next_psk = derive(psk, k1 + k2, b"cardea1 ratchet")
    heard[answer] = (reply, next_psk, (k1, k2, device.h))
    same(unhex(row["current"]), next_psk, name + ": next key")
    same(unhex(row["previous"]), base, name + ": previous")
    same(row["alternate"], old["current"] if fork else None, name + ": alternate")
    same(row["generation"], old["generation"] + (0 if fork else 1), name + ": generation")
    same(row["accepted"]["hash"], sha(frame).hex(), name + ": hash")
    same(row["accepted"]["kind"], "R" if recovery else "A", name)
    same(unhex(row["reply"]), answer, name)
    if recovery:
        if fork:
            outcome = old["accepted"]["outcome"]
        else:
            last = old["last"]
            outcome = last["code"] if last and last["id"] == row["dead"] else None
        same(row["accepted"]["outcome"], outcome, name + ": outcome")
        aux = struct.unpack("<H", reply[12:])[0]
        same(aux, 0 if outcome is None else 0x100 | outcome, name + ": aux")


def judged(step, before):
    row, frame = before["server"], unhex(step["receives"])
    hints = [hint(unhex(row[n])) if row[n] else None for n in ("current", "previous", "alternate")]
    if frame[2:10] not in hints or row["marker"] == 1 or step["server"]["marker"] == 1:
        verdict = "unknown hint"
    elif row["accepted"] and row["accepted"]["hash"] == sha(frame).hex():
        verdict = "repeat"
        same(step["answers"], row["reply"], step["step"])
    elif row["dead"] == frame[10:42].hex():
        verdict = "dead"
    else:
        verdict = "clone proved"
    same(verdict, step["verdict"], step["step"])
    same(step["server"], row, step["step"] + ": nothing changes")


def resynced(step, before, secret, static, token, device_id, device_key):
    r1, r2 = unhex(step["r1"]), unhex(step["r2"])
    prologue = b"cardea1" + r1[:2]
    server = Noise(IK, prologue, False, secret, unhex(step["server_ephemeral_secret"]))
    content = server.read(r1[2:])
    device = Noise(IK, prologue, True, static, unhex(step["device_ephemeral_secret"]), x_public(secret))
    same(device.write(content), r1[2:], "R1")
    same(content[:8], hint(unhex(before["device"]["psk"])), "R1 hint")
    bind = sha(prologue, x_public(secret), x_public(static), r1[2:34])
    made = statement(0x1F, 0, struct.unpack("<I", content[10:14])[0], 0, 0, token, device_id, bind)
    same(verify(device_key, made, content[14:]), True, "R1 signature")
    answer = device.read(r2[1:])
    same(b"\0" + server.write(answer), r2, "R2")
    same(struct.unpack("<H", answer[12:14])[0], 1, "R2 verdict")
    generation = struct.unpack("<Q", answer[14:])[0]
    same(generation, before["server"]["generation"] + 1, "R2 generation")
    k1, k2 = device.split()
    return (k1, k2), derive(b"", k1 + k2, b"cardea1 resync"), generation


CHAPTERS = [chapter_10, chapter_1, chapter_2, chapter_3, chapter_4, chapter_5, chapter_6, chapter_7, chapter_8, chapter_9,
            chapter_3_7]
for chapter in CHAPTERS:
    start = compared
    chapter()
    print(f"{chapter.__name__.replace('_', ' ')}: {compared - start} comparisons")
print(f"all as expected: {compared} comparisons")
