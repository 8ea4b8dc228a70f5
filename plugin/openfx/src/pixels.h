// Pixels in memory, whatever their depth, number of channels, row order and padding are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ofx.h"

namespace void_ofx {

enum class Depth { kByte, kShort, kHalf, kFloat };

size_t bytes_of(Depth depth);
const char* name_of(Depth depth);

// A value of 16-bit floating point as a float and back, to the nearest, ties to even.
float from_half(std::uint16_t half);
std::uint16_t to_half(float value);

// Pixels that somebody else owns. `data` is the pixel at (x1, y1); y grows by `row_bytes`, which may be negative.
struct Picture {
  unsigned char* data = nullptr;
  OfxRectI bounds{0, 0, 0, 0};
  std::ptrdiff_t row_bytes = 0;
  int channels = 0;  // 4: RGBA, 3: RGB, 1: alpha
  Depth depth = Depth::kFloat;

  size_t pixel_bytes() const { return static_cast<size_t>(channels) * bytes_of(depth); }
  int width() const { return bounds.x2 - bounds.x1; }
  int height() const { return bounds.y2 - bounds.y1; }
  bool has(int x, int y) const { return x >= bounds.x1 && x < bounds.x2 && y >= bounds.y1 && y < bounds.y2; }
  unsigned char* at(int x, int y) const {
    return data + (y - bounds.y1) * row_bytes + (x - bounds.x1) * static_cast<std::ptrdiff_t>(pixel_bytes());
  }
  // One channel of a pixel. Bytes and shorts are code values over their largest.
  float value(const unsigned char* pixel, int channel) const;
  void put(unsigned char* pixel, int channel, float value) const;
};

// The rows of a frame, or those of one of its two fields: the lower one has row 0.
enum class Rows { kAll, kEven, kOdd };

inline bool is_of(Rows rows, int y) { return rows == Rows::kAll || ((y & 1) == 0) == (rows == Rows::kEven); }

OfxRectI overlap(const OfxRectI& a, const OfxRectI& b);

// Copies the pixels of `window` that `from` has, and writes zeros where it has none. Channels that only `to` has
// become 0, alpha 1.
void copy_pixels(const Picture& from, const Picture& to, const OfxRectI& window, Rows rows = Rows::kAll);

// Copies all rows of a picture, lowest first, one after the other.
void pack_rows(const Picture& from, unsigned char* to);

// Turns halves into floats.
void unpack_halves(const std::uint16_t* from, float* to, size_t count);

// Writes the first `channels` values of each pixel of a picture of floats as halves, lowest row first.
void pack_halves(const Picture& from, int channels, std::uint16_t* to);

enum class MatteSource { kAlpha, kLuminance };

// Writes a matte of the picture: a half of 0 to 1 for each pixel, lowest row first. A picture without alpha gives its
// luminance, one of a single channel that channel; what is no number is 0. Answers whether anything is marked.
bool pack_matte(const Picture& from, MatteSource source, std::uint16_t* to);

}  // namespace void_ofx
