#include "pixels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace void_ofx {

size_t bytes_of(Depth depth) {
  switch (depth) {
    case Depth::kByte:
      return 1;
    case Depth::kShort:
    case Depth::kHalf:
      return 2;
    case Depth::kFloat:
      break;
  }
  return 4;
}

const char* name_of(Depth depth) {
  switch (depth) {
    case Depth::kByte:
      return "byte";
    case Depth::kShort:
      return "short";
    case Depth::kHalf:
      return "half";
    case Depth::kFloat:
      break;
  }
  return "float";
}

float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  std::uint32_t exponent = (half >> 10) & 0x1fu;
  std::uint32_t fraction = half & 0x3ffu;
  std::uint32_t bits = sign;
  if (exponent == 0x1f) {
    bits |= 0x7f800000u | (fraction << 13);
  } else if (exponent != 0) {
    bits |= ((exponent + 112) << 23) | (fraction << 13);
  } else if (fraction != 0) {
    exponent = 113;
    while ((fraction & 0x400u) == 0) {
      fraction <<= 1;
      --exponent;
    }
    bits |= (exponent << 23) | ((fraction & 0x3ffu) << 13);
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::uint16_t to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);   // NaN
  if (size >= 0x47800000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // beyond the largest, or infinite
  if (size < 0x38800000u) {  // a denormal half: its unit is 2^-24
    const float units = std::nearbyint(std::fabs(value) * 16777216.0F);
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(units));
  }
  const std::uint32_t rounded = size + 0xfffu + ((size >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

namespace {

template <typename Value>
Value load(const unsigned char* bytes) {
  Value value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <typename Value>
void store(unsigned char* bytes, Value value) {
  std::memcpy(bytes, &value, sizeof value);
}

float code(float value, float largest) {
  // NaN compares as false with everything, and becomes 0.
  return value > 0 ? std::floor(std::min(value, 1.0F) * largest + 0.5F) : 0.0F;
}

// One value of a depth that the compiler knows, for loops over whole pictures.
template <Depth kDepth>
float read(const unsigned char* bytes) {
  if constexpr (kDepth == Depth::kByte) return static_cast<float>(*bytes) / 255.0F;
  if constexpr (kDepth == Depth::kShort) return static_cast<float>(load<std::uint16_t>(bytes)) / 65535.0F;
  if constexpr (kDepth == Depth::kHalf) return from_half(load<std::uint16_t>(bytes));
  return load<float>(bytes);
}

}  // namespace

float Picture::value(const unsigned char* pixel, int channel) const {
  const unsigned char* const bytes = pixel + static_cast<size_t>(channel) * bytes_of(depth);
  switch (depth) {
    case Depth::kByte:
      return read<Depth::kByte>(bytes);
    case Depth::kShort:
      return read<Depth::kShort>(bytes);
    case Depth::kHalf:
      return read<Depth::kHalf>(bytes);
    case Depth::kFloat:
      break;
  }
  return read<Depth::kFloat>(bytes);
}

void Picture::put(unsigned char* pixel, int channel, float value) const {
  unsigned char* const bytes = pixel + static_cast<size_t>(channel) * bytes_of(depth);
  switch (depth) {
    case Depth::kByte:
      *bytes = static_cast<unsigned char>(code(value, 255.0F));
      return;
    case Depth::kShort:
      store(bytes, static_cast<std::uint16_t>(code(value, 65535.0F)));
      return;
    case Depth::kHalf:
      store(bytes, to_half(value));
      return;
    case Depth::kFloat:
      break;
  }
  store(bytes, value);
}

OfxRectI overlap(const OfxRectI& a, const OfxRectI& b) {
  OfxRectI both{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  both.x2 = std::max(both.x1, both.x2);
  both.y2 = std::max(both.y1, both.y2);
  return both;
}

namespace {

// One pixel between pictures of different channels or depths.
void convert_pixel(const Picture& from, const unsigned char* source, const Picture& to, unsigned char* target) {
  for (int channel = 0; channel < to.channels; ++channel) {
    float value = channel == 3 ? 1.0F : 0.0F;
    if (to.channels == 1)
      value = from.channels == 3 ? 1.0F : from.value(source, from.channels - 1);
    else if (from.channels == 1)
      value = channel == 3 ? from.value(source, 0) : 0.0F;
    else if (channel < from.channels)
      value = from.value(source, channel);
    to.put(target, channel, value);
  }
}

}  // namespace

void copy_pixels(const Picture& from, const Picture& to, const OfxRectI& window, Rows rows) {
  const OfxRectI target = overlap(window, to.bounds);
  const OfxRectI known = from.data == nullptr ? OfxRectI{0, 0, 0, 0} : overlap(target, from.bounds);
  const bool is_same = from.channels == to.channels && from.depth == to.depth;
  const bool is_empty = known.x1 >= known.x2 || known.y1 >= known.y2;
  for (int y = target.y1; y < target.y2; ++y) {
    if (!is_of(rows, y)) continue;
    if (is_empty || y < known.y1 || y >= known.y2) {
      std::memset(to.at(target.x1, y), 0, static_cast<size_t>(target.x2 - target.x1) * to.pixel_bytes());
      continue;
    }
    std::memset(to.at(target.x1, y), 0, static_cast<size_t>(known.x1 - target.x1) * to.pixel_bytes());
    std::memset(to.at(known.x2, y), 0, static_cast<size_t>(target.x2 - known.x2) * to.pixel_bytes());
    if (is_same) {
      std::memcpy(to.at(known.x1, y), from.at(known.x1, y), static_cast<size_t>(known.x2 - known.x1) * to.pixel_bytes());
      continue;
    }
    for (int x = known.x1; x < known.x2; ++x) convert_pixel(from, from.at(x, y), to, to.at(x, y));
  }
}

void pack_rows(const Picture& from, unsigned char* to) {
  const size_t row = static_cast<size_t>(from.width()) * from.pixel_bytes();
  for (int y = from.bounds.y1; y < from.bounds.y2; ++y, to += row)
    std::memcpy(to, from.at(from.bounds.x1, y), row);
}

namespace {

void halves_one_by_one(const unsigned char* from, std::uint16_t* to, size_t count) {
  for (size_t at = 0; at < count; ++at) {
#if defined(__aarch64__)
    const __fp16 half = static_cast<__fp16>(load<float>(from + at * sizeof(float)));
    std::memcpy(to + at, &half, sizeof half);
#else
    to[at] = to_half(load<float>(from + at * sizeof(float)));
#endif
  }
}

#if defined(__x86_64__)

__attribute__((target("avx,f16c"))) void halves_by_eight(const unsigned char* from, std::uint16_t* to, size_t count) {
  constexpr size_t kTogether = 8;
  size_t at = 0;
  for (; at + kTogether <= count; at += kTogether) {
    const __m256 values = _mm256_loadu_ps(reinterpret_cast<const float*>(from + at * sizeof(float)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
  }
  halves_one_by_one(from + at * sizeof(float), to + at, count - at);
}

// Two pixels of four values each, of which three are kept.
__attribute__((target("avx,f16c,ssse3"))) void colours_by_two(const unsigned char* from, std::uint16_t* to, size_t count) {
  const __m128i without_alpha = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1);
  size_t at = 0;
  // Eight halves are stored at a time, so that the last pixels of a row have to be written one by one.
  for (; at + 4 <= count; at += 2) {
    const __m256 values = _mm256_loadu_ps(reinterpret_cast<const float*>(from + at * 4 * sizeof(float)));
    const __m128i halves = _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at * 3), _mm_shuffle_epi8(halves, without_alpha));
  }
  for (; at < count; ++at)
    for (size_t channel = 0; channel < 3; ++channel)
      to[at * 3 + channel] = to_half(load<float>(from + (at * 4 + channel) * sizeof(float)));
}

__attribute__((target("avx,f16c"))) void floats_by_eight(const std::uint16_t* from, float* to, size_t count) {
  constexpr size_t kTogether = 8;
  size_t at = 0;
  for (; at + kTogether <= count; at += kTogether)
    _mm256_storeu_ps(to + at, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at))));
  for (; at < count; ++at) to[at] = from_half(from[at]);
}

// Whether processor and system know the instruction for it, as all of the last ten years do.
bool has_halves() {
  unsigned int a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned int kNeeded = (1u << 27) | (1u << 28) | (1u << 29);  // OSXSAVE, AVX, F16C
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kNeeded) != kNeeded) return false;
  unsigned int low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 6u) == 6u;
}

bool is_fast_with_halves() {
  static const bool is_fast = has_halves();
  return is_fast;
}

#endif

void convert_row(const unsigned char* from, std::uint16_t* to, size_t count) {
#if defined(__x86_64__)
  if (is_fast_with_halves()) return halves_by_eight(from, to, count);
#endif
  halves_one_by_one(from, to, count);
}

}  // namespace

void unpack_halves(const std::uint16_t* from, float* to, size_t count) {
#if defined(__x86_64__)
  if (is_fast_with_halves()) return floats_by_eight(from, to, count);
#endif
  for (size_t at = 0; at < count; ++at) {
#if defined(__aarch64__)
    __fp16 half;
    std::memcpy(&half, from + at, sizeof half);
    to[at] = static_cast<float>(half);
#else
    to[at] = from_half(from[at]);
#endif
  }
}

void pack_halves(const Picture& from, int channels, std::uint16_t* to) {
  const auto width = static_cast<size_t>(from.width());
  const size_t count = width * static_cast<size_t>(channels);
  for (int y = from.bounds.y1; y < from.bounds.y2; ++y, to += count) {
    const unsigned char* const row = from.at(from.bounds.x1, y);
    if (channels == from.channels) {
      convert_row(row, to, count);
#if defined(__x86_64__)
    } else if (is_fast_with_halves() && from.channels == 4 && channels == 3) {
      colours_by_two(row, to, width);
#endif
    } else {
      for (size_t x = 0; x < width; ++x)
        halves_one_by_one(row + x * from.pixel_bytes(), to + x * static_cast<size_t>(channels),
                          static_cast<size_t>(channels));
    }
  }
}

namespace {

// A matte's value: what is no number becomes 0.
inline float clamped(float value) { return value > 0 ? (value < 1 ? value : 1.0F) : 0.0F; }

template <Depth kDepth>
bool pack_matte_of(const Picture& from, bool is_luminance, std::uint16_t* to) {
  const auto step = static_cast<std::ptrdiff_t>(from.pixel_bytes());
  const size_t size = bytes_of(kDepth);
  const size_t alpha = static_cast<size_t>(from.channels - 1) * size;
  const auto width = static_cast<size_t>(from.width());
  std::vector<float> row(width);
  bool is_marked = false;
  for (int y = from.bounds.y1; y < from.bounds.y2; ++y, to += width) {
    const unsigned char* pixel = from.at(from.bounds.x1, y);
    float most = 0;
    for (size_t x = 0; x < width; ++x, pixel += step) {
      const float value = is_luminance ? 0.2126F * read<kDepth>(pixel) + 0.7152F * read<kDepth>(pixel + size) +
                                             0.0722F * read<kDepth>(pixel + 2 * size)
                                       : read<kDepth>(pixel + alpha);
      row[x] = clamped(value);
      most = row[x] > most ? row[x] : most;
    }
    constexpr float kLeastHalf = 1.0F / (1 << 24);
    is_marked |= most >= kLeastHalf;
    if (most == 0)
      std::memset(to, 0, width * sizeof *to);
    else
      convert_row(reinterpret_cast<const unsigned char*>(row.data()), to, width);
  }
  return is_marked;
}

}  // namespace

bool pack_matte(const Picture& from, MatteSource source, std::uint16_t* to) {
  const bool is_luminance = from.channels == 3 || (from.channels == 4 && source == MatteSource::kLuminance);
  switch (from.depth) {
    case Depth::kByte:
      return pack_matte_of<Depth::kByte>(from, is_luminance, to);
    case Depth::kShort:
      return pack_matte_of<Depth::kShort>(from, is_luminance, to);
    case Depth::kHalf:
      return pack_matte_of<Depth::kHalf>(from, is_luminance, to);
    case Depth::kFloat:
      break;
  }
  return pack_matte_of<Depth::kFloat>(from, is_luminance, to);
}

}  // namespace void_ofx
