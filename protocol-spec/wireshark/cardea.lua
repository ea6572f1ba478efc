-- Shows the token channel in Wireshark and tshark: names frames, reads what stands in clear, and with a key log what is sealed.
-- How to install it, and what a key log is, says the README beside this file. The specification is in ../spec; numbers in
-- brackets are its chapters.
--
-- Needs Wireshark 3.6 or newer. Nothing but Lua's own library and Wireshark's: the cipher is below.

local cardea = Proto("cardea", "Cardea token channel")

local PORT = 8421
local WEB_PORT = 8420
local FRAME_MAX = 560
local TAG = 16
-- Messages that a capture may lack in a row before a session can no longer be read.
local AHEAD = 16
-- Lines of a key log that are read, and keys of one conversation and label that are tried.
local LINES_MAX = 1000000
local KEYS_MAX = 8

cardea.prefs.keylog = Pref.string("Key log", "", "A file with the keys of conversations, as the emulator writes it")

-- Numbers of 32 bits: Lua 5.2 has bit32, Wireshark brings bit for every version.
local bits = bit32 or bit
local bxor = bits.bxor
local band = bits.band
local rotate = bits.lrotate or bits.rol
local WORD = 4294967296

------------------------------------------------------------------------------------------------------------------------
-- ChaCha20-Poly1305 (RFC 8439). Keys, texts and tags are strings of bytes.

local function word(text, at)
    local a, b, c, d = text:byte(at, at + 3)
    return a + b * 256 + c * 65536 + d * 16777216
end

local function quarter(x, a, b, c, d)
    x[a] = (x[a] + x[b]) % WORD
    x[d] = rotate(bxor(x[d], x[a]), 16) % WORD
    x[c] = (x[c] + x[d]) % WORD
    x[b] = rotate(bxor(x[b], x[c]), 12) % WORD
    x[a] = (x[a] + x[b]) % WORD
    x[d] = rotate(bxor(x[d], x[a]), 8) % WORD
    x[c] = (x[c] + x[d]) % WORD
    x[b] = rotate(bxor(x[b], x[c]), 7) % WORD
end

-- A block of the stream: 64 bytes in a table. Nonces are four zero bytes and a counter [1.1].
local function block(key, nonce, counter)
    local state = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }
    for at = 1, 29, 4 do
        state[#state + 1] = word(key, at)
    end
    state[13], state[14] = counter, 0
    state[15], state[16] = nonce % WORD, math.floor(nonce / WORD)
    local x = {}
    for at = 1, 16 do
        x[at] = state[at]
    end
    for _ = 1, 10 do
        quarter(x, 1, 5, 9, 13)
        quarter(x, 2, 6, 10, 14)
        quarter(x, 3, 7, 11, 15)
        quarter(x, 4, 8, 12, 16)
        quarter(x, 1, 6, 11, 16)
        quarter(x, 2, 7, 12, 13)
        quarter(x, 3, 8, 9, 14)
        quarter(x, 4, 5, 10, 15)
    end
    local bytes = {}
    for at = 1, 16 do
        local value = (x[at] + state[at]) % WORD
        for _ = 1, 4 do
            bytes[#bytes + 1] = value % 256
            value = math.floor(value / 256)
        end
    end
    return bytes
end

-- Sixteen bytes of a text, or of a table, as ten numbers of 13 bits.
local function limbs(byte_at, from)
    local out, sum, count = {}, 0, 0
    for at = from, from + 15 do
        sum = sum + byte_at(at) * 2 ^ count
        count = count + 8
        if count >= 13 then
            out[#out + 1] = sum % 8192
            sum = math.floor(sum / 8192)
            count = count - 13
        end
    end
    out[#out + 1] = sum
    return out
end

local CLAMP = { [4] = 15, [8] = 15, [12] = 15, [16] = 15, [5] = 252, [9] = 252, [13] = 252 }

-- The tag over a text whose length is a multiple of 16, by the first block of the stream.
local function poly1305(stream, text)
    local r = limbs(function(at)
        return CLAMP[at] and band(stream[at], CLAMP[at]) or stream[at]
    end, 1)
    local h = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
    local function byte_at(at)
        return text:byte(at)
    end
    for from = 1, #text, 16 do
        local m = limbs(byte_at, from)
        m[10] = m[10] + 2048
        for at = 1, 10 do
            h[at] = h[at] + m[at]
        end
        local product, carry = {}, 0
        for i = 1, 10 do
            local sum = carry
            for j = 1, 10 do
                if j <= i then
                    sum = sum + h[j] * r[i - j + 1]
                else
                    sum = sum + 5 * h[j] * r[i - j + 11]
                end
            end
            product[i] = sum % 8192
            carry = math.floor(sum / 8192)
        end
        -- What is above 130 bits counts five times at the bottom.
        local at = 1
        carry = carry * 5
        while carry > 0 and at <= 10 do
            local sum = product[at] + carry
            product[at] = sum % 8192
            carry = math.floor(sum / 8192)
            at = at + 1
        end
        product[1] = product[1] + carry * 5
        h = product
    end
    -- Below 2^130 - 5: adding 5 tells, and takes it away.
    for _ = 1, 2 do
        local sum, carry = {}, 5
        for at = 1, 10 do
            local limb = h[at] + carry
            sum[at] = limb % 8192
            carry = math.floor(limb / 8192)
        end
        if carry > 0 then
            h = sum
        else
            break
        end
    end
    local out, sum, count, at, carry = {}, 0, 0, 1, 0
    for index = 1, 16 do
        while count < 8 do
            sum = sum + h[at] * 2 ^ count
            count = count + 13
            at = at + 1
        end
        local total = sum % 256 + stream[index + 16] + carry
        out[index] = string.char(total % 256)
        carry = math.floor(total / 256)
        sum = math.floor(sum / 256)
        count = count - 8
    end
    return table.concat(out)
end

local function padded(text)
    return text .. string.rep("\0", -#text % 16)
end

local function length_of(text)
    return string.char(#text % 256, math.floor(#text / 256), 0, 0, 0, 0, 0, 0)
end

-- What a sealed text says; nil if it does not authenticate. The last 16 bytes are its tag.
local function open(key, nonce, associated, sealed)
    local text, tag = sealed:sub(1, -TAG - 1), sealed:sub(-TAG)
    local around = padded(associated) .. padded(text) .. length_of(associated) .. length_of(text)
    if poly1305(block(key, nonce, 0), around) ~= tag then
        return nil
    end
    local out, counter = {}, 0
    local stream
    for at = 1, #text do
        local place = (at - 1) % 64
        if place == 0 then
            counter = counter + 1
            stream = block(key, nonce, counter)
        end
        out[at] = string.char(bxor(text:byte(at), stream[place + 1]))
    end
    return table.concat(out)
end

------------------------------------------------------------------------------------------------------------------------
-- The key log: LABEL EPHEMERAL KEY NONCE ASSOCIATED, one a line.

local keys = {}
local keys_of

local function unhex(text)
    return (text:gsub("%x%x", function(digits)
        return string.char(tonumber(digits, 16))
    end))
end

-- Reads the file again. What is no line of a key log is left out.
local function read_keys()
    keys, keys_of = {}, cardea.prefs.keylog
    if keys_of == nil or keys_of == "" then
        return
    end
    local file = io.open(keys_of, "r")
    if file == nil then
        return
    end
    local count = 0
    for line in file:lines() do
        count = count + 1
        if count > LINES_MAX then
            break
        end
        local label, ephemeral, key, nonce, associated = line:match("^([%u%d_]+) (%x+) (%x+) (%d+) ([%x%-]+)%s*$")
        if label and #ephemeral == 64 and #key == 64 and #nonce <= 15 and (associated == "-" or #associated == 64) then
            local name = label .. " " .. ephemeral:lower()
            local list = keys[name] or {}
            keys[name] = list
            if #list < KEYS_MAX then
                local beside = associated == "-" and "" or unhex(associated)
                list[#list + 1] = { key = unhex(key), nonce = tonumber(nonce), associated = beside }
            end
        end
    end
    file:close()
end

------------------------------------------------------------------------------------------------------------------------
-- Fields

local OPS = {
    [0x00] = "PING", [0x01] = "OPEN", [0x02] = "CLOSE", [0x03] = "STATUS", [0x04] = "SUBSCRIBE", [0x05] = "CONFIRM",
    [0x06] = "DENY", [0x08] = "RECOVER", [0x10] = "SET_PINS", [0x11] = "ROTATE", [0x12] = "UNENROLL",
    [0x13] = "KEY_RECORDS", [0x14] = "EVAL", [0x15] = "INFO", [0x16] = "DEVICES", [0x17] = "HISTORY",
    [0x18] = "RECEIPTS", [0x19] = "REVOKE_DEVICE", [0x1f] = "RESYNC", [0x40] = "PUSH_STATE",
    [0x41] = "PUSH_CONFIRMATION", [0x42] = "PUSH_KEY_RECORD", [0x43] = "PUSH_REVOKED", [0x44] = "PUSH_ATTEMPT",
}
local STATUSES = { [0] = "not enrolled", [1] = "open", [2] = "closed", [4] = "blocked" }
local CODES = {
    [0] = "done", [1] = "wrong PIN", [2] = "wait", [3] = "blocked", [4] = "not enrolled", [5] = "stale key",
    [6] = "unknown hint", [7] = "version not supported", [8] = "malformed", [9] = "overloaded",
    [10] = "enrollment code unknown, used or expired", [11] = "no such confirmation", [12] = "confirmation expired",
    [13] = "against the policy", [14] = "internal", [15] = "resync required", [16] = "stale",
}
local PLATFORMS = {
    [0] = "unknown", [1] = "Android", [2] = "iOS", [3] = "Linux", [4] = "macOS", [5] = "Windows", [6] = "bare metal",
}
local ARGON2 = { [1] = "standard", [2] = "embedded", [0x7f] = "test" }
-- Which operations somebody signs: 1 the PIN's key, 2 the device's [3.1].
local SIGNED = {
    [0x01] = 1, [0x02] = 2, [0x05] = 1, [0x06] = 2, [0x10] = 1, [0x11] = 1, [0x12] = 1, [0x19] = 1, [0x1f] = 2,
}

local f = {
    frame = ProtoField.string("cardea.frame", "Frame"),
    length = ProtoField.uint16("cardea.length", "Length"),
    from = ProtoField.string("cardea.from", "From"),
    version = ProtoField.uint8("cardea.version", "Version", base.DEC, nil, 0xf0),
    kind = ProtoField.uint8("cardea.kind", "Kind", base.DEC, { "operate", "resync", "enroll" }, 0x0f),
    epoch = ProtoField.uint8("cardea.epoch", "Epoch of the server's key"),
    hint = ProtoField.bytes("cardea.hint", "Hint"),
    enrollment = ProtoField.bytes("cardea.enrollment", "Enrollment"),
    ephemeral = ProtoField.bytes("cardea.ephemeral", "Device's ephemeral key"),
    server_ephemeral = ProtoField.bytes("cardea.server_ephemeral", "Server's ephemeral key"),
    random = ProtoField.bytes("cardea.random", "Random"),
    sealed = ProtoField.bytes("cardea.sealed", "Sealed"),
    opened = ProtoField.bool("cardea.opened", "Opened with the key log"),
    op = ProtoField.uint8("cardea.op", "Operation", base.HEX, OPS),
    op_name = ProtoField.string("cardea.op.name", "Name of the operation"),
    win = ProtoField.uint8("cardea.win", "Argument"),
    time = ProtoField.uint32("cardea.time", "Device's time"),
    declared = ProtoField.bytes("cardea.declared", "Declared attempt"),
    signature = ProtoField.bytes("cardea.signature", "Signature"),
    status = ProtoField.uint8("cardea.status", "Status", base.DEC, STATUSES),
    code = ProtoField.uint8("cardea.code", "Code", base.DEC, CODES),
    tries = ProtoField.uint8("cardea.tries", "Tries left"),
    server_time = ProtoField.uint32("cardea.server_time", "Server's time"),
    until_ = ProtoField.uint32("cardea.until", "Until"),
    aux = ProtoField.uint16("cardea.aux", "Auxiliary"),
    generation = ProtoField.uint64("cardea.generation", "Generation"),
    suite = ProtoField.uint8("cardea.suite", "Suite"),
    device_static = ProtoField.bytes("cardea.device_static", "Device's static key"),
    identity = ProtoField.bytes("cardea.identity", "Server's identity key"),
    token = ProtoField.bytes("cardea.token", "Token"),
    device = ProtoField.bytes("cardea.device", "Device"),
    argon2 = ProtoField.uint8("cardea.argon2", "Argon2id class", base.DEC, ARGON2),
    pin_min = ProtoField.uint8("cardea.pin_min", "Shortest PIN"),
    pin_max = ProtoField.uint8("cardea.pin_max", "Longest PIN"),
    policy_flags = ProtoField.uint8("cardea.policy_flags", "Flags", base.HEX),
    version_min = ProtoField.uint8("cardea.version_min", "Lowest version"),
    version_max = ProtoField.uint8("cardea.version_max", "Highest version"),
    keepalive = ProtoField.uint8("cardea.keepalive", "Keepalive"),
    key_epoch = ProtoField.uint8("cardea.key_epoch", "Epoch"),
    key = ProtoField.bytes("cardea.key", "Static key"),
    not_before = ProtoField.uint32("cardea.not_before", "Not before"),
    not_after = ProtoField.uint32("cardea.not_after", "Not after"),
    key_signature = ProtoField.bytes("cardea.key_signature", "Signature of the identity key"),
    pin_key = ProtoField.bytes("cardea.pin_key", "PIN's verification key"),
    slot_kind = ProtoField.uint8("cardea.slot_kind", "Kind of slot"),
    device_key = ProtoField.bytes("cardea.device_key", "Device's verification key"),
    proof = ProtoField.bytes("cardea.proof", "Proof"),
    device_proof = ProtoField.bytes("cardea.device_proof", "Device key's proof"),
    platform = ProtoField.uint8("cardea.platform", "Platform", base.DEC, PLATFORMS),
    sdk_version = ProtoField.bytes("cardea.sdk_version", "Version of the SDK"),
    device_flags = ProtoField.uint8("cardea.device_flags", "Flags", base.HEX),
    receipt = ProtoField.bytes("cardea.receipt", "Receipt"),
    element = ProtoField.bytes("cardea.element", "Element"),
    service = ProtoField.string("cardea.service", "Service"),
    label = ProtoField.string("cardea.label", "Label"),
    foreground = ProtoField.bytes("cardea.foreground", "Foreground"),
    background = ProtoField.bytes("cardea.background", "Background"),
    enrolled_at = ProtoField.uint32("cardea.enrolled_at", "Enrolled at"),
    last_seen = ProtoField.uint32("cardea.last_seen", "Last seen"),
    statement = ProtoField.bytes("cardea.statement", "Statement"),
    history_time = ProtoField.uint32("cardea.history.time", "Time"),
    history_op = ProtoField.uint8("cardea.history.op", "Operation", base.HEX, OPS),
    confirmation = ProtoField.bytes("cardea.confirmation", "Confirmation"),
    expires_at = ProtoField.uint32("cardea.expires_at", "Expires at"),
    relying_party = ProtoField.uint32("cardea.relying_party", "Relying party"),
    index = ProtoField.uint8("cardea.index", "Index"),
    text = ProtoField.string("cardea.text", "Text"),
}
cardea.fields = f

local e = {
    unknown = ProtoExpert.new("cardea.unknown", "No frame that may come here", expert.group.MALFORMED, expert.severity.WARN),
    no_key = ProtoExpert.new("cardea.no_key", "No key for it in the key log", expert.group.DECRYPTION, expert.severity.CHAT),
    refused = ProtoExpert.new("cardea.refused", "Does not authenticate under the keys of the key log",
        expert.group.DECRYPTION, expert.severity.WARN),
}
cardea.experts = { e.unknown, e.no_key, e.refused }

------------------------------------------------------------------------------------------------------------------------
-- Contents. Every reader is given exactly the bytes that it reads, so that none runs past an end.

local function add_time(tree, field, range)
    local item = tree:add_le(field, range)
    local seconds = range:le_uint()
    if seconds > 0 then
        item:append_text(os.date("! (%Y-%m-%d %H:%M:%S UTC)", seconds))
    end
    return item
end

local function add_op(tree, range)
    tree:add(f.op, range)
    local name = OPS[range:uint()]
    if name then
        tree:add(f.op_name, range, name):set_generated()
    end
    return range:uint(), name
end

-- Length, and text of at most `most` bytes.
local function add_text(tree, field, range, most)
    local length = math.min(range:range(0, 1):uint(), most)
    if length > 0 then
        tree:add(field, range:range(1, length), range:range(1, length):string(ENC_UTF_8))
    else
        tree:add(field, range:range(0, 1), "")
    end
end

-- 105 bytes [8].
local function add_key_record(tree, range)
    tree:add(f.key_epoch, range:range(0, 1))
    tree:add(f.key, range:range(1, 32))
    add_time(tree, f.not_before, range:range(33, 4))
    add_time(tree, f.not_after, range:range(37, 4))
    tree:add(f.key_signature, range:range(41, 64))
end

-- 70 bytes [3.2].
local function add_request(tree, range)
    local op, name = add_op(tree, range:range(0, 1))
    tree:add(f.win, range:range(1, 1))
    add_time(tree, f.time, range:range(2, 4))
    if op == 0x08 then
        tree:add(f.declared, range:range(6, 32))
    elseif SIGNED[op] then
        tree:add(f.signature, range:range(6, 64))
    end
    return name
end

-- 14 bytes [3.3].
local function add_reply(tree, range)
    local _, name = add_op(tree, range:range(0, 1))
    tree:add(f.status, range:range(1, 1))
    tree:add(f.code, range:range(2, 1))
    tree:add(f.tries, range:range(3, 1))
    add_time(tree, f.server_time, range:range(4, 4))
    add_time(tree, f.until_, range:range(8, 4))
    tree:add_le(f.aux, range:range(12, 2))
    local status, code = range:range(1, 1):uint(), range:range(2, 1):uint()
    return name, code == 0 and STATUSES[status] or CODES[code]
end

local function add_set_pins(tree, range)
    add_time(tree, f.time, range:range(2, 4))
    for slot = 0, 3 do
        tree:add(f.slot_kind, range:range(6 + slot * 33, 1))
        tree:add(f.pin_key, range:range(7 + slot * 33, 32))
    end
    tree:add(f.signature, range:range(138, 64))
end

-- 238 bytes from the device [3.4].
local function add_large_request(tree, range)
    local op, name = add_op(tree, range:range(0, 1))
    if op == 0x10 then
        add_set_pins(tree, range)
    elseif op == 0x11 then
        add_time(tree, f.time, range:range(2, 4))
        tree:add(f.device_static, range:range(6, 32))
        tree:add(f.signature, range:range(38, 64))
    elseif op == 0x19 then
        add_time(tree, f.time, range:range(2, 4))
        tree:add(f.device, range:range(6, 4))
        tree:add(f.signature, range:range(10, 64))
    elseif op == 0x14 then
        tree:add(f.element, range:range(1, 32))
    end
    return name
end

-- Up to `most` entries, each behind a byte 1.
local function add_entries(tree, range, size, most, title, add)
    for entry = 0, most - 1 do
        local one = range:range(15 + entry * size, size)
        if one:range(0, 1):uint() ~= 1 then
            return
        end
        add(tree:add(cardea, one, title .. " " .. (entry + 1)), one)
    end
end

-- 238 bytes from the server [3.4].
local function add_large_reply(tree, range)
    local op = range:range(0, 1):uint()
    if op == 0x41 then
        local _, name = add_op(tree, range:range(0, 1))
        tree:add(f.confirmation, range:range(1, 8))
        add_time(tree, f.expires_at, range:range(9, 4))
        tree:add_le(f.relying_party, range:range(13, 4))
        tree:add(f.index, range:range(17, 1))
        add_text(tree, f.text, range:range(18, 201), 200)
        return name
    elseif op == 0x42 then
        local _, name = add_op(tree, range:range(0, 1))
        add_key_record(tree, range:range(1, 105))
        return name
    end
    local name, word_for = add_reply(tree, range:range(0, 14))
    if range:range(14, 1):uint() ~= 1 then
        return name, word_for
    end
    if op == 0x13 then
        add_key_record(tree:add(cardea, range:range(15, 105), "Current key record"), range:range(15, 105))
        if range:range(120, 105):bytes():tohex():find("[^0]") then
            add_key_record(tree:add(cardea, range:range(120, 105), "Next key record"), range:range(120, 105))
        end
    elseif op == 0x15 then
        add_text(tree, f.service, range:range(15, 65), 64)
        add_text(tree, f.label, range:range(80, 65), 64)
        tree:add(f.foreground, range:range(145, 3))
        tree:add(f.background, range:range(148, 3))
    elseif op == 0x16 then
        add_entries(tree, range, 15, 8, "Device", function(branch, one)
            branch:add(f.device, one:range(1, 4))
            branch:add(f.platform, one:range(5, 1))
            branch:add(f.device_flags, one:range(6, 1))
            add_time(branch, f.enrolled_at, one:range(7, 4))
            add_time(branch, f.last_seen, one:range(11, 4))
        end)
    elseif op == 0x17 then
        add_entries(tree, range, 10, 16, "Line", function(branch, one)
            add_time(branch, f.history_time, one:range(1, 4))
            branch:add(f.history_op, one:range(5, 1))
            branch:add(f.device, one:range(6, 4))
        end)
    elseif op == 0x18 then
        tree:add(f.statement, range:range(15, 82))
        tree:add(f.signature, range:range(97, 64))
    elseif op == 0x14 then
        tree:add(f.element, range:range(15, 32))
    end
    return name, word_for
end

-- 169 bytes [4.5].
local function add_offer(tree, range)
    tree:add(f.identity, range:range(0, 32))
    add_key_record(tree:add(cardea, range:range(32, 105), "Key record"), range:range(32, 105))
    tree:add(f.token, range:range(137, 16))
    tree:add(f.device, range:range(153, 4))
    local policy = tree:add(cardea, range:range(157, 12), "Policy")
    policy:add(f.argon2, range:range(157, 1))
    policy:add(f.pin_min, range:range(158, 1))
    policy:add(f.pin_max, range:range(159, 1))
    policy:add(f.policy_flags, range:range(160, 1))
    policy:add(f.version_min, range:range(161, 1))
    policy:add(f.version_max, range:range(162, 1))
    policy:add(f.keepalive, range:range(163, 1))
end

-- 496 bytes [4.6].
local function add_keys(tree, range)
    for slot = 0, 3 do
        tree:add(f.pin_key, range:range(slot * 32, 32))
    end
    tree:add(f.device_key, range:range(128, 32))
    for slot = 0, 3 do
        tree:add(f.proof, range:range(160 + slot * 64, 64))
    end
    tree:add(f.device_proof, range:range(416, 64))
    tree:add(f.platform, range:range(480, 1))
    tree:add(f.sdk_version, range:range(481, 3))
    tree:add(f.device_flags, range:range(484, 1))
end

------------------------------------------------------------------------------------------------------------------------
-- Frames: what each is follows from its length and from what came before [2.2, 2.5]. The sealed parts: label, where from,
-- how long without the tag, and who reads them.

local function part(label, from, length, read)
    return { label = label, from = from, length = length, read = read }
end

local function read_static(tree, range)
    tree:add(f.device_static, range)
end

local function read_suite(tree, range)
    tree:add(f.suite, range)
end

local function read_receipt(tree, range)
    tree:add(f.receipt, range)
end

local function read_resync(tree, range)
    tree:add(f.hint, range:range(0, 8))
    return add_request(tree, range:range(8, 70))
end

local function read_resynced(tree, range)
    local name, word_for = add_reply(tree, range:range(0, 14))
    tree:add_le(f.generation, range:range(14, 8))
    return name, word_for
end

local FRAMES = {
    C1 = { title = "cold request", parts = { part("C1", 42, 70, add_request) } },
    S1 = { title = "cold reply", parts = { part("S1", 33, 14, add_reply) } },
    R1 = { title = "resync request", parts = { part("R1_STATIC", 34, 32, read_static), part("R1", 82, 78, read_resync) } },
    R2 = { title = "resync reply", parts = { part("R2", 33, 22, read_resynced) } },
    E1 = { title = "enrollment begins", parts = { part("E1", 41, 1, read_suite) } },
    E2 = { title = "enrollment offered", parts = { part("E2", 33, 169, add_offer) } },
    E3 = { title = "enrollment's keys", parts = { part("E3_STATIC", 0, 32, read_static), part("E3", 48, 496, add_keys) } },
    E4 = { title = "enrollment's receipt", parts = { part("SERVER", 0, 64, read_receipt) } },
    REFUSAL = { title = "enrollment refused", parts = { part("SERVER", 0, 14, add_reply) } },
    PLAIN = { title = "plain error", parts = {} },
    KEY_RECORD = { title = "key record", parts = {} },
    REQUEST = { title = "request", parts = { part("DEVICE", 0, 70, add_request) } },
    REPLY = { title = "reply or push", parts = { part("SERVER", 0, 14, add_reply) } },
    LARGE_OUT = { title = "large request", parts = { part("DEVICE", 0, 238, add_large_request) } },
    LARGE_IN = { title = "large reply or push", parts = { part("SERVER", 0, 238, add_large_reply) } },
    UNKNOWN = { title = "no frame that may come here", parts = {} },
}

local FIRST = { [0x11] = { "C1", 128, 10 }, [0x12] = { "R1", 176, 2 }, [0x13] = { "E1", 58, 9 } }
local PLAIN = { [0x85] = true, [0x86] = true, [0x87] = true, [0x89] = true, [0x8a] = true }
-- After what: of which length: what it is, and what follows.
local ANSWERS = {
    C1 = { [63] = { "S1", "session" } },
    R1 = { [71] = { "R2", "session" } },
    E1 = { [218] = { "E2", "enrolling" } },
    enrolling = { [80] = { "E4", "over" }, [30] = { "REFUSAL", "over" } },
    stale = { [105] = { "KEY_RECORD", "over" } },
    session = { [30] = { "REPLY", "session" }, [254] = { "LARGE_IN", "session" } },
}
local REQUESTS = {
    session = { [86] = "REQUEST", [254] = "LARGE_OUT" },
    enrolling = { [560] = "E3" },
}

local function first_frame(bytes)
    local first = FIRST[bytes:byte(1) or 0]
    return first and #bytes == first[2] and first or nil
end

local function name_out(conversation, bytes)
    -- No frame of a session has such a length: a conversation begins, perhaps between ports that had another one.
    local first = first_frame(bytes)
    if first then
        conversation.stage = first[1]
        conversation.ephemeral = bytes:sub(first[3] + 1, first[3] + 32)
        conversation.DEVICE, conversation.SERVER = nil, nil
        return first[1]
    end
    local stage = conversation.stage
    return REQUESTS[stage] and REQUESTS[stage][#bytes] or "UNKNOWN"
end

local function name_in(conversation, bytes)
    local stage = conversation.stage
    local asked = stage == "C1" or stage == "R1" or stage == "E1" or stage == "enrolling"
    if asked and #bytes == 63 and PLAIN[bytes:byte(1)] then
        conversation.stage = bytes:byte(1) == 0x85 and "stale" or "over"
        return "PLAIN"
    end
    local answer = ANSWERS[stage] and ANSWERS[stage][#bytes]
    if answer == nil then
        return "UNKNOWN"
    end
    conversation.stage = answer[2]
    return answer[1]
end

-- Tries what the key log has for a part. In sessions the number of the message counts on.
local function open_part(conversation, label, sealed)
    if conversation.ephemeral == nil then
        return nil, false
    end
    local found = keys[label .. " " .. conversation.ephemeral:gsub(".", function(byte)
        return string.format("%02x", byte:byte())
    end)]
    if found == nil then
        return nil, false
    end
    local counts = label == "DEVICE" or label == "SERVER"
    for _, key in ipairs(found) do
        local from = counts and (conversation[label] or 0) or key.nonce
        for nonce = from, counts and from + AHEAD or from do
            local text = open(key.key, nonce, key.associated, sealed)
            if text then
                if counts then
                    conversation[label] = nonce + 1
                end
                return text, true
            end
        end
    end
    return nil, true
end

-- Conversations by their ends: fields of other dissectors, such as the number of the stream, are not there when packets are
-- looked at for the first time. Frames that were seen, by packet and content: packets are looked at again and again, and in
-- any order, when somebody scrolls.
local conversations = {}
local seen = {}

function cardea.init()
    conversations, seen = {}, {}
    read_keys()
end

function cardea.prefs_changed()
    if keys_of ~= cardea.prefs.keylog then
        read_keys()
    end
end

local function end_of(address, port)
    return tostring(address) .. " " .. tostring(port)
end

-- What a frame is and what its parts say.
local function look(way, pinfo, bytes)
    local known = seen[pinfo.number] and seen[pinfo.number][bytes]
    if known then
        return known
    end
    local source, destination = end_of(pinfo.src, pinfo.src_port), end_of(pinfo.dst, pinfo.dst_port)
    local ends = source < destination and source .. " " .. destination or destination .. " " .. source
    local conversation = conversations[way .. ends] or { stage = "begun" }
    conversations[way .. ends] = conversation
    if conversation.device == nil and first_frame(bytes) then
        conversation.device = source
    end
    local is_out = conversation.device == source
    if conversation.device == nil then
        is_out = pinfo.dst_port == pinfo.match_uint
    end
    local name = is_out and name_out(conversation, bytes) or not is_out and name_in(conversation, bytes)
    local look_at = { name = name, is_out = is_out, texts = {} }
    for at, one in ipairs(FRAMES[name].parts) do
        local text, has_key = open_part(conversation, one.label, bytes:sub(one.from + 1, one.from + one.length + TAG))
        look_at.texts[at] = { text = text, has_key = has_key }
    end
    seen[pinfo.number] = seen[pinfo.number] or {}
    seen[pinfo.number][bytes] = look_at
    return look_at
end

-- What stands in clear.
local function add_clear(tree, range, name)
    if name == "C1" or name == "R1" or name == "E1" then
        tree:add(f.version, range:range(0, 1))
        tree:add(f.kind, range:range(0, 1))
        if name == "C1" then
            tree:add(f.epoch, range:range(1, 1))
            tree:add(f.hint, range:range(2, 8))
            tree:add(f.ephemeral, range:range(10, 32))
        elseif name == "R1" then
            tree:add(f.epoch, range:range(1, 1))
            tree:add(f.ephemeral, range:range(2, 32))
        else
            tree:add(f.enrollment, range:range(1, 8))
            tree:add(f.ephemeral, range:range(9, 32))
        end
    elseif name == "S1" or name == "R2" or name == "E2" then
        tree:add(f.server_ephemeral, range:range(1, 32))
    elseif name == "PLAIN" then
        local code = range:range(0, 1):uint() - 0x80
        tree:add(f.code, range:range(0, 1), code)
        tree:add(f.random, range:range(1, 62))
        return CODES[code]
    elseif name == "KEY_RECORD" then
        add_key_record(tree, range)
    end
    return nil
end

-- One frame without its length; `range` has at least one byte. Returns what to say of it in a line.
local function add_frame(tree, pinfo, way, range)
    local bytes = range:raw()
    local found = look(way, pinfo, bytes)
    local frame = FRAMES[found.name]
    local shown = found.name:gsub("_OUT$", ""):gsub("_IN$", "")
    tree:add(f.frame, range, shown):append_text(" (" .. frame.title .. ")")
    tree:add(f.from, range, found.is_out and "device" or "server"):set_generated()
    tree:append_text(", " .. shown)
    if found.name == "UNKNOWN" then
        tree:add_proto_expert_info(e.unknown)
        return shown
    end
    local op, word_for
    word_for = add_clear(tree, range, found.name)
    for at, one in ipairs(frame.parts) do
        local sealed = range:range(one.from, one.length + TAG)
        local branch = tree:add(f.sealed, sealed)
        local text = found.texts[at].text
        branch:add(f.opened, sealed, text ~= nil):set_generated()
        if text then
            local inner = ByteArray.new(text, true):tvb("Opened " .. one.label)
            local name, said = one.read(tree, inner:range(0, one.length))
            op, word_for = op or name, word_for or said
        else
            branch:add_proto_expert_info(found.texts[at].has_key and e.refused or e.no_key)
        end
    end
    local line = shown
    if op then
        line = line .. " " .. op
    end
    if word_for then
        line = line .. ": " .. word_for
    end
    return line
end

local function say(pinfo, line)
    pinfo.cols.info:append((tostring(pinfo.cols.info) == "" and "" or ", ") .. line)
end

-- What is no frame at all.
local function add_garbage(tree, pinfo, range, line)
    local branch = tree:add(cardea, range)
    branch:add(f.frame, range, "UNKNOWN"):append_text(" (" .. line .. ")")
    branch:add_proto_expert_info(e.unknown)
    say(pinfo, line)
end

------------------------------------------------------------------------------------------------------------------------
-- Transports [2.1]

-- The length of a frame on a stream with its prefix. Where no frame can begin, all that is left is taken as garbage.
local function frame_length(tvb, _, offset)
    local length = tvb:range(offset, 2):uint()
    if length == 0 or length > FRAME_MAX then
        return tvb:len() - offset
    end
    return 2 + length
end

local function stream_frame(tvb, pinfo, tree)
    local length = tvb:range(0, 2):uint()
    if length == 0 or length > FRAME_MAX or tvb:len() ~= length + 2 then
        add_garbage(tree, pinfo, tvb:range(), "no frame: its length is none")
        return tvb:len()
    end
    local branch = tree:add(cardea, tvb:range())
    branch:add(f.length, tvb:range(0, 2))
    say(pinfo, add_frame(branch, pinfo, "tcp ", tvb:range(2, length)))
    return tvb:len()
end

function cardea.dissector(tvb, pinfo, tree)
    if tvb:len() == 0 then
        return 0
    end
    pinfo.cols.protocol = "Cardea"
    pinfo.cols.info:clear()
    dissect_tcp_pdus(tvb, tree, 2, frame_length, stream_frame)
    return tvb:len()
end

-- A frame in a datagram, or in a message of a WebSocket.
local function whole(way)
    return function(tvb, pinfo, tree)
        if tvb:len() == 0 then
            return 0
        end
        pinfo.cols.protocol = "Cardea"
        pinfo.cols.info:clear()
        if tvb:len() > FRAME_MAX then
            add_garbage(tree, pinfo, tvb:range(), "no frame: it is too long")
            return tvb:len()
        end
        local branch = tree:add(cardea, tvb:range())
        say(pinfo, add_frame(branch, pinfo, way, tvb:range()))
        return tvb:len()
    end
end

local datagram = Proto("cardea_udp", "Cardea token channel in datagrams")
datagram.dissector = whole("udp ")
local message = Proto("cardea_ws", "Cardea token channel in WebSockets")
message.dissector = whole("ws ")

DissectorTable.get("tcp.port"):add(PORT, cardea)
DissectorTable.get("udp.port"):add(PORT, datagram)
-- Older programs have no such table.
pcall(function()
    DissectorTable.get("ws.port"):add(WEB_PORT, message)
end)
