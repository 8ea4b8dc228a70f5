// What the artist ordered: the settings of a removal, read from the parameters.
#pragma once

#include <string>
#include <vector>

#include "framing.h"
#include "image.h"
#include "instance.h"

namespace void_ofx {

// The clip of a role and how its matte is read from it. `clip` is the plate's where the plate's alpha is the matte.
struct MatteInput {
  const char* role;
  const char* clip;
  MatteSource source;
};

enum class Task {
  kRemove,
  kPropose,  // mattes of what the object affected
};

struct Order {
  std::vector<int> frames;
  OfxRectI box{0, 0, 0, 0};  // of the full-size plate, in pixels
  double pixel_aspect = 1;
  std::vector<MatteInput> mattes;
  Message settings;  // the request `begin`, without what depends on the plate
};

// Reads the order. Throws OrderError with what to do where it is none.
Order read_order(const Instance& instance, OfxTime time, Task task);

class OrderError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace void_ofx
