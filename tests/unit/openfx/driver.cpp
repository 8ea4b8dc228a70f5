// Functions of the plug-in that need no host, for tests to call.
#include <cstring>

#include "compose.h"
#include "framing.h"
#include "pixels.h"
#include "process.h"

using namespace void_ofx;

namespace {

Depth depth_of(int number) { return static_cast<Depth>(number); }

}  // namespace

extern "C" {

struct Form {
  unsigned char* data;
  int x1, y1, x2, y2;
  long long row_bytes;
  int channels, depth;
};

static Picture picture_of(const Form& form) {
  Picture picture;
  picture.data = form.data;
  picture.bounds = {form.x1, form.y1, form.x2, form.y2};
  picture.row_bytes = static_cast<std::ptrdiff_t>(form.row_bytes);
  picture.channels = form.channels;
  picture.depth = depth_of(form.depth);
  return picture;
}

float driver_from_half(unsigned short half) { return from_half(half); }
unsigned short driver_to_half(float value) { return to_half(value); }

void driver_copy(const Form* from, const Form* to, int x1, int y1, int x2, int y2) {
  copy_pixels(from == nullptr ? Picture() : picture_of(*from), picture_of(*to), {x1, y1, x2, y2});
}

void driver_pack(const Form* from, unsigned char* to) { pack_rows(picture_of(*from), to); }

void driver_halves(const Form* from, int channels, unsigned short* to) {
  pack_halves(picture_of(*from), channels, to);
}

int driver_matte(const Form* from, int source, unsigned short* to) {
  return pack_matte(picture_of(*from), static_cast<MatteSource>(source), to);
}

void driver_compose(const unsigned char* data, long long row_bytes, int width, int height, int is_half, const int* box,
                    int mix, const Form* output, const int* window, double scale_x, double scale_y) {
  const Answer answer{data,   static_cast<std::ptrdiff_t>(row_bytes),   width,
                      height, is_half != 0, {box[0], box[1], box[2], box[3]}};
  compose(answer, static_cast<Mix>(mix), picture_of(*output), {window[0], window[1], window[2], window[3]}, scale_x,
          scale_y);
}

// Reads messages out of bytes that come in pieces and packs them again. Answers the length of what it packed, or -1
// where the bytes are no messages.
long long driver_reframe(const char* bytes, long long count, long long piece, char* packed_again, long long room) {
  try {
    MessageReader reader;
    std::string all;
    Message message;
    for (long long at = 0; at < count; at += piece) {
      reader.add(bytes + at, static_cast<size_t>(piece < count - at ? piece : count - at));
      while (reader.next(message)) all += packed(message);
    }
    if (static_cast<long long>(all.size()) > room) return -2;
    std::memcpy(packed_again, all.data(), all.size());
    return static_cast<long long>(all.size());
  } catch (const FramingError&) {
    return -1;
  }
}

// The number as the plug-in writes it.
long long driver_number(double value, char* text, long long room) {
  Message message;
  message.set("number", value);
  const std::string said = message.text("number");
  if (static_cast<long long>(said.size()) >= room) return -1;
  std::memcpy(text, said.c_str(), said.size() + 1);
  return static_cast<long long>(said.size());
}

double driver_parse(const char* text) {
  Message message;
  message.set("number", text);
  return message.number("number", -1234.0);
}

int driver_is_bent(const char* variable) { return is_bent_variable(variable) ? 1 : 0; }

}  // extern "C"
