//! What to type, for each command. The tests hold them to the command line.

/// What belongs to a command: lines, and what they do.
type Lines = &'static [(&'static str, &'static str)];

/// For each command its lines, without the name of the program.
pub(in super::super) const EXAMPLES: &[(&str, Lines)] = &[
    #[cfg(feature = "window")]
    ("window", &[("window", "devices to look at and to click; starts an emulator where none runs")]),
    #[cfg(feature = "terminal")]
    (
        "terminal",
        &[
            ("terminal", "the same in a terminal; ? has the keys"),
            ("terminal --once --width 100 --height 30", "print one picture, for tests and documents"),
        ],
    ),
    (
        "enroll",
        &[
            ("enroll -", "read the link from standard input, where nobody else sees it, then ask for a new PIN"),
            ("enroll --qr screenshot.png", "read the link from a picture of its QR code"),
            #[cfg(feature = "window")]
            ("enroll --qr screen", "look for the QR code on the screen; clipboard: what was copied"),
            ("enroll 8XDJ-CEH1GP --host id.example", "a code that is typed, of a server"),
            ("enroll - --label door --duress", "call it door, and choose duress PINs, too"),
        ],
    ),
    (
        "open",
        &[
            ("open", "the only token, until its window ends"),
            ("open door --for 1m", "the one called door, for at most a minute"),
            ("open --pin-file pin.txt", "with the PIN in a file, for scripts"),
        ],
    ),
    ("close", &[("close door", "the token called door")]),
    ("toggle", &[("toggle", "close what is open, open what is closed")]),
    (
        "status",
        &[
            ("status", "what the server says now"),
            ("status --exit-state --json", "for scripts: exit code 0 open, 10 not open, anything else: nobody knows"),
        ],
    ),
    ("list", &[("list --json", "the tokens of this device, for programs")]),
    (
        "wait",
        &[
            ("wait \"state == 'open'\"", "until it is open, ten seconds at most; exit code 3 if it is not"),
            ("wait \"prompt == 'open'\" --timeout 2m", "until the holder is asked for the PIN"),
            ("wait --all \"phone.state == 'open' && tablet.online\"", "of several devices"),
        ],
    ),
    ("watch", &[("watch --json", "a line of JSON for everything that happens, until Ctrl-C")]),
    ("confirmations", &[("confirmations", "the texts that wait, with their ids")]),
    ("approve", &[("approve", "the text that waits, with the PIN"), ("approve --id 7f3a", "one of several")]),
    ("deny", &[("deny --reason not-me", "and tell the relying party why")]),
    ("info", &[("info door", "what the service calls itself and the holder")]),
    ("devices", &[("devices", "all devices of the token, with their ids")]),
    ("history", &[("history", "the newest sixteen lines"), ("history --page 1", "the sixteen before")]),
    ("label", &[("label door", "the only token is called door from now on"), ("label gate 4f2a", "one of several")]),
    ("change-pin", &[("change-pin", "asks for the current PIN, then twice for the new one")]),
    ("set-duress", &[("set-duress door", "asks for the current PIN, then for up to three duress PINs")]),
    ("revoke-device", &[("revoke-device 1a2b3c4d", "the other device, by its id in `devices`")]),
    (
        "unenroll",
        &[
            ("unenroll door", "tell the server, with the PIN"),
            ("unenroll door --local", "forget it here, when the server is gone"),
        ],
    ),
    (
        "run",
        &[
            ("run --ephemeral --http", "in memory, on a free port: for a test suite, which reads the line it prints"),
            ("run --ephemeral --http --lease 60 --exit-with-parent", "and nothing is left behind by a killed suite"),
            ("run --allow-faults", "things may go wrong on purpose, towards servers on this machine"),
        ],
    ),
    (
        "up",
        &[
            ("up", "in the background, with the devices of the state folder"),
            ("--instance ci up --http", "another one beside it, which answers HTTP, too"),
        ],
    ),
    ("down", &[("down", "the one that `up` started")]),
    ("ps", &[("ps --json", "all emulators of this user, and where they are called")]),
    (
        "session new",
        &[("session new checkout --seed 7 --lease 60s", "the same chance each time; gone after a quiet minute")],
    ),
    ("session list", &[("session list", "their names")]),
    ("session show", &[("session show checkout", "its seed, time and devices")]),
    ("session end", &[("session end checkout", "its devices, faults and journal are gone")]),
    (
        "device new",
        &[
            ("device new phone", "without a token yet"),
            ("device new phone --enroll - --watch", "enrolled with a link from standard input, and hearing its server"),
        ],
    ),
    ("device list", &[("device list", "each with how its token stands")]),
    ("device listen", &[("-d phone device listen", "keep a connection, and hear what servers say unasked")]),
    ("device rest", &[("-d phone device rest", "keep none any more")]),
    ("device show", &[("device show phone --json", "all that `wait` can ask for")]),
    (
        "device rm",
        &[("device rm phone", "asks first: its tokens go with it"), ("device rm phone --yes", "for scripts")],
    ),
    ("device clone", &[("device clone phone evil", "use both, and see what the server makes of it")]),
    ("device rename", &[("device rename phone telephone", "the same device by another name")]),
    ("device reset", &[("device reset phone --yes", "no token, and a holder, a network and a clock as all have them")]),
    (
        "device export",
        &[
            ("device export phone phone.json", "sealed with a passphrase, which is asked for"),
            ("device export phone phone.json --insecure-plain", "for fixtures: whoever reads it has its tokens"),
        ],
    ),
    ("device import", &[("device import phone.json --name second", "under another name than it had")]),
    ("snap save", &[("snap save baseline", "what all devices of the session are now")]),
    ("snap load", &[("snap load baseline --yes", "before each test")]),
    ("snap list", &[("snap list", "each with when it was taken")]),
    ("snap diff", &[("snap diff baseline", "what is different now"), ("snap diff one two", "in two snapshots")]),
    ("snap rm", &[("snap rm baseline --yes", "it is forgotten")]),
    ("prompt list", &[("prompt list", "what the holder is asked, and waits for an answer")]),
    ("prompt answer", &[("prompt answer approve", "type the PIN"), ("prompt answer cancel --id 2", "say no to one")]),
    (
        "prompt next",
        &[
            ("prompt next cancel", "say no the next time, once"),
            ("prompt next wrong-pin --delay 200ms..900ms", "type a wrong PIN, after a while"),
        ],
    ),
    (
        "prompt policy",
        &[
            ("prompt policy", "what is done where nothing else was said"),
            ("prompt policy wait", "wait each time for `prompt answer`"),
            ("prompt policy approve --delay 'lognormal(800ms,0.4)'", "take as long as people do"),
        ],
    ),
    ("prompt forget", &[("prompt forget", "what `prompt next` has said and was not done yet")]),
    ("prompt pins", &[("prompt pins --pin-file pins.txt", "the first line is the PIN, the others are for duress")]),
    ("net show", &[("net show", "a name, or conditions")]),
    (
        "net set",
        &[
            ("net set offline", "no network, at once"),
            ("-d phone net set lossy-wifi", "that of one device"),
            ("net set '{\"latencyMs\": 300, \"loss\": 0.1}'", "in numbers: see docs/emulator/faults.md"),
        ],
    ),
    ("net clear", &[("net clear", "as good as that of this machine")]),
    ("clock show", &[("clock show", "Unix seconds, and whether it stands still")]),
    ("clock freeze", &[("clock freeze", "no window ends while you look")]),
    ("clock resume", &[("clock resume", "from where it stands")]),
    ("clock set", &[("clock set 1924992000", "the beginning of 2031")]),
    ("clock advance", &[("clock advance 10m", "ten minutes pass for the devices; a server has its own time")]),
    ("clock skew", &[("-d phone clock skew -90", "the phone's clock is a minute and a half behind")]),
    ("fault catalog", &[("fault catalog", "all of them, with what device and server are to make of each")]),
    (
        "fault add",
        &[
            ("fault add ack-lost --times 1 --on op=open", "the answer to the next opening is lost"),
            (
                "fault add bit-flip --prob 0.1 --on dir=in --seed 7",
                "each tenth answer is damaged, the same ones each time",
            ),
        ],
    ),
    ("fault list", &[("fault list --json", "how often each has happened")]),
    ("fault rm", &[("fault rm r1", "by its id in `fault list`")]),
    ("fault clear", &[("fault clear", "nothing goes wrong any more")]),
    (
        "journal",
        &[
            ("journal", "everything that is kept"),
            ("journal --kind failed --of phone", "what did not work on the phone"),
            ("journal --follow --json", "and what comes, a line of JSON each"),
        ],
    ),
    ("trace start", &[("trace start", "frames on connections that begin from now on")]),
    ("trace stop", &[("trace stop", "what was recorded stays until the next start")]),
    ("trace show", &[("trace show", "whether it records, and how many frames")]),
    ("trace tail", &[("trace tail", "frame by frame, until Ctrl-C; -q leaves out what is no frame")]),
    (
        "trace export",
        &[
            ("trace export open.jsonl", "to read; what is secret is left out"),
            ("trace export open.pcapng", "for Wireshark"),
        ],
    ),
    ("trace diff", &[("trace diff before.jsonl after.jsonl", "ends with 3 if more differs than times and nonces")]),
    (
        "replay",
        &[
            ("replay open.jsonl --enroll -", "the same operations by a new device, whose link is pasted"),
            ("replay open.jsonl --mode verbatim", "the same bytes, as an attacker would"),
        ],
    ),
    (
        "stub",
        &[
            ("stub --enroll joe", "a server in memory, and a link to enroll joe with"),
            ("stub --port 8420 --script fails.yaml", "answers and fails as the script says"),
        ],
    ),
    (
        "rp check",
        &[(
            "rp check joe --server https://id.example --service default_door --authkey-file key.txt",
            "exit code 0: open. 10: not open. Anything else: nobody knows",
        )],
    ),
    (
        "rp watch",
        &[(
            "rp watch --server https://id.example --service default_door --authkey-file key.txt",
            "a line for everything that happens to its tokens, until Ctrl-C",
        )],
    ),
    (
        "scenario run",
        &[
            ("scenario run emulator/scenarios", "all files of a folder"),
            ("scenario run login.yaml --format junit --out report.xml", "for a pipeline"),
        ],
    ),
    ("scenario check", &[("scenario check login.yaml", "what is wrong with it, without running it")]),
    ("scenario new", &[("scenario new 'a login' > login.yaml", "one to begin with")]),
    (
        "scenario record",
        &[(
            "scenario record login.yaml",
            "what was done by hand in the emulator that runs, as a file that does it again",
        )],
    ),
    ("scenario schema", &[("scenario schema > scenario.json", "for editors")]),
    ("config print", &[("config print --origin", "what is in force, and where it comes from")]),
    ("config path", &[("config path", "the files that are read, the one that wins first")]),
    ("config check", &[("config check ./cardea-emulator.toml", "what is wrong with it")]),
    ("config schema", &[("config schema > cardea-emulator.schema.json", "for editors")]),
    ("doctor", &[("doctor --server https://id.example", "what is wrong on the way to a server, and how to mend it")]),
    ("capabilities", &[("capabilities --json", "transports, outcomes and what else depends on the version")]),
    ("version", &[("version", "this program's, and that of the emulator that runs")]),
    ("openapi", &[("openapi > openapi.json", "every call of the control API")]),
    ("completions", &[("completions bash > ~/.local/share/bash-completion/completions/cardea-emulator", "for bash")]),
    ("man", &[("man | man -l -", "read it"), ("man > cardea-emulator.1", "keep it")]),
    ("reference", &[("reference > reference.md", "what docs/emulator/reference.md is made from")]),
];
