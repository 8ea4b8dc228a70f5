// Messages between plug-in and bridge as bytes. docs/openfx_protocol.md describes them; both sides keep to it.
#pragma once

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>

namespace void_ofx {

constexpr size_t kLongestMessage = 1 << 20;
constexpr size_t kLongestKey = 64;
constexpr size_t kLongestValue = 64 * 1024;
constexpr size_t kMostFields = 256;

// The other side said something that is no message.
class FramingError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A message: named texts. Numbers are written as decimals whatever the host's locale is.
class Message {
 public:
  void set(const std::string& key, const std::string& value);
  void set(const std::string& key, const char* value);
  void set(const std::string& key, long long value);
  void set(const std::string& key, int value) { set(key, static_cast<long long>(value)); }
  void set(const std::string& key, double value);

  // Each answers the default where the field is missing or is no such thing.
  std::string text(const std::string& key, const std::string& missing = {}) const;
  long long integer(const std::string& key, long long missing) const;
  double number(const std::string& key, double missing) const;

  const std::map<std::string, std::string>& fields() const { return fields_; }

 private:
  std::map<std::string, std::string> fields_;
};

// A message as bytes, with its length before it.
// Throws FramingError where it is longer than a message may be.
std::string packed(const Message& message);

// Takes bytes as they come and gives whole messages.
class MessageReader {
 public:
  void add(const char* bytes, size_t count) { waiting_.append(bytes, count); }

  // Fills `message` and returns true where a whole one is there. Throws FramingError at bytes that are none.
  bool next(Message& message);

 private:
  std::string waiting_;
  size_t begun_ = 0;  // how many bytes of `waiting_` are read already
};

}  // namespace void_ofx
