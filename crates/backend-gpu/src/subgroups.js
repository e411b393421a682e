// Adds subgroups to what the next devices are opened with, where their adapter has them.

let original;
let wereHad = false;

export function askForSubgroups() {
  const prototype = globalThis.GPUAdapter?.prototype;
  if (!prototype || original) return;
  original = prototype.requestDevice;
  wereHad = false;
  prototype.requestDevice = function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])];
    wereHad = this.features.has("subgroups");
    if (wereHad) requiredFeatures.push("subgroups");
    return original.call(this, { ...descriptor, requiredFeatures });
  };
}

// Whether the last device has them.
export function askNoMore() {
  if (original) GPUAdapter.prototype.requestDevice = original;
  original = undefined;
  return wereHad;
}
