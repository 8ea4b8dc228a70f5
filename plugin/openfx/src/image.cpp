#include "image.h"

#include <cmath>

#include "host.h"
#include "properties.h"

namespace void_ofx {

Clip::Clip(OfxImageEffectHandle effect, const char* name) {
  if (host().effects->clipGetHandle(effect, name, &clip_, &properties_) != kOfxStatOK) {
    clip_ = nullptr;
    properties_ = nullptr;
  } else if (properties_ == nullptr && clip_ != nullptr) {
    host().effects->clipGetPropertySet(clip_, &properties_);
  }
}

bool Clip::is_connected() const {
  return clip_ != nullptr && Properties(properties_).integer(kOfxImageClipPropConnected, 0) != 0;
}

bool Clip::frame_range(double& first, double& last) const {
  double range[2];
  if (clip_ == nullptr || !Properties(properties_).numbers(kOfxImageEffectPropFrameRange, 2, range)) return false;
  if (!std::isfinite(range[0]) || !std::isfinite(range[1]) || range[1] < range[0]) return false;
  first = range[0];
  last = range[1];
  return true;
}

bool Clip::region(OfxTime time, OfxRectD& region) const {
  if (clip_ == nullptr || host().effects->clipGetRegionOfDefinition(clip_, time, &region) != kOfxStatOK) return false;
  return std::isfinite(region.x1) && std::isfinite(region.y1) && region.x2 > region.x1 && region.y2 > region.y1;
}

namespace {

bool read_form(const Properties& image, Picture& picture) {
  const std::string components = image.text(kOfxImageEffectPropComponents);
  const std::string depth = image.text(kOfxImageEffectPropPixelDepth);
  if (components == kOfxImageComponentRGBA)
    picture.channels = 4;
  else if (components == kOfxImageComponentRGB)
    picture.channels = 3;
  else if (components == kOfxImageComponentAlpha)
    picture.channels = 1;
  else
    return false;
  if (depth == kOfxBitDepthFloat)
    picture.depth = Depth::kFloat;
  else if (depth == kOfxBitDepthHalf)
    picture.depth = Depth::kHalf;
  else if (depth == kOfxBitDepthShort)
    picture.depth = Depth::kShort;
  else if (depth == kOfxBitDepthByte)
    picture.depth = Depth::kByte;
  else
    return false;
  int bounds[4];
  if (!image.integers(kOfxImagePropBounds, 4, bounds)) return false;
  picture.bounds = {bounds[0], bounds[1], bounds[2], bounds[3]};
  picture.row_bytes = image.integer(kOfxImagePropRowBytes, 0);
  if (picture.width() <= 0 || picture.height() <= 0) return false;
  // Some hosts leave the length of a row out where rows follow each other directly.
  if (picture.row_bytes == 0)
    picture.row_bytes = picture.width() * static_cast<std::ptrdiff_t>(picture.pixel_bytes());
  picture.data = static_cast<unsigned char*>(image.pointer(kOfxImagePropData));
  return picture.data != nullptr;
}

}  // namespace

Image::Image(const Clip& clip, OfxTime time, const OfxRectD* region) {
  if (clip.handle() == nullptr) return;
  if (host().effects->clipGetImage(clip.handle(), time, region, &handle_) != kOfxStatOK) handle_ = nullptr;
  if (handle_ != nullptr && !read_form(Properties(handle_), picture_)) picture_ = Picture();
}

Image::~Image() {
  if (handle_ != nullptr) host().effects->clipReleaseImage(handle_);
}

double Image::scale() const {
  const double scale = Properties(handle_).number(kOfxImageEffectPropRenderScale, 1.0);
  return scale > 0 ? scale : 1.0;
}

std::string Image::source_file() const { return Properties(handle_).text(kResolvePropSrcFilePath); }

}  // namespace void_ofx
