// Adds subgroups to what devices are opened with, where their adapter has them.

let original;
let areAsked = false;

export function askForSubgroups() {
  areAsked = false;
  const prototype = globalThis.GPUAdapter?.prototype;
  if (!prototype || original) return;
  original = prototype.requestDevice;
  prototype.requestDevice = function (descriptor = {}) {
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])];
    areAsked = this.features.has("subgroups");
    if (areAsked) requiredFeatures.push("subgroups");
    return original.call(this, { ...descriptor, requiredFeatures });
  };
}

export function askNoMore() {
  if (original) GPUAdapter.prototype.requestDevice = original;
  original = undefined;
  return areAsked;
}
