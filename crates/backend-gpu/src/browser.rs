//! What a page may know of its browser, and `wgpu` does not say.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen(module = "/src/subgroups.js")]
extern "C" {
    /// From now on devices are opened with subgroups where their adapter has them, for which `wgpu`
    /// does not ask browsers yet.
    #[wasm_bindgen(js_name = askForSubgroups)]
    pub(crate) fn ask_for_subgroups();

    /// From now on they are not; whether the last one was.
    #[wasm_bindgen(js_name = askNoMore)]
    pub(crate) fn ask_no_more() -> bool;
}

/// A property of an object; `None` if there is none, or the page may not read it.
pub(crate) fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

fn navigator() -> Option<JsValue> {
    property(&js_sys::global(), "navigator")
}

/// The browser's name and version, as it tells servers. It compiles the shaders.
pub(crate) fn version() -> Option<String> {
    property(&navigator()?, "userAgent")?.as_string()
}

/// Vendor, architecture and name of the adapter, as far as the browser tells them.
pub(crate) async fn adapter_name() -> Option<String> {
    let gpu = property(&navigator()?, "gpu")?;
    let request: Function = property(&gpu, "requestAdapter")?.dyn_into().ok()?;
    let promise: Promise = request.call0(&gpu).ok()?.dyn_into().ok()?;
    let info = property(&JsFuture::from(promise).await.ok()?, "info")?;
    let words = ["vendor", "architecture", "device", "description"];
    let words = words.iter().filter_map(|name| property(&info, name)?.as_string());
    let words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
