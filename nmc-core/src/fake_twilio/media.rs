//! The Media resource: pictures of texts, which Twilio serves by a redirect.

use super::wire::{Answer, Request};
use super::{ACCOUNT, FakeTwilio, Server, new_sid};
use std::collections::HashMap;

/// A picture that the stand-in keeps.
#[derive(Clone)]
struct Picture {
    content_type: String,
    bytes: Vec<u8>,
}

/// Pictures by the path of their resource.
#[derive(Default)]
pub(super) struct Pictures {
    kept: HashMap<String, Picture>,
    fetched: usize,
}

impl FakeTwilio {
    /// Keeps a picture of a text, and returns its address: what `MediaUrl0` says.
    pub fn keep_picture(&self, content_type: &str, bytes: &[u8]) -> String {
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages/{}/Media/{}", new_sid("MM"), new_sid("ME"));
        let picture = Picture { content_type: content_type.to_owned(), bytes: bytes.to_vec() };
        self.server.state().pictures.kept.insert(path.clone(), picture);
        format!("{}{path}", self.url())
    }

    /// Deletes a picture, as somebody with the account might.
    pub fn delete_picture(&self, url: &str) {
        let path = url.strip_prefix(&self.url()).unwrap_or(url);
        self.server.state().pictures.kept.remove(path);
    }

    /// How often a picture's bytes were served.
    #[must_use]
    pub fn pictures_fetched(&self) -> usize {
        self.server.state().pictures.fetched
    }
}

impl Server {
    /// The resource leads to where the bytes are, as Twilio's does.
    pub(super) fn picture(&self, request: &Request) -> Answer {
        if request.method != "GET" {
            return Answer::not_allowed();
        }
        if self.state().pictures.kept.contains_key(&request.path) {
            Answer::redirect(&format!("/picture-bytes{}", request.path))
        } else {
            Answer::not_found(request)
        }
    }

    pub(super) fn picture_bytes(&self, path: &str, request: &Request) -> Answer {
        let mut state = self.state();
        match state.pictures.kept.get(path).cloned() {
            Some(Picture { content_type, bytes }) => {
                state.pictures.fetched += 1;
                Answer::file(&content_type, bytes)
            }
            None => Answer::not_found(request),
        }
    }
}
