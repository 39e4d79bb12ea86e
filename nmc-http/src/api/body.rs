//! The bodies that handlers take, read by their media type.

use super::json;
use super::reply::{Schemas, refer};
use crate::error::{ApiError, ApiResult};
use actix_web::web;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// The longest JSON body.
pub(crate) const LONGEST_JSON: usize = 64 * 1024;

/// A body that a handler takes.
pub(crate) trait Body: Sized {
    /// The media type of the body, for the document; `None` takes no body.
    const MEDIA_TYPE: Option<&'static str>;
    /// Another media type that the body may have.
    const OR: Option<&'static str> = None;
    /// The longest, in bytes.
    const LONGEST: usize;

    /// The body of a POST that has none; `None` where there must be one.
    fn missing() -> Option<ApiResult<Self>> {
        None
    }

    /// The document's description of the body.
    fn describe(schemas: &mut Schemas) -> Option<RefOr<Schema>>;
    /// Reads a body of this media type.
    fn read(media_type: &str, bytes: web::Bytes) -> ApiResult<Self>;
}

impl Body for () {
    const MEDIA_TYPE: Option<&'static str> = None;
    const LONGEST: usize = 0;

    fn describe(_: &mut Schemas) -> Option<RefOr<Schema>> {
        None
    }

    fn read(_: &str, _: web::Bytes) -> ApiResult<Self> {
        Ok(())
    }
}

/// A body that is a JSON document.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema> Body for JsonBody<T> {
    const MEDIA_TYPE: Option<&'static str> = Some("application/json");
    const LONGEST: usize = LONGEST_JSON;

    fn describe(schemas: &mut Schemas) -> Option<RefOr<Schema>> {
        Some(refer::<T>(schemas))
    }

    fn missing() -> Option<ApiResult<Self>> {
        Some(json::parse(NO_FIELDS).map(Self))
    }

    fn read(media_type: &str, bytes: web::Bytes) -> ApiResult<Self> {
        parsed(media_type, &bytes).map(Self)
    }
}

/// What a POST without a body says.
const NO_FIELDS: &[u8] = b"{}";

/// A JSON document of many rows.
pub(crate) struct LongJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema> Body for LongJsonBody<T> {
    const MEDIA_TYPE: Option<&'static str> = Some("application/json");
    const LONGEST: usize = 1024 * 1024;

    fn describe(schemas: &mut Schemas) -> Option<RefOr<Schema>> {
        Some(refer::<T>(schemas))
    }

    fn read(media_type: &str, bytes: web::Bytes) -> ApiResult<Self> {
        parsed(media_type, &bytes).map(Self)
    }
}

/// Reads a JSON document of this media type.
fn parsed<T: DeserializeOwned>(media_type: &str, bytes: &[u8]) -> ApiResult<T> {
    let json = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = json.eq_ignore_ascii_case("application/json") || json.eq_ignore_ascii_case("application/merge-patch+json");
    if !is_json {
        return Err(ApiError::MediaType("application/json"));
    }
    must_be_utf8(media_type)?;
    json::parse(bytes)
}

/// Insists that a media type names no other charset than UTF-8, whose other name is `utf8`.
pub(crate) fn must_be_utf8(media_type: &str) -> ApiResult<()> {
    let parameters = media_type.split(';').skip(1).filter_map(|said| said.split_once('='));
    let mut charsets = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let is_utf8 = |charset: &str| ["utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name));
    if charsets.all(|(_, charset)| is_utf8(charset.trim().trim_matches('"'))) {
        Ok(())
    } else {
        Err(ApiError::MediaType("text in UTF-8"))
    }
}

/// Bytes as they come, such as a picture.
pub(crate) struct RawBody(pub(crate) web::Bytes);

impl Body for RawBody {
    const MEDIA_TYPE: Option<&'static str> = Some("application/octet-stream");
    const LONGEST: usize = 5 * 1024 * 1024;

    fn describe(_: &mut Schemas) -> Option<RefOr<Schema>> {
        None
    }

    fn read(_: &str, bytes: web::Bytes) -> ApiResult<Self> {
        Ok(Self(bytes))
    }
}

/// The body of a step that takes none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoFields {}

#[cfg(test)]
mod tests {
    use super::must_be_utf8;

    #[test]
    fn charset_other_than_utf8_is_refused() {
        for good in
            ["", "application/json", "text/csv; charset=UTF-8", "text/csv;Charset=\"utf-8\";header=present", "a/b; charset=utf8"]
        {
            assert!(must_be_utf8(good).is_ok(), "{good}");
        }
        for bad in ["a/b; charset=utf-16", "a/b;charset=\"UTF-16LE\"", "a/b; charset=utf-8; charset=latin1", "a/b; charset="] {
            assert!(must_be_utf8(bad).is_err(), "{bad}");
        }
    }
}
