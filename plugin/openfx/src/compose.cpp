#include "compose.h"

#include <algorithm>
#include <cmath>

namespace void_ofx {

namespace {

struct Sample {
  float colour[3] = {0, 0, 0};
  float weight = 0;
};

// Along one axis: which pixels of the answer a pixel of the output shows, and how much of each.
struct Tap {
  int first = 0;
  std::vector<float> shares;  // from `first` on; empty outside of the answer
};

// `count` pixels of the answer cover `low` to `high` of the full-size plate. A pixel of the output is `1 / scale`
// full-size pixels long. Where the answer is finer its pixels are averaged, else they are interpolated.
std::vector<Tap> taps(int begin, int end, double scale, int low, int high, int count) {
  std::vector<Tap> all(static_cast<size_t>(end - begin));
  const double density = static_cast<double>(count) / (high - low);  // answer pixels for a full-size pixel
  for (int at = begin; at < end; ++at) {
    Tap& tap = all[static_cast<size_t>(at - begin)];
    const double from = (at / scale - low) * density;
    const double to = ((at + 1) / scale - low) * density;
    if (to <= 0 || from >= count) continue;
    if (to - from >= 1) {
      const int first = std::max(0, static_cast<int>(std::floor(from + 1e-6)));
      const int last = std::min(count - 1, static_cast<int>(std::ceil(to - 1e-6)) - 1);
      double sum = 0;
      for (int pixel = first; pixel <= last; ++pixel) {
        const double share = std::min(to, pixel + 1.0) - std::max(from, static_cast<double>(pixel));
        tap.shares.push_back(static_cast<float>(share));
        sum += share;
      }
      for (float& share : tap.shares) share = static_cast<float>(share / sum);
      tap.first = first;
      continue;
    }
    const double centre = std::clamp((from + to) / 2 - 0.5, 0.0, count - 1.0);
    tap.first = static_cast<int>(centre);
    const auto second = static_cast<float>(centre - tap.first);
    tap.shares.push_back(1 - second);
    if (second > 0) tap.shares.push_back(second);
  }
  return all;
}

// Some rows of the answer as floats.
class Lines {
 public:
  // Those columns that `across` shows.
  Lines(const Answer& answer, const std::vector<Tap>& across) : answer_(answer) {
    for (const Tap& tap : across) {
      if (tap.shares.empty()) continue;
      first_ = is_empty() ? tap.first : std::min(first_, tap.first);
      end_ = std::max(end_, tap.first + static_cast<int>(tap.shares.size()));
    }
  }

  void load(const Tap& up) {
    bottom_ = up.first;
    if (!answer_.is_half || is_empty()) return;
    const auto count = static_cast<size_t>(end_ - first_) * 4;
    values_.resize(count * up.shares.size());
    for (size_t row = 0; row < up.shares.size(); ++row)
      unpack_halves(reinterpret_cast<const std::uint16_t*>(line(bottom_ + static_cast<int>(row))) + first_ * 4,
                    values_.data() + row * count, count);
  }

  // The pixel of column `x` in a row that was loaded.
  const float* at(int x, size_t row) const {
    if (!answer_.is_half)
      return reinterpret_cast<const float*>(line(bottom_ + static_cast<int>(row))) + static_cast<std::ptrdiff_t>(x) * 4;
    return values_.data() + (row * static_cast<size_t>(end_ - first_) + static_cast<size_t>(x - first_)) * 4;
  }

 private:
  bool is_empty() const { return end_ == 0; }
  const unsigned char* line(int y) const { return answer_.data + y * answer_.row_bytes; }

  const Answer& answer_;
  int first_ = 0, end_ = 0;
  int bottom_ = 0;
  std::vector<float> values_;
};

Sample sample(const Lines& lines, const Tap& across, const Tap& up) {
  Sample mean;
  for (size_t y = 0; y < up.shares.size(); ++y) {
    const float* pixel = lines.at(across.first, y);
    for (size_t x = 0; x < across.shares.size(); ++x, pixel += 4) {
      const float share = up.shares[y] * across.shares[x];
      for (int channel = 0; channel < 3; ++channel) mean.colour[channel] += share * pixel[channel];
      mean.weight += share * pixel[3];
    }
  }
  return mean;
}

// A picture of one channel has the plate's only one; its answer stands in all three.
int colours_of(const Picture& picture) { return picture.channels == 1 ? 1 : 3; }

void put_sample(const Sample& sample, Mix mix, bool is_exact, const Picture& output, unsigned char* pixel) {
  const int colours = colours_of(output);
  if (mix == Mix::kPlain) {
    for (int channel = 0; channel < colours; ++channel) output.put(pixel, channel, sample.colour[channel]);
    return;
  }
  if (mix == Mix::kDifference) {
    for (int channel = 0; channel < colours; ++channel) {
      const float plate = output.value(pixel, channel);
      output.put(pixel, channel, sample.weight > 0 ? std::fabs(sample.colour[channel] - plate) : 0.0F);
    }
    return;
  }
  if (sample.weight <= 0) return;
  // An answer of a smaller size knows the plate less well than the plate does: it goes in as far as it has weight.
  const float share = is_exact && mix == Mix::kResult ? 1.0F : std::min(sample.weight, 1.0F);
  for (int channel = 0; channel < colours; ++channel) {
    const float value = share >= 1 ? sample.colour[channel]
                                   : output.value(pixel, channel) * (1 - share) + sample.colour[channel] * share;
    output.put(pixel, channel, value);
  }
}

void put_nothing(Mix mix, const Picture& output, unsigned char* pixel) {
  if (mix == Mix::kResult || mix == Mix::kTint) return;
  for (int channel = 0; channel < colours_of(output); ++channel) output.put(pixel, channel, 0.0F);
}

// Whether each pixel of an axis shows exactly one of the answer, the next one the next: both have the same pixels.
bool is_one_to_one(const std::vector<Tap>& all) {
  for (size_t at = 0; at < all.size(); ++at)
    if (all[at].shares.size() != 1 || all[at].first != all[0].first + static_cast<int>(at)) return false;
  return true;
}

// A row of the result where answer and output have the same pixels: most of them are the plate's own, and stay.
void put_row(const float* value, const Picture& output, unsigned char* pixel, size_t count) {
  const auto step = static_cast<std::ptrdiff_t>(output.pixel_bytes());
  const int colours = colours_of(output);
  for (size_t at = 0; at < count; ++at, value += 4, pixel += step) {
    if (!(value[3] > 0)) continue;
    for (int channel = 0; channel < colours; ++channel) output.put(pixel, channel, value[channel]);
  }
}

}  // namespace

void compose(const Answer& answer, Mix mix, const Picture& output, const OfxRectI& window, double scale_x,
             double scale_y, Rows rows) {
  const OfxRectI target = overlap(window, output.bounds);
  if (target.x1 >= target.x2 || target.y1 >= target.y2) return;
  const std::vector<Tap> across = taps(target.x1, target.x2, scale_x, answer.box.x1, answer.box.x2, answer.width);
  const std::vector<Tap> up = taps(target.y1, target.y2, scale_y, answer.box.y1, answer.box.y2, answer.height);
  // At equal or smaller scale the answer holds the plate itself wherever it has no weight.
  const bool is_exact = answer.width >= std::lround((answer.box.x2 - answer.box.x1) * scale_x);
  const bool is_direct = mix == Mix::kResult && is_exact && is_one_to_one(across);
  const auto step = static_cast<std::ptrdiff_t>(output.pixel_bytes());
  Lines lines(answer, across);
  for (int y = target.y1; y < target.y2; ++y) {
    if (!is_of(rows, y)) continue;
    const Tap& row = up[static_cast<size_t>(y - target.y1)];
    unsigned char* pixel = output.at(target.x1, y);
    if (!row.shares.empty()) lines.load(row);
    if (is_direct && row.shares.size() == 1) {
      put_row(lines.at(across[0].first, 0), output, pixel, across.size());
      continue;
    }
    for (const Tap& column : across) {
      if (row.shares.empty() || column.shares.empty())
        put_nothing(mix, output, pixel);
      else if (row.shares.size() == 1 && column.shares.size() == 1) {
        const float* value = lines.at(column.first, 0);
        put_sample({{value[0], value[1], value[2]}, value[3]}, mix, is_exact, output, pixel);
      } else
        put_sample(sample(lines, column, row), mix, is_exact, output, pixel);
      pixel += step;
    }
  }
}

}  // namespace void_ofx
