//! Pages before they are written: what is drawn where, and what each piece of it is to whoever has it read aloud.

use super::text::{Face, Fonts};
use crate::{Error, Result};
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TagGroup, TagKind, TagTree};
use krilla::{Document, SerializeSettings};

/// A color, as red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8);

/// Something drawn. Lengths are points, from the upper left corner.
pub(super) enum Shape {
    /// Text, from the left end of its base line.
    Text { x: f32, y: f32, face: Face, size: f32, ink: Ink, text: String },
    /// A filled rectangle.
    Box { x: f32, y: f32, width: f32, height: f32, ink: Ink },
}

/// A piece of the document as it is read: something drawn, or a group of pieces.
pub(super) enum Part {
    Drawn(usize),
    Group(TagKind, Vec<Part>),
}

/// The role of what is drawn.
enum Role {
    Text(usize),
    Picture(usize),
    Decoration(ArtifactType),
}

struct Drawn {
    role: Role,
    shapes: Vec<Shape>,
}

/// The pages of a document.
pub(super) struct Sheet {
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) fonts: Fonts,
    pages: Vec<Vec<Drawn>>,
    pieces: usize,
}

impl Sheet {
    pub(super) fn new(width: f32, height: f32) -> Result<Self> {
        Ok(Self { width, height, fonts: Fonts::new()?, pages: vec![Vec::new()], pieces: 0 })
    }

    pub(super) fn new_page(&mut self) {
        self.pages.push(Vec::new());
    }

    pub(super) const fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// Draws text on the last page.
    pub(super) fn text(&mut self, shapes: Vec<Shape>) -> Part {
        let piece = self.piece();
        self.draw(Drawn { role: Role::Text(piece), shapes });
        Part::Drawn(piece)
    }

    /// Draws a picture on the last page.
    pub(super) fn picture(&mut self, shapes: Vec<Shape>) -> Part {
        let piece = self.piece();
        self.draw(Drawn { role: Role::Picture(piece), shapes });
        Part::Drawn(piece)
    }

    /// Draws on the last page what nobody reads.
    pub(super) fn decoration(&mut self, shapes: Vec<Shape>) {
        self.draw(Drawn { role: Role::Decoration(ArtifactType::Layout), shapes });
    }

    /// Draws at the foot of a page.
    pub(super) fn footer(&mut self, page: usize, shapes: Vec<Shape>) {
        if let Some(page) = self.pages.get_mut(page) {
            page.push(Drawn { role: Role::Decoration(ArtifactType::Footer), shapes });
        }
    }

    fn piece(&mut self) -> usize {
        let piece = self.pieces;
        self.pieces = piece.saturating_add(1);
        piece
    }

    fn draw(&mut self, drawn: Drawn) {
        if let Some(page) = self.pages.last_mut() {
            page.push(drawn);
        }
    }

    /// The document, as the bytes of a PDF. The same pages and metadata make the same bytes.
    pub(super) fn write(self, parts: Vec<Part>, metadata: Metadata, language: &str) -> Result<Vec<u8>> {
        let mut document = Document::new_with(SerializeSettings::default());
        document.set_metadata(metadata);
        let mut identifiers: Vec<Option<Identifier>> = vec![None; self.pieces];
        for page in &self.pages {
            let settings = PageSettings::from_wh(self.width, self.height);
            let mut page_out = document.start_page_with(settings.ok_or_else(|| Error::internal("a page of no size"))?);
            let mut surface = page_out.surface();
            for drawn in page {
                let (tag, piece) = match drawn.role {
                    Role::Text(piece) => (ContentTag::Span(SpanTag::empty()), Some(piece)),
                    Role::Picture(piece) => (ContentTag::Other, Some(piece)),
                    Role::Decoration(kind) => (ContentTag::Artifact(Artifact::with_kind(kind)), None),
                };
                let identifier = surface.start_tagged(tag);
                for shape in &drawn.shapes {
                    self.shape(&mut surface, shape);
                }
                surface.end_tagged();
                if let Some(place) = piece.and_then(|piece| identifiers.get_mut(piece)) {
                    *place = Some(identifier);
                }
            }
            surface.finish();
            page_out.finish();
        }
        let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
        for node in parts.into_iter().filter_map(|part| node(part, &mut identifiers)) {
            tree.push(node);
        }
        // What nobody put into the tree would refuse the document: it is read at the end.
        for identifier in identifiers.into_iter().flatten() {
            tree.push(identifier);
        }
        document.set_tag_tree(tree);
        document.finish().map_err(Error::internal)
    }

    fn shape(&self, surface: &mut Surface<'_>, shape: &Shape) {
        let fill = |Ink(red, green, blue): Ink| Fill {
            paint: rgb::Color::new(red, green, blue).into(),
            opacity: NormalizedF32::ONE,
            rule: FillRule::NonZero,
        };
        match shape {
            Shape::Text { x, y, face, size, ink, text } => {
                surface.set_fill(Some(fill(*ink)));
                let glyphs = self.fonts.glyphs(*face, text);
                surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, self.fonts.font(*face), text, *size, false);
            }
            Shape::Box { x, y, width, height, ink } => {
                let mut path = PathBuilder::new();
                if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                    path.push_rect(rect);
                }
                if let Some(path) = path.finish() {
                    surface.set_fill(Some(fill(*ink)));
                    surface.draw_path(&path);
                }
            }
        }
    }
}

/// The part as krilla has it. Each identifier has one place in the tree, or the document is refused.
fn node(part: Part, identifiers: &mut Vec<Option<Identifier>>) -> Option<Node> {
    match part {
        Part::Drawn(piece) => identifiers.get_mut(piece)?.take().map(Node::Leaf),
        Part::Group(tag, parts) => {
            let children = parts.into_iter().filter_map(|part| node(part, identifiers)).collect();
            Some(Node::Group(TagGroup::with_children(tag, children)))
        }
    }
}
