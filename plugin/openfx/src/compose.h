// The result laid over the plate.
#pragma once

#include <vector>

#include "ofx.h"
#include "pixels.h"

namespace void_ofx {

// What the bridge handed over: for each pixel R, G, B and a weight, lowest row first. It covers `box` of the full-size
// plate, in pixels, and may have fewer pixels than that. Outside of it the weight is 0.
struct Answer {
  const unsigned char* data = nullptr;
  std::ptrdiff_t row_bytes = 0;
  int width = 0;
  int height = 0;
  bool is_half = false;  // 16-bit floats, else 32-bit ones
  OfxRectI box{0, 0, 0, 0};
};

enum class Mix {
  kResult,      // the answer where it has a weight, the plate's own bits elsewhere
  kDifference,  // how far both are apart
  kPlain,       // the answer itself, grey mattes for example; black outside of it
  kTint,        // the answer mixed into the plate by its weight: colours over the picture
};

// Lays `answer` over `output`, which holds the plate in `window`. `scale_x` and `scale_y` are the size of the pixels
// of `output` for one of the full-size plate: 0.5 for a proxy of half the size. Only `rows` of it are written.
void compose(const Answer& answer, Mix mix, const Picture& output, const OfxRectI& window, double scale_x,
             double scale_y, Rows rows = Rows::kAll);

}  // namespace void_ofx
