#include "framing.h"

#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

namespace void_ofx {

namespace {

void put(std::string& bytes, size_t value, int count) {
  for (int at = 0; at < count; ++at) bytes.push_back(static_cast<char>((value >> (8 * at)) & 0xff));
}

size_t get(const std::string& bytes, size_t at, int count) {
  size_t value = 0;
  for (int byte = 0; byte < count; ++byte)
    value |= static_cast<size_t>(static_cast<unsigned char>(bytes[at + static_cast<size_t>(byte)])) << (8 * byte);
  return value;
}

constexpr size_t kLengthBytes = 4;
constexpr size_t kFieldBytes = 2 + 4;

template <typename Number>
bool parse(const std::string& text, Number& value) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  stream >> std::noskipws >> value;
  return !stream.fail() && stream.peek() == std::istringstream::traits_type::eof();
}

}  // namespace

void Message::set(const std::string& key, const std::string& value) { fields_[key] = value; }

void Message::set(const std::string& key, const char* value) { fields_[key] = value; }

void Message::set(const std::string& key, long long value) { fields_[key] = std::to_string(value); }

void Message::set(const std::string& key, double value) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream.precision(std::numeric_limits<double>::max_digits10);
  stream << value;
  fields_[key] = stream.str();
}

std::string Message::text(const std::string& key, const std::string& missing) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? missing : found->second;
}

long long Message::integer(const std::string& key, long long missing) const {
  const auto found = fields_.find(key);
  long long value = 0;
  return found != fields_.end() && parse(found->second, value) ? value : missing;
}

double Message::number(const std::string& key, double missing) const {
  const auto found = fields_.find(key);
  double value = 0;
  return found != fields_.end() && parse(found->second, value) && std::isfinite(value) ? value : missing;
}

std::string packed(const Message& message) {
  if (message.fields().size() > kMostFields) throw FramingError("a message has too many fields");
  std::string payload;
  for (const auto& [key, value] : message.fields()) {
    if (key.empty() || key.size() > kLongestKey) throw FramingError("a field's name is empty or too long");
    if (value.size() > kLongestValue) throw FramingError("the field " + key + " is longer than 64 KiB");
    put(payload, key.size(), 2);
    put(payload, value.size(), 4);
    payload += key;
    payload += value;
  }
  if (payload.size() > kLongestMessage) throw FramingError("a message is longer than 1 MiB");
  std::string bytes;
  bytes.reserve(kLengthBytes + payload.size());
  put(bytes, payload.size(), kLengthBytes);
  return bytes + payload;
}

bool MessageReader::next(Message& message) {
  if (waiting_.size() - begun_ < kLengthBytes) return false;
  const size_t length = get(waiting_, begun_, kLengthBytes);
  if (length > kLongestMessage) throw FramingError("a message is longer than 1 MiB");
  if (waiting_.size() - begun_ - kLengthBytes < length) return false;
  size_t at = begun_ + kLengthBytes;
  const size_t end = at + length;
  message = Message();
  size_t fields = 0;
  while (at < end) {
    if (end - at < kFieldBytes) throw FramingError("a message ends within a field");
    const size_t key_length = get(waiting_, at, 2);
    const size_t value_length = get(waiting_, at + 2, 4);
    at += kFieldBytes;
    if (key_length == 0 || key_length > kLongestKey) throw FramingError("a field's name is empty or too long");
    if (value_length > kLongestValue) throw FramingError("a field is longer than 64 KiB");
    if (end - at < key_length + value_length) throw FramingError("a message ends within a field");
    if (++fields > kMostFields) throw FramingError("a message has too many fields");
    message.set(waiting_.substr(at, key_length), waiting_.substr(at + key_length, value_length));
    at += key_length + value_length;
  }
  begun_ = end;
  if (begun_ > kLongestMessage || begun_ == waiting_.size()) {
    waiting_.erase(0, begun_);
    begun_ = 0;
  }
  return true;
}

}  // namespace void_ofx
