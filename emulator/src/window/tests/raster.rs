//! Draws what egui says with a few lines of arithmetic: the same on every machine, with no graphics card.

use std::cell::RefCell;
use std::collections::HashMap;

use eframe::egui::epaint::{ImageData, Primitive, Vertex};
use eframe::egui::{Color32, ColorImage, Context, FullOutput, Rect, TextureId, TexturesDelta};
use egui_kittest::{Harness, TestRenderer};

use super::super::Window;

thread_local! {
    /// What was handed over: a test has one window at a time.
    static KEPT: RefCell<HashMap<TextureId, ColorImage>> = RefCell::default();
}

/// Keeps what is on textures.
#[derive(Debug, Default)]
pub(super) struct Textures;

impl TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        KEPT.with_borrow_mut(|kept| {
            let changes = delta.set.iter().flat_map(|(id, changes)| changes.iter().map(move |change| (id, change)));
            for (id, change) in changes {
                let ImageData::Color(image) = &change.image;
                match change.pos {
                    None => drop(kept.insert(*id, ColorImage::clone(image))),
                    Some([left, top]) => {
                        let whole = kept.get_mut(id).expect("a texture that was handed over");
                        for row in 0..image.height() {
                            let from = row * image.width();
                            let to = (top + row) * whole.width() + left;
                            whole.pixels[to..to + image.width()]
                                .copy_from_slice(&image.pixels[from..from + image.width()]);
                        }
                    }
                }
            }
        });
        delta.clear();
    }
}

/// A picture: width, height, and red, green and blue of each pixel.
pub(super) type Picture = (usize, usize, Vec<u8>);

/// What the window shows.
pub(super) fn drawn(window: &mut Harness<'_, Window>) -> Picture {
    window.run();
    let context = window.ctx.clone();
    draw(&context, window.output())
}

/// Without the margin that the test puts around a window, in points.
fn inside(content: Rect) -> Rect {
    content.shrink(8.0)
}

fn draw(context: &Context, output: &FullOutput) -> Picture {
    let pixels = output.pixels_per_point;
    let shown = inside(context.content_rect());
    let screen = shown.size() * pixels;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the size of a picture")]
    let (width, height) = (screen.x.round() as usize, screen.y.round() as usize);
    let mut canvas = Canvas { width, height, pixels: vec![[0.0; 3]; width * height] };
    for clipped in context.tessellate(output.shapes.clone(), pixels) {
        let Primitive::Mesh(mesh) = clipped.primitive else { continue };
        KEPT.with_borrow(|kept| {
            let Some(texture) = kept.get(&mesh.texture_id) else { return };
            let clip = clipped.clip_rect.translate(-shown.min.to_vec2()) * pixels;
            for triangle in mesh.indices.as_chunks::<3>().0 {
                let corners = triangle.map(|index| mesh.vertices[index as usize]);
                canvas.triangle(
                    corners.map(|it| Vertex { pos: ((it.pos - shown.min) * pixels).to_pos2(), ..it }),
                    clip,
                    texture,
                );
            }
        });
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a color is a byte")]
    let bytes = canvas.pixels.iter().flatten().map(|value| value.clamp(0.0, 255.0).round() as u8).collect();
    (width, height, bytes)
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "pixels of a picture"
    )]
    fn triangle(&mut self, corners: [Vertex; 3], clip: Rect, texture: &ColorImage) {
        let [a, b, c] = corners.map(|corner| corner.pos);
        let area = (b - a).x * (c - a).y - (b - a).y * (c - a).x;
        if area == 0.0 {
            return;
        }
        let bounds = Rect::from_points(&[a, b, c]).intersect(clip);
        if !bounds.is_positive() {
            return;
        }
        let end = |value: f32, most: usize| (value.ceil().max(0.0) as usize).min(most);
        for y in bounds.top().floor().max(0.0) as usize..end(bounds.bottom(), self.height) {
            for x in bounds.left().floor().max(0.0) as usize..end(bounds.right(), self.width) {
                let at = eframe::egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
                if !clip.contains(at) {
                    continue;
                }
                let weight = |p: eframe::egui::Pos2, q: eframe::egui::Pos2| {
                    ((q - p).x * (at - p).y - (q - p).y * (at - p).x) / area
                };
                let weights = [weight(b, c), weight(c, a), weight(a, b)];
                // The left and upper edge of a triangle belong to it, so that no pixel is drawn twice.
                if weights.iter().all(|weight| *weight >= 0.0) {
                    self.blend(x, y, weights, &corners, texture);
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "pixels of a texture")]
    fn blend(&mut self, x: usize, y: usize, weights: [f32; 3], corners: &[Vertex; 3], texture: &ColorImage) {
        // What is one color all over is most of a picture.
        let [first, second, third] = corners;
        if first.uv == second.uv && second.uv == third.uv && first.color == second.color && second.color == third.color
        {
            let pixel = &mut self.pixels[y * self.width + x];
            let [red, green, blue, alpha] = first.color.to_array().map(f32::from);
            let under = 1.0 - alpha / 255.0;
            *pixel = [red + pixel[0] * under, green + pixel[1] * under, blue + pixel[2] * under];
            return;
        }
        let mix = |of: fn(&Vertex) -> f32| {
            weights.iter().zip(corners).map(|(weight, corner)| weight * of(corner)).sum::<f32>()
        };
        let texel =
            sample(texture, mix(|it| it.uv.x) * texture.width() as f32, mix(|it| it.uv.y) * texture.height() as f32);
        let tint = [mix(|it| it.color.r().into()), mix(|it| it.color.g().into()), mix(|it| it.color.b().into())];
        let alpha = mix(|it| it.color.a().into()) * texel[3] / 255.0;
        let pixel = &mut self.pixels[y * self.width + x];
        for channel in 0..3 {
            // Colors are multiplied by their alpha already.
            let source = tint[channel] * texel[channel] / 255.0;
            pixel[channel] = source + pixel[channel] * (1.0 - alpha / 255.0);
        }
    }
}

/// The color of a texture between its pixels.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixels of a texture")]
fn sample(texture: &ColorImage, x: f32, y: f32) -> [f32; 4] {
    let (x, y) = (x - 0.5, y - 0.5);
    let at = |x: f32, y: f32| -> Color32 {
        let x = (x.max(0.0) as usize).min(texture.width() - 1);
        let y = (y.max(0.0) as usize).min(texture.height() - 1);
        texture.pixels[y * texture.width() + x]
    };
    let (left, top) = (x.floor(), y.floor());
    let (right, down) = (x - left, y - top);
    let mut mixed = [0.0; 4];
    for (color, weight) in [
        (at(left, top), (1.0 - right) * (1.0 - down)),
        (at(left + 1.0, top), right * (1.0 - down)),
        (at(left, top + 1.0), (1.0 - right) * down),
        (at(left + 1.0, top + 1.0), right * down),
    ] {
        for (sum, value) in mixed.iter_mut().zip(color.to_array()) {
            *sum += weight * f32::from(value);
        }
    }
    mixed
}

/// As a file.
pub(super) fn png((width, height, pixels): &Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    let size = |length: usize| u32::try_from(length).unwrap();
    let mut encoder = png::Encoder::new(&mut bytes, size(*width), size(*height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}
