// Property sets of the host, read and written with types. What a host does not know is left alone.
#pragma once

#include <initializer_list>
#include <string>

#include "ofx.h"

namespace void_ofx {

class Properties {
 public:
  explicit Properties(OfxPropertySetHandle handle) : handle_(handle) {}

  // Each answers the default where the property is missing. Texts are copied, because they belong to the host.
  std::string text(const char* name) const;
  int integer(const char* name, int missing) const;
  double number(const char* name, double missing) const;
  void* pointer(const char* name) const;
  bool numbers(const char* name, int count, double* values) const;
  bool integers(const char* name, int count, int* values) const;

  void set(const char* name, const char* value, int index = 0) const;
  void set(const char* name, const std::string& value) const;
  void set(const char* name, int value) const;
  void set(const char* name, double value) const;
  void set(const char* name, void* value) const;
  void set_all(const char* name, std::initializer_list<const char*> values) const;
  void set_numbers(const char* name, std::initializer_list<double> values) const;

 private:
  OfxPropertySetHandle handle_;
};

}  // namespace void_ofx
