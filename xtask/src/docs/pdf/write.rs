//! The finished pages as a file.

use std::collections::BTreeMap;

use pdf_writer::types::{ActionType, AnnotationType, PageMode};
use pdf_writer::{Filter, Finish as _, Name, Pdf, Rect, Ref, TextStr};

use super::{Bookmark, Flow, Font, PAGE};

/// Hands out numbers of objects.
struct Numbers(i32);

impl Numbers {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

impl Flow {
    /// The file. It has no date, so that the same pages are the same bytes.
    pub(crate) fn finish(self, title: &str) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let mut numbers = Numbers(0);
        let (catalog, tree, info, outline) = (numbers.next(), numbers.next(), numbers.next(), numbers.next());
        let fonts = Font::ALL.map(|font| (font, numbers.next()));
        let pages: Vec<Ref> = self.pages.iter().map(|_| numbers.next()).collect();

        for (font, id) in fonts {
            let mut dictionary = pdf.type1_font(id);
            dictionary.base_font(Name(font.base().as_bytes())).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (page, id) in self.pages.into_iter().zip(&pages) {
            let content = numbers.next();
            let links: Vec<(Ref, [f32; 4], (usize, f32))> = page
                .links
                .into_iter()
                .filter_map(|(area, place)| Some((numbers.next(), area, *self.places.get(&place)?)))
                .collect();
            let mut object = pdf.page(*id);
            object.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(content);
            object.annotations(links.iter().map(|(id, ..)| *id));
            let mut resources = object.resources();
            let mut dictionary = resources.fonts();
            for (font, id) in fonts {
                dictionary.pair(Name(font.label().as_bytes()), id);
            }
            dictionary.finish();
            resources.finish();
            object.finish();
            let packed = miniz_oxide::deflate::compress_to_vec_zlib(page.content.finish().as_slice(), 9);
            pdf.stream(content, &packed).filter(Filter::FlateDecode);
            for (id, [x1, y1, x2, y2], (target, y)) in links {
                let mut link = pdf.annotation(id);
                link.subtype(AnnotationType::Link).rect(Rect::new(x1, y1, x2, y2)).border(0.0, 0.0, 0.0, None);
                link.action().action_type(ActionType::GoTo).destination().page(pages[target]).xyz(0.0, y, None);
            }
        }
        write_outline(&mut pdf, outline, &mut numbers, &self.bookmarks, &pages);
        pdf.pages(tree).kids(pages.iter().copied()).count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
        pdf.document_info(info).title(TextStr(title)).creator(TextStr("cargo xtask docs"));
        let mut root = pdf.catalog(catalog);
        root.pages(tree).outlines(outline).page_mode(PageMode::UseOutlines).lang(TextStr("en"));
        root.viewer_preferences().display_doc_title(true);
        root.finish();
        pdf.finish()
    }
}

/// The bookmarks as the tree that their depths make: 0 under the outline, 1 under the last of depth 0.
fn write_outline(pdf: &mut Pdf, outline: Ref, numbers: &mut Numbers, bookmarks: &[Bookmark], pages: &[Ref]) {
    let ids: Vec<Ref> = bookmarks.iter().map(|_| numbers.next()).collect();
    let mut children: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    let mut chapter = None;
    for (number, bookmark) in bookmarks.iter().enumerate() {
        if bookmark.depth == 0 {
            chapter = Some(number);
            children.entry(None).or_default().push(number);
        } else {
            children.entry(chapter).or_default().push(number);
        }
    }
    let count = |list: &[usize]| i32::try_from(list.len()).unwrap_or(i32::MAX);
    for (parent, list) in &children {
        for (position, number) in list.iter().enumerate() {
            let bookmark = &bookmarks[*number];
            let mut item = pdf.outline_item(ids[*number]);
            item.title(TextStr(&bookmark.title)).parent(parent.map_or(outline, |parent| ids[parent]));
            if let Some(before) = position.checked_sub(1) {
                item.prev(ids[list[before]]);
            }
            if let Some(after) = list.get(position + 1) {
                item.next(ids[*after]);
            }
            if let Some(below) = children.get(&Some(*number))
                && let (Some(first), Some(last)) = (below.first(), below.last())
            {
                // Negative: closed until somebody opens it.
                item.first(ids[*first]).last(ids[*last]).count(-count(below));
            }
            item.dest().page(pages[bookmark.page]).xyz(0.0, bookmark.y, None);
        }
    }
    let mut root = pdf.outline(outline);
    if let Some(list) = children.get(&None)
        && let (Some(first), Some(last)) = (list.first(), list.last())
    {
        root.first(ids[*first]).last(ids[*last]).count(count(list));
    }
}
