// Images of the host's clips, released when they go out of scope.
#pragma once

#include <string>

#include "ofx.h"
#include "pixels.h"

namespace void_ofx {

class Clip {
 public:
  // The clip of an instance, which may be missing.
  Clip(OfxImageEffectHandle effect, const char* name);

  OfxImageClipHandle handle() const { return clip_; }
  OfxPropertySetHandle properties() const { return properties_; }
  bool is_connected() const;
  // Its first and last frame. False where the host does not say.
  bool frame_range(double& first, double& last) const;
  // Its region in canonical coordinates at a time. False where there is none.
  bool region(OfxTime time, OfxRectD& region) const;

 private:
  OfxImageClipHandle clip_ = nullptr;
  OfxPropertySetHandle properties_ = nullptr;
};

class Image {
 public:
  Image() = default;
  // Fetches an image. `region` may be nullptr. Legal in Render, and in InstanceChanged by the user, only.
  Image(const Clip& clip, OfxTime time, const OfxRectD* region);
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  // Whether the host gave an image in a form that this plug-in knows.
  bool is_there() const { return picture_.data != nullptr; }
  const Picture& picture() const { return picture_; }
  double scale() const;  // of x: 1 at full size, 0.5 for a proxy of half the size
  std::string source_file() const;  // where the host names one, as Resolve does

 private:
  OfxPropertySetHandle handle_ = nullptr;
  Picture picture_;
};

}  // namespace void_ofx
