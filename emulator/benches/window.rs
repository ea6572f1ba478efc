//! What a frame of the window takes, of a thousand devices and a timeline of a hundred thousand rows:
//! `cargo bench -p cardea-emulator --bench window`.
//!
//! It is the window as it opens, on a screen that nobody sees, drawn again as soon as it is drawn, and somebody who scrolls, types
//! and clicks. A frame is what the thread of the window computes; beside it is told how long it was until the next one, in which the
//! machine colors the pixels, which without a graphics card takes all of its cores. The exit code is 1 if a frame takes longer than it may.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on ends")]
#![expect(clippy::disallowed_methods, reason = "real time is what is measured")]

#[cfg(target_os = "linux")]
#[path = "../tests/it/screen.rs"]
mod screen;

#[cfg(target_os = "linux")]
mod measured {
    use std::collections::BTreeMap;
    use std::process::{Command, ExitCode};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use cardea_emulator::face::{Clock, Command as Said, Device, Facts, Link, Row, Source, State, Token};
    use cardea_emulator::window::Window;
    use eframe::egui::{
        Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, RawInput, TouchPhase, Ui, Vec2,
        ViewportBuilder, vec2,
    };
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    /// Most milliseconds of a frame.
    const LIMIT: f64 = 16.0;
    /// Frames of each kind, after so many that are not counted.
    const FRAMES: usize = 200;
    const FIRST: usize = 10;
    const SIZE: Vec2 = vec2(1240.0, 800.0);
    const DEVICES: usize = 1_000;
    const ROWS: u64 = 100_000;
    const NOW: u64 = 1_795_435_200;
    /// Set where the screen is there.
    const INSIDE: &str = "CARDEA_BENCH_WINDOW";

    pub(super) fn main() -> ExitCode {
        // `cargo test` runs benchmarks too, and wants to know that they can be built.
        if !std::env::args().any(|argument| argument == "--bench") {
            return ExitCode::SUCCESS;
        }
        if std::env::var_os(INSIDE).is_some() {
            return inside();
        }
        let (_screen, display) = super::screen::screen();
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.arg("--bench").env(INSIDE, "1").env("DISPLAY", display).env_remove("WAYLAND_DISPLAY");
        let ended = again.status().unwrap();
        if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// What somebody does in each frame.
    #[derive(Clone, Copy)]
    enum Doing {
        Nothing,
        /// Over the place that has this name.
        Scrolling(Place),
        /// Into the field that has this name, a letter in each frame.
        Typing(Place, &'static str),
        /// Something happens on a device, in each frame.
        Happening,
    }

    #[derive(Clone, Copy)]
    enum Place {
        Devices,
        Rows,
        Search,
        Filter,
    }

    const DOINGS: [(&str, Doing); 6] = [
        ("where nothing moves", Doing::Nothing),
        ("while the timeline is scrolled", Doing::Scrolling(Place::Rows)),
        ("while the devices are scrolled", Doing::Scrolling(Place::Devices)),
        ("while something happens in each", Doing::Happening),
        (
            "while the timeline is searched, a letter more or less in each",
            Doing::Typing(Place::Filter, "device-0000 opened"),
        ),
        (
            "while a device is searched, a letter more or less in each",
            Doing::Typing(Place::Search, "device-0999 front"),
        ),
    ];

    /// A thousand devices, and a hundred thousand rows of the one that is shown.
    fn many() -> Facts {
        let devices = (0..DEVICES).map(|number| {
            let state = if number % 3 == 0 { State::Open } else { State::Closed };
            let device = device(&format!("device-{number:04}"), state);
            (device.name.clone(), Arc::new(device))
        });
        let devices: BTreeMap<_, _> = devices.collect();
        let mut facts = Facts {
            link: Link::Hosting("/run/user/1000/cardea-emulator/default/control.sock".into()),
            program: "cardea-emulator".into(),
            session: "default".into(),
            clock: Clock { now: NOW, read: Some(Instant::now()), ..Clock::default() },
            devices: Arc::new(devices),
            ..Facts::default()
        };
        facts.timeline.extend((0..ROWS).map(row));
        facts
    }

    fn device(name: &str, state: State) -> Device {
        let token = Token {
            id: "4f1c22aa90be".into(),
            host: "id.example.com".into(),
            port: 7_433,
            service: "Front door".into(),
            confirmed: true,
            state: Some(state),
            remaining: (state == State::Open).then_some(3_000),
            said_at: Some(NOW - 12),
            age: Some(12),
            tries_left: Some(5),
            online: Some(true),
            ..Token::default()
        };
        Device { name: name.into(), tokens: vec![token], network: "ideal".into(), watched: true, ..Device::default() }
    }

    fn row(number: u64) -> Row {
        let kind = if number.is_multiple_of(2) { "opened" } else { "closed" };
        let time = NOW - ROWS + number;
        Row::event(serde_json::json!({ "number": number, "time": time, "device": "device-0000", "kind": kind }))
    }

    /// Facts that change when they are told to.
    struct Many(Mutex<Arc<Facts>>);

    impl Source for Many {
        fn facts(&self) -> Arc<Facts> {
            Arc::clone(&self.0.lock().unwrap())
        }

        fn tell(&self, _: Said) {}
    }

    impl Many {
        /// A device is open now, or closed, and the timeline says so.
        fn happen(&self, number: u64) {
            let mut facts = self.0.lock().unwrap();
            let facts = Arc::make_mut(&mut facts);
            facts.timeline.extend([row(ROWS + number)]);
            let state = if number.is_multiple_of(2) { State::Open } else { State::Closed };
            let name = format!("device-{:04}", number % 7);
            Arc::make_mut(&mut facts.devices).insert(name.clone(), Arc::new(device(&name, state)));
        }
    }

    /// Where things are in such a window.
    struct Places {
        devices: Pos2,
        rows: Pos2,
        search: Pos2,
        filter: Pos2,
    }

    impl Places {
        fn of(source: Arc<Many>) -> Self {
            let window = Window::new(source, || Some(Instant::now()));
            let builder = Harness::builder().with_size(SIZE + Vec2::splat(16.0)).with_context_setup(Window::dress);
            let mut harness = builder.build_ui_state(|ui: &mut Ui, window: &mut Window| window.draw(ui), window);
            harness.run_steps(8);
            // The harness leaves a margin around it.
            let at = |label: &str| harness.get_by_label(label).rect().center() - Vec2::splat(8.0);
            let (search, filter) = (at("Devices"), at("Filter the timeline"));
            Self { devices: search + vec2(0.0, 160.0), rows: filter + vec2(0.0, 160.0), search, filter }
        }

        fn of_place(&self, place: Place) -> Pos2 {
            match place {
                Place::Devices => self.devices,
                Place::Rows => self.rows,
                Place::Search => self.search,
                Place::Filter => self.filter,
            }
        }
    }

    /// Of each kind: what the window's thread computed for each frame, and how long it was until the next one; in milliseconds.
    type Times = Vec<Vec<(f64, f64)>>;

    struct Measured {
        window: Window,
        source: Arc<Many>,
        places: Places,
        doing: usize,
        frame: usize,
        /// When the frame before began, and what the thread had computed by then.
        began: Option<(Instant, Duration)>,
        times: Arc<Mutex<Times>>,
    }

    impl eframe::App for Measured {
        fn raw_input_hook(&mut self, _: &eframe::egui::Context, input: &mut RawInput) {
            let Some((_, doing)) = DOINGS.get(self.doing) else { return };
            let moved = |place| Event::PointerMoved(self.places.of_place(place));
            match doing {
                Doing::Nothing => {}
                Doing::Scrolling(place) => {
                    let delta = vec2(0.0, if self.frame < FRAMES / 2 { -90.0 } else { 60.0 });
                    let (unit, phase) = (MouseWheelUnit::Point, TouchPhase::Move);
                    let wheel = Event::MouseWheel {
                        unit,
                        delta,
                        phase,
                        source: MouseWheelSource::Wheel,
                        modifiers: Modifiers::NONE,
                    };
                    input.events.extend([moved(*place), wheel]);
                }
                Doing::Typing(place, text) => {
                    input.events.push(moved(*place));
                    if self.frame < 2 {
                        let pos = self.places.of_place(*place);
                        let pressed = self.frame == 0;
                        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
                        input.events.push(Event::PointerButton { pos, button, pressed, modifiers });
                    } else {
                        // All of it letter by letter, and back.
                        let letters: Vec<char> = text.chars().collect();
                        let typed = (self.frame - 2) % (2 * letters.len());
                        input.events.push(match letters.get(typed) {
                            Some(letter) => Event::Text(letter.to_string()),
                            None => {
                                let (key, modifiers) = (Key::Backspace, Modifiers::NONE);
                                Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }
                            }
                        });
                    }
                }
                Doing::Happening => self.source.happen(self.frame as u64),
            }
        }

        fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
            let now = Instant::now();
            let computed = computed();
            let before = self.began.replace((now, computed));
            let took = before.map(|(_, before)| (computed - before).as_secs_f64() * 1_000.0);
            let since = before.map(|(began, _)| (now - began).as_secs_f64() * 1_000.0);
            let mut times = self.times.lock().unwrap();
            // Both are of the frame before.
            if let (Some(took), Some(since), true) = (took, since, self.frame > FIRST) {
                times[self.doing].push((took, since));
            }
            drop(times);
            self.frame += 1;
            if self.frame > FIRST + FRAMES {
                (self.frame, self.doing) = (0, self.doing + 1);
            }
            if self.doing == DOINGS.len() {
                ui.ctx().send_viewport_cmd(eframe::egui::ViewportCommand::Close);
                self.doing = 0;
                return;
            }
            self.window.draw(ui);
            ui.ctx().request_repaint();
        }
    }

    /// What this thread has computed since it began.
    fn computed() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::try_from(time).unwrap()
    }

    fn inside() -> ExitCode {
        let source = Arc::new(Many(Mutex::new(Arc::new(many()))));
        let places = Places::of(Arc::clone(&source));
        let times = Arc::new(Mutex::new(vec![Vec::new(); DOINGS.len()]));
        let mut options = eframe::NativeOptions {
            viewport: ViewportBuilder::default().with_inner_size(SIZE),
            ..eframe::NativeOptions::default()
        };
        options.glow_options.vsync = false;
        let taken = Arc::clone(&times);
        let opened = eframe::run_native(
            "cardea-emulator",
            options,
            Box::new(move |created| {
                Window::dress(&created.egui_ctx);
                let window = Window::new(Arc::clone(&source) as Arc<dyn Source>, || Some(Instant::now()));
                Ok(Box::new(Measured { window, source, places, doing: 0, frame: 0, began: None, times: taken }))
            }),
        );
        opened.expect("the window opens");
        let mut is_missed = false;
        for ((what, _), times) in DOINGS.iter().zip(times.lock().unwrap().iter()) {
            assert_eq!(times.len(), FRAMES, "{what}");
            let sorted = |of: fn(&(f64, f64)) -> f64| {
                let mut all: Vec<f64> = times.iter().map(of).collect();
                all.sort_by(f64::total_cmp);
                all
            };
            let (took, since) = (sorted(|it| it.0), sorted(|it| it.1));
            let (half, worst) = (took[FRAMES / 2], took[FRAMES - 1]);
            let mark = if worst <= LIMIT { "ok" } else { "MISSED" };
            is_missed |= worst > LIMIT;
            println!(
                "a frame {what:<58} {half:.1} ms p50, {worst:.1} ms worst of {FRAMES} (required: at most {LIMIT})  {mark}; {:.1} ms p50 with its pixels",
                since[FRAMES / 2],
            );
        }
        if is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    measured::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("skipped: there is no screen that nobody sees on this system");
}
