//! A logo from bytes: judged by what it is, not by what it is called; decoded within bounds; drawn anew.
//!
//! The result is a PNG of our own making, so the people who see it load it from this server only: the app's
//! server learns nothing of them, and the picture cannot change after the review. SVG is refused, because it
//! is a document that can carry scripts and load other things.

use std::fmt;
use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbaImage};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::net::fetch::sha256_hex;

/// Side of the picture that is served, in pixels.
pub const LOGO_SIDE: u32 = 256;
/// Below this side a logo looks blurred at the size it is shown.
pub const SMALL_SIDE: u32 = 128;
/// Longest side that is decoded, in pixels.
pub const MAX_SIDE: u32 = 4096;
/// Memory that decoding may take, in bytes.
const MAX_DECODE_BYTES: u64 = 96 * 1024 * 1024;

/// A logo ready to be served as `image/png`: 256 by 256 pixels, the original in the middle.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoImage {
    /// The file.
    pub png: Vec<u8>,
    /// SHA-256 of `png`, in hex: a name for the file that changes when the picture does.
    pub sha256: String,
}

impl fmt::Debug for LogoImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogoImage({} bytes, {})", self.png.len(), self.sha256)
    }
}

/// What the original picture was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageEvidence {
    /// `png`, `jpeg`, `webp` or `gif`, by its bytes.
    pub format: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Why bytes are no logo.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum LogoFault {
    /// A drawing with a programming language in it.
    #[error("it is an SVG drawing, which can carry scripts")]
    Svg,
    /// A web page, often an error page with status 200.
    #[error("it is a web page, not an image")]
    WebPage,
    /// No known image.
    #[error("it is not an image in one of the formats PNG, JPEG, WebP and GIF")]
    NotAnImage,
    /// Begins like an image and is none.
    #[error("it begins like a {0} image but cannot be decoded")]
    Broken(String),
    /// Beyond the bounds.
    #[error("it is {width} by {height} pixels large, more than {MAX_SIDE} on a side")]
    TooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Would take too much memory.
    #[error("it needs too much memory to decode")]
    TooHeavy,
}

impl LogoFault {
    /// What the developer can do.
    #[must_use]
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Svg => "Export the logo as a PNG of 256 by 256 pixels or more and give that file's URL.",
            Self::WebPage | Self::NotAnImage => {
                "Give the URL of the image file itself (PNG, JPEG, WebP or GIF), not of a page that shows it."
            }
            Self::Broken(_) => "Save the image again and upload it anew; the file may have been cut short.",
            Self::TooLarge { .. } | Self::TooHeavy => "Scale the logo down, for example to 512 by 512 pixels.",
        }
    }
}

/// Decodes a logo and draws it anew. Pure computation, up to some 100 ms: keep it off the async threads.
///
/// # Errors
/// [`LogoFault`], with what the picture said of itself as far as that could be read.
pub fn convert(bytes: &[u8]) -> Result<(LogoImage, ImageEvidence), (LogoFault, Option<ImageEvidence>)> {
    let format = recognise(bytes).map_err(|fault| (fault, None))?;
    let name = name_of(format);
    let broken = || LogoFault::Broken(name.to_uppercase());
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(|error| (fault_of(&error, broken()), None))?;
    let (width, height) = decoder.dimensions();
    let about = ImageEvidence { format: name.to_owned(), width, height };
    let failed = |fault| (fault, Some(about.clone()));
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(failed(LogoFault::TooLarge { width, height }));
    }
    if decoder.total_bytes() > MAX_DECODE_BYTES {
        return Err(failed(LogoFault::TooHeavy));
    }
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| failed(fault_of(&error, broken())))?;
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let png = draw(&picture).ok_or_else(|| failed(broken()))?;
    Ok((LogoImage { sha256: sha256_hex(&png), png }, about))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    limits
}

fn fault_of(error: &image::ImageError, otherwise: LogoFault) -> LogoFault {
    match error {
        image::ImageError::Limits(_) => LogoFault::TooHeavy,
        _ => otherwise,
    }
}

fn recognise(bytes: &[u8]) -> Result<ImageFormat, LogoFault> {
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif)) => Ok(format),
        Ok(_) => Err(LogoFault::NotAnImage),
        Err(_) => Err(recognise_text(bytes)),
    }
}

fn recognise_text(bytes: &[u8]) -> LogoFault {
    const LOOKED_AT: usize = 1024;
    let start = String::from_utf8_lossy(bytes.get(..LOOKED_AT).unwrap_or(bytes)).to_ascii_lowercase();
    if start.contains("<svg") {
        LogoFault::Svg
    } else if start.contains("<!doctype html") || start.contains("<html") || start.contains("<body") {
        LogoFault::WebPage
    } else {
        LogoFault::NotAnImage
    }
}

fn name_of(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "png",
        ImageFormat::Jpeg => "jpeg",
        ImageFormat::WebP => "webp",
        _ => "gif",
    }
}

/// Scales the picture to fit the square and puts it in its middle, on a transparent ground.
fn draw(picture: &DynamicImage) -> Option<Vec<u8>> {
    let fits = picture.width().max(picture.height()) <= LOGO_SIDE;
    let scaled = if fits {
        picture.resize(LOGO_SIDE, LOGO_SIDE, FilterType::CatmullRom)
    } else {
        // The box filter: as good at shrinking, and quick on large pictures.
        picture.thumbnail(LOGO_SIDE, LOGO_SIDE)
    };
    let scaled = scaled.into_rgba8();
    let mut square = RgbaImage::new(LOGO_SIDE, LOGO_SIDE);
    let middle = |side: u32| i64::from(LOGO_SIDE.saturating_sub(side) / 2);
    imageops::replace(&mut square, &scaled, middle(scaled.width()), middle(scaled.height()));
    let mut png = Vec::new();
    square.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).ok()?;
    Some(png)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(width, height, image::Rgb([200, 30, 30])));
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    fn fault(bytes: &[u8]) -> LogoFault {
        convert(bytes).unwrap_err().0
    }

    #[test]
    fn each_format_becomes_a_square_png() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let (logo, about) = convert(&picture(300, 150, format)).unwrap();
            assert_eq!((about.format.as_str(), about.width, about.height), (name_of(format), 300, 150));
            let drawn = image::load_from_memory_with_format(&logo.png, ImageFormat::Png).unwrap().into_rgba8();
            assert_eq!(drawn.dimensions(), (LOGO_SIDE, LOGO_SIDE));
            assert_eq!(drawn.get_pixel(128, 10)[3], 0, "above the picture it is transparent");
            assert_eq!(drawn.get_pixel(128, 128)[3], 255);
        }
    }

    #[test]
    fn a_small_picture_is_enlarged() {
        let (logo, _) = convert(&picture(16, 16, ImageFormat::Png)).unwrap();
        let drawn = image::load_from_memory(&logo.png).unwrap().into_rgba8();
        assert_eq!(drawn.get_pixel(1, 1)[3], 255);
    }

    #[test]
    fn what_is_no_image_is_named() {
        assert_eq!(fault(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), LogoFault::Svg);
        assert_eq!(fault(b"\n<!DOCTYPE html><title>Not found</title>"), LogoFault::WebPage);
        assert_eq!(fault(b""), LogoFault::NotAnImage);
        assert_eq!(fault(b"BM000000000000000000"), LogoFault::NotAnImage);
        let whole = picture(40, 40, ImageFormat::Png);
        assert_eq!(fault(&whole[..whole.len() / 2]), LogoFault::Broken("PNG".to_owned()));
    }

    /// A few hundred bytes that claim to be a huge picture are refused before a pixel is allocated.
    #[test]
    fn a_decompression_bomb_is_refused_by_its_header() {
        let mut bomb = picture(8, 8, ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let checksum = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        assert!(matches!(fault(&bomb), LogoFault::TooHeavy | LogoFault::TooLarge { .. }));
    }

    fn crc32(data: &[u8]) -> u32 {
        !data.iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_pictures_never_panic(at in 0_usize..400, to: u8, which in 0_usize..4, keep in 0_usize..2000) {
            let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif][which];
            let mut bytes = picture(20, 20, format);
            let at = at % bytes.len();
            bytes[at] = to;
            bytes.truncate(keep.max(1));
            let _ = convert(&bytes);
        }

        #[test]
        fn any_bytes_are_judged(bytes: Vec<u8>) {
            let _ = convert(&bytes);
        }
    }
}
