//! An answer before it is sent.
//!
//! Input: status and body. Output: headers as Microsoft's services set them.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::graph::Document;

/// An answer before it is sent.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let mut reply = Self::empty(status);
        reply.put("content-type", "application/json; charset=utf-8");
        reply.body = body.to_string().into_bytes();
        reply
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// A page such as proxies and captive portals send.
    pub(super) fn web_page() -> Self {
        let page = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head>\
                    <body><p>Please accept the terms of use.</p></body></html>";
        let mut reply = Self::empty(StatusCode::OK);
        reply.body = page.as_bytes().to_vec();
        reply.put("content-type", "text/html; charset=utf-8");
        reply
    }

    /// An answer of Graph.
    pub(super) fn document(document: Document) -> Self {
        let mut reply = Self::json(StatusCode::OK, &Value::Object(document.body));
        reply.put("content-type", GRAPH_JSON);
        reply.put("odata-version", "4.0");
        reply.put("x-ms-resource-unit", &document.resource_units.to_string());
        reply
    }

    pub(super) fn put(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
    }

    /// The headers to look an answer up by (learn.microsoft.com/graph/best-practices-concept).
    pub(super) fn identify(&mut self, parts: &Parts, request: Uuid) {
        self.put("request-id", &request.to_string());
        self.put("client-request-id", &client_request_id(parts, request));
        self.put(
            "x-ms-ags-diagnostic",
            "{\"ServerInfo\":{\"DataCenter\":\"Loopback\",\"Slice\":\"E\",\"Ring\":\"0\"}}",
        );
    }
}

const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                          IEEE754Compatible=false;charset=utf-8";

/// The client's own id of the request, or ours.
pub(super) fn client_request_id(parts: &Parts, request: Uuid) -> String {
    let sent = text(&parts.headers, HeaderName::from_static("client-request-id"));
    sent.map_or_else(|| request.to_string(), str::to_owned)
}

/// The token of an `Authorization` header.
pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    text(&parts.headers, header::AUTHORIZATION)?.strip_prefix("Bearer ")
}

/// A header as text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
